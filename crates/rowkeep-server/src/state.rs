//! The state of the service: jobs, marks of schedules, tokens, the audit, alerts.

pub(crate) mod audit;
pub(crate) mod channels;
pub(crate) mod deliveries;
pub(crate) mod incidents;
pub(crate) mod jobs;
pub(crate) mod marks;
mod stored;
pub(crate) mod tokens;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::Error;

/// Tells the state from other databases of SQLite, in the file's `application_id`.
const APPLICATION: i64 = 0x524b_5354;

/// The version of the tables, kept in the file as `user_version`.
const VERSION: i64 = 1;

/// What makes the tables of a version out of those of the version before.
const MIGRATIONS: [&str; VERSION as usize] = [include_str!("state/version_1.sql")];

/// The state, shared by all who hold it.
#[derive(Clone)]
pub(crate) struct State {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Connection>>,
}

impl State {
    /// Opens the state, which is made where there is none, for this process alone.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let path = Arc::new(path.to_owned());
        let at = Arc::clone(&path);
        let opened = tokio::task::spawn_blocking(move || open(&at)).await;
        let connection = opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        Ok(Self { path, connection: Arc::new(Mutex::new(connection)) })
    }

    /// Does something in one transaction, which counts when it gives no error.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        let done = done.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        done.map_err(|source| Error::State { path: (*self.path).clone(), source })
    }
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
            Some(rusqlite::ErrorCode::DatabaseBusy) => Err(Error::InUse { path: path.to_owned() }),
            Some(rusqlite::ErrorCode::NotADatabase) => Err(Error::OtherFile { path: path.to_owned() }),
            _ => Err(Error::State { path: path.to_owned(), source: error }),
        },
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    let failed = |source| Error::State { path: path.to_owned(), source };
    rowkeep::private_files::create_if_missing(path)
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    refuse_other(&connection, path)?;
    // What was answered to somebody has to be there after a power cut.
    let settings = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
    match connection.execute_batch(settings) {
        Ok(()) => {}
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
            return Err(Error::InUse { path: path.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    }
    let version: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(failed)?;
    if version > VERSION {
        return Err(Error::NewerState { path: path.to_owned(), version, known: VERSION });
    }
    for (version, migration) in (1..).zip(MIGRATIONS).skip(usize::try_from(version).unwrap_or(0)) {
        let migrate = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.commit()
        };
        migrate(&mut connection).map_err(failed)?;
    }
    Ok(connection)
}
