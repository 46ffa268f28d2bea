//! A copy of the state in a file of its own, and what is taken along in it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::audit;
use super::failure;
use super::transaction::Transaction;

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
            let mut name = self.0.as_os_str().to_owned();
            name.push(more);
            let _ = std::fs::remove_file(name);
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

/// Copies all of a state in a file but sessions, with what is taken along, into a file that nobody else can read.
pub(super) fn of_file(state: &Connection, path: PathBuf, luggage: &Luggage) -> failure::Result<Copy> {
    let file = PassingFile::at(path);
    // Else it would get the rights that files get here.
    rowkeep::private_files::create_if_missing(file.path())?;
    state.execute("VACUUM INTO ?1", [file.path().to_string_lossy()])?;
    let mut copy = Connection::open(file.path())?;
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF")?;
    packed(&mut copy, file, luggage)
}

/// Leaves out sessions of a copy that is open, and takes something along in it.
pub(super) fn packed(copy: &mut Connection, file: PassingFile, luggage: &Luggage) -> failure::Result<Copy> {
    let transaction = copy.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = Transaction::of_sqlite(&transaction);
    sql.execute("DELETE FROM sessions", &[])?;
    sql.execute(
        "CREATE TABLE service (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        &[],
    )?;
    for (name, value) in luggage {
        sql.execute("INSERT INTO service VALUES (?1, ?2)", params![name, value])?;
    }
    let head = audit::head(&sql)?;
    transaction.commit()?;
    Ok(Copy { file, head })
}

/// What a copy has taken along under a name.
pub(crate) fn luggage(copy: &Transaction<'_>, name: &str) -> failure::Result<Option<Vec<u8>>> {
    copy.query_optional("SELECT value FROM service WHERE name = ?1", params![name], |row| row.get(0))
}

/// Makes the state that it was of a copy again.
pub(crate) fn unpack(copy: &Transaction<'_>) -> failure::Result<()> {
    copy.execute("DROP TABLE service", &[]).map(drop)
}
