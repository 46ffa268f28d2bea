//! The state in a file of SQLite.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure;
use super::transaction::Transaction;
use super::trouble::{FileIdentity, Trouble, is_full};
use super::version::VERSION;
use crate::Error;

/// Tells the state from other databases of SQLite, in the file's `application_id`.
const APPLICATION: i64 = 0x524b_5354;

/// What makes the tables of a version out of those of the version before.
const MIGRATIONS: [&str; VERSION as usize] = [include_str!("version_1.sql")];

/// The state in a file, which this process has alone.
pub(super) struct InFile {
    path: PathBuf,
    /// Which file it is; none where that could not be found out.
    identity: Option<FileIdentity>,
    connection: Mutex<Connection>,
}

impl InFile {
    /// Opens the state, which is made where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let connection = Mutex::new(open(path)?);
        Ok(Self { path: path.to_owned(), identity: FileIdentity::of(path), connection })
    }

    /// Opens one that has to be there.
    pub(super) fn existing(path: &Path) -> Result<Self, Error> {
        match path.exists() {
            true => Self::open(path),
            false => Err(Error::NoState { place: path.display().to_string() }),
        }
    }

    /// Does something in one transaction, which counts when it gives no error.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> failure::Result<T>,
    ) -> Result<T, Error> {
        let work = |connection: &mut Connection| -> failure::Result<T> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&Transaction::of_sqlite(&transaction))?;
            transaction.commit()?;
            Ok(done)
        };
        work(&mut self.connection()).map_err(|failure| failed(&self.path, failure))
    }

    /// Whether its file was removed, or another one is where it was.
    pub(super) fn displaced(&self) -> Option<Trouble> {
        self.identity?.look(&self.path)
    }

    /// The connection, for what is more or less than a transaction.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tables of the newest version in a database that has none.
pub(super) fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate(connection, 0)
}

fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    for (version, migration) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    Ok(())
}

fn failed(path: &Path, failure: impl Into<failure::Failure>) -> Error {
    let (place, failure) = (path.display().to_string(), failure.into());
    match is_full(&failure) {
        true => Error::StateFull { place },
        false => Error::State { place, source: failure.into() },
    }
}

fn in_use(path: &Path) -> Error {
    Error::InUse { place: path.display().to_string() }
}

/// Fails where a file is another database, of which nothing is changed.
fn refuse_other(connection: &Connection, path: &Path) -> Result<(), Error> {
    let number = |query: &str| connection.query_row(query, (), |row| row.get::<_, i64>(0));
    let look = || -> rusqlite::Result<bool> {
        let is_ours = number("PRAGMA application_id")? == APPLICATION;
        Ok(is_ours || number("SELECT count(*) FROM sqlite_schema")? == 0)
    };
    match look() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::OtherFile { path: path.to_owned() }),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => Err(in_use(path)),
            Some(rusqlite::ErrorCode::NotADatabase) => Err(Error::OtherFile { path: path.to_owned() }),
            _ => Err(failed(path, error)),
        },
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    rowkeep::private_files::create_if_missing(path)
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    refuse_other(&connection, path)?;
    // What was answered to somebody has to be there after a power cut.
    let settings = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
    match connection.execute_batch(settings) {
        Ok(()) => {}
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
            return Err(in_use(path));
        }
        Err(error) => return Err(failed(path, error)),
    }
    let version = connection.query_row("PRAGMA user_version", (), |row| row.get(0));
    let version: i64 = version.map_err(|error| failed(path, error))?;
    if version > VERSION {
        return Err(Error::NewerState { place: path.display().to_string(), version, known: VERSION });
    }
    migrate(&mut connection, version).map_err(|error| failed(path, error))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::runs;

    #[test]
    fn a_disk_that_is_full_is_told_from_everything_else() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let file = InFile::open(&folder.path().join("state.db")).expect("it is opened");
        let write = |seconds: i64| {
            let time = jiff::Timestamp::from_second(seconds).expect("it is a time");
            file.transaction(move |state| {
                (0..200).try_for_each(|more| {
                    let later = time + jiff::SignedDuration::from_hours(more);
                    runs::note(state, later)
                })
            })
        };
        write(0).expect("there is room");
        let full = "PRAGMA max_page_count = 1";
        file.connection().query_row(full, (), |row| row.get::<_, i64>(0)).expect("it is set");
        let told = (1..100).find_map(|at| write(at * 10_000_000).err()).expect("there is an end to the room");
        assert!(matches!(told, Error::StateFull { .. }), "{told}");
        assert_eq!(file.displaced(), None);
    }
}
