//! The state of the service: jobs, marks of schedules, tokens, the audit.

pub(crate) mod audit;
pub(crate) mod jobs;
pub(crate) mod marks;
mod stored;
pub(crate) mod tokens;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::Error;

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

fn open(path: &Path) -> Result<Connection, Error> {
    let failed = |source| Error::State { path: path.to_owned(), source };
    rowkeep::private_files::create_if_missing(path)
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
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
            transaction.commit()
        };
        migrate(&mut connection).map_err(failed)?;
    }
    Ok(connection)
}
