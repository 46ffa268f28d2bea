//! A copy of the state in a file of its own, and what is taken along in it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::audit;

/// A file beside another: its name with more behind it.
pub(crate) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// A database that is there for a while; its files go when this is dropped.
#[derive(Debug)]
pub(crate) struct PassingFile(PathBuf);

impl PassingFile {
    /// One of this name, which is not there yet; what a kill has left of it goes.
    pub(crate) fn at(path: PathBuf) -> Self {
        let passing = Self(path);
        passing.remove();
        passing
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn remove(&self) {
        for more in ["", "-journal", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&self.0, more));
        }
    }
}

impl Drop for PassingFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A copy of the state, as it goes into the repository.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) file: PassingFile,
    /// The number and the hash of its last entry of the audit.
    pub(crate) head: (i64, Vec<u8>),
}

/// What is taken along: a name, and bytes.
pub(crate) type Luggage = Vec<(&'static str, Vec<u8>)>;

/// Copies all of a state but sessions, with what is taken along, into a file beside it that nobody else can read.
pub(super) fn copied(
    connection: &mut Connection,
    state: &Path,
    luggage: &Luggage,
) -> rusqlite::Result<std::io::Result<Copy>> {
    let file = PassingFile::at(beside(state, ".copy"));
    // Else it would get the rights that files get here.
    if let Err(error) = rowkeep::private_files::create_if_missing(file.path()) {
        return Ok(Err(error));
    }
    connection.execute("VACUUM INTO ?1", [file.path().to_string_lossy()])?;
    let mut copy = Connection::open(file.path())?;
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF")?;
    let transaction = copy.transaction_with_behavior(TransactionBehavior::Immediate)?;
    pack(&transaction, luggage)?;
    let head = audit::head(&transaction)?;
    transaction.commit()?;
    Ok(Ok(Copy { file, head }))
}

fn pack(transaction: &Transaction<'_>, luggage: &Luggage) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "DELETE FROM sessions; \
         CREATE TABLE service (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    for (name, value) in luggage {
        transaction.execute("INSERT INTO service VALUES (?1, ?2)", (name, value))?;
    }
    Ok(())
}

/// What a copy has taken along under a name.
pub(crate) fn luggage(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    transaction.query_row("SELECT value FROM service WHERE name = ?1", [name], |row| row.get(0)).optional()
}

/// Makes the state that it was of a copy again.
pub(crate) fn unpack(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("DROP TABLE service")
}
