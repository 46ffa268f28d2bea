//! The state of the service: jobs, marks of schedules, tokens, users and their sessions, the audit, alerts.

pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod channels;
pub(crate) mod copy;
pub(crate) mod deliveries;
pub(crate) mod durations;
pub(crate) mod incidents;
pub(crate) mod jobs;
pub(crate) mod kept;
pub(crate) mod marks;
pub(crate) mod remembered;
pub(crate) mod sessions;
pub(crate) mod stored;
pub(crate) mod tokens;
pub(crate) mod users;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use secrecy::{ExposeSecret, SecretBox};

use crate::Error;
use copy::{Copy, Luggage, beside, copied};

/// Tells the state from other databases of SQLite, in the file's `application_id`.
const APPLICATION: i64 = 0x524b_5354;

/// The bytes of the key beside the state.
pub(crate) const KEY_BYTES: usize = 32;

type Key = SecretBox<[u8; KEY_BYTES]>;

/// The version of the tables, kept in the file as `user_version`.
pub(crate) const VERSION: i64 = 1;

/// What makes the tables of a version out of those of the version before.
const MIGRATIONS: [&str; VERSION as usize] = [include_str!("state/version_1.sql")];

/// The state, shared by all who hold it.
#[derive(Clone)]
pub(crate) struct State {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Connection>>,
    changes: Arc<AtomicU64>,
    key: Arc<Option<Key>>,
}

impl State {
    /// Opens the state, which is made where there is none, for this process alone. `fresh` becomes the key beside it where there is none.
    pub(crate) async fn open(path: &Path, fresh: [u8; KEY_BYTES]) -> Result<Self, Error> {
        Self::opened(path, move |path| Ok((open(path)?, Some(key_beside(path, &fresh)?)))).await
    }

    /// Opens the state of a service that does not run; nothing is made where there is none, and no secret in it can be read.
    pub(crate) async fn existing(path: &Path) -> Result<Self, Error> {
        Self::opened(path, |path| match path.exists() {
            true => Ok((open(path)?, None)),
            false => Err(Error::NoState { path: path.to_owned() }),
        })
        .await
    }

    async fn opened(
        path: &Path,
        open: impl FnOnce(&Path) -> Result<(Connection, Option<Key>), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let path = Arc::new(path.to_owned());
        let at = Arc::clone(&path);
        let opened = tokio::task::spawn_blocking(move || open(&at)).await;
        let (connection, key) =
            opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        Ok(Self {
            path,
            connection: Arc::new(Mutex::new(connection)),
            changes: Arc::default(),
            key: Arc::new(key),
        })
    }

    /// Another number after each change. No other process has the state, so what was read at a number holds as long as that is the
    /// number: what changes it is answered only after the number changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// What seals the secrets in it; it lies beside it, so that whoever has a copy of the state has none of them.
    pub(crate) fn key(&self) -> Result<&[u8; KEY_BYTES], Error> {
        let key = self.key.as_ref().as_ref();
        key.map(|key| key.expose_secret()).ok_or_else(|| Error::Content("its key was not read".to_owned()))
    }

    /// Does something in one transaction, which counts when it gives no error.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.connected(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Copies all of it but sessions, with what is taken along, into a file beside it.
    pub(crate) async fn copy(&self, luggage: Luggage) -> Result<Copy, Error> {
        let path = Arc::clone(&self.path);
        let made = self.connected(move |connection| copied(connection, &path, &luggage)).await?;
        made.map_err(|source| Error::File { path: (*self.path).clone(), source })
    }

    /// Does something that is more or less than a transaction.
    async fn connected<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (connection, changes) = (Arc::clone(&self.connection), Arc::clone(&self.changes));
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let before = connection.total_changes();
            let done = work(&mut connection);
            if connection.total_changes() != before {
                changes.fetch_add(1, Ordering::SeqCst);
            }
            done
        });
        let done = done.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        done.map_err(|source| Error::State { path: (*self.path).clone(), source })
    }
}

/// Where the key of a state is.
pub(crate) fn key_file(state: &Path) -> PathBuf {
    beside(state, ".key")
}

/// The key in the file beside the state, which is made where there is none.
fn key_beside(state: &Path, fresh: &[u8; KEY_BYTES]) -> Result<Key, Error> {
    let path = key_file(state);
    let failed = |source| Error::File { path: path.clone(), source };
    match std::fs::read(&path) {
        Ok(bytes) => {
            let bytes: [u8; KEY_BYTES] =
                bytes.try_into().map_err(|_| Error::OtherFile { path: path.clone() })?;
            Ok(SecretBox::new(Box::new(bytes)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            rowkeep::private_files::write(&path, fresh).map_err(failed)?;
            Ok(SecretBox::new(Box::new(*fresh)))
        }
        Err(error) => Err(failed(error)),
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
