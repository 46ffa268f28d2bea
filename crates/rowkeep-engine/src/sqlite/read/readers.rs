//! The connections of a view, all in transactions that see the same state.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rowkeep_format::RowBatch;
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::copied_state::{Connected, Copied, Idle, lock};
use super::yield_to_writers::Yielding;
use crate::sqlite::catalog::properties::pragma;
use crate::sqlite::connect::connection::{Access, beside, has_content, open, open_with};
use crate::sqlite::connect::error::failure;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::sqlite::connect::transaction::{begin, begin_together};
use crate::{EngineError, ErrorKind};

/// How many tables are read at once: more connections would only wait for the same disk.
const CONNECTIONS: usize = 2;

/// The connections that nobody uses at present, and the way to get one.
pub(crate) struct Readers {
    idle: Idle,
    free: Arc<Semaphore>,
    copied: watch::Receiver<Option<Arc<Copied>>>,
    count: usize,
    access: Access,
    path: PathBuf,
    /// What the file looked like, where no lock keeps it so.
    unlocked: Option<Looks>,
    /// Lets writers through as long as the view is there.
    _yielding: Option<Yielding>,
}

impl Readers {
    /// Opens connections to one state of a database; `temporary` is where a copy goes when a writer must not wait.
    pub(crate) fn open(path: &Path, temporary: &Path, patience: &Patience) -> Result<Self, EngineError> {
        let looks = Looks::of(path);
        let (first, access) = open(path, patience)?;
        let unlocked = (access == Access::Immutable).then_some(looks);
        let named = |error: rusqlite::Error| failure(path.display(), &error);
        let journal: String = patiently(patience, || pragma(&first, "journal_mode")).map_err(named)?;
        let locks_writers_out = access != Access::Immutable && journal != "wal";

        let mut connections = vec![first];
        while connections.len() < CONNECTIONS + usize::from(locks_writers_out) {
            connections.push(open_with(path, access, patience).map_err(named)?);
        }
        if !begin_together(&connections, patience).map_err(named)? {
            connections.truncate(1);
            patiently(patience, || begin(&connections[0])).map_err(named)?;
        }
        let mut connections: Vec<_> =
            connections.into_iter().map(|connection| Connected { connection, live: true }).collect();
        let spare = if connections.len() > CONNECTIONS { connections.pop() } else { None };
        let count = connections.len();
        let idle = Arc::new(Mutex::new(connections));
        let (sender, copied) = watch::channel(None);
        let yielding = match spare {
            Some(spare) => {
                Some(Yielding::begin(spare.connection, path, temporary, sender, patience, Arc::clone(&idle))?)
            }
            None => None,
        };
        Ok(Self {
            idle,
            free: Arc::new(Semaphore::new(count)),
            copied,
            count,
            access,
            path: path.to_owned(),
            unlocked,
            _yielding: yielding,
        })
    }

    /// How many readings there can be at once.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How the database is read.
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Fails when the database is read without locks and was written meanwhile, as far as its file shows that.
    pub(crate) fn check_unchanged(&self) -> Result<(), EngineError> {
        match &self.unlocked {
            Some(looks) if *looks != Looks::of(&self.path) => Err(EngineError::new(
                ErrorKind::FileBusy,
                format!("{}: the database was written while it was read without locks", self.path.display()),
            )),
            _ => Ok(()),
        }
    }

    /// A connection that is free at once.
    pub(crate) fn try_reader(self: &Arc<Self>) -> Result<Reader, EngineError> {
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| self.closed())?;
        self.reader_with(permit)
    }

    /// Waits for a connection. It comes back when the reader is dropped.
    pub(crate) async fn reader(self: &Arc<Self>) -> Result<Reader, EngineError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| self.closed())?;
        self.reader_with(permit)
    }

    fn reader_with(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Reader, EngineError> {
        let connected = lock(&self.idle).pop().ok_or_else(|| self.closed())?;
        Ok(Reader { connected: Some(connected), readers: Arc::clone(self), _permit: permit })
    }

    fn closed(&self) -> EngineError {
        EngineError::new(
            ErrorKind::Other,
            format!("{}: no connection to the view is left", self.path.display()),
        )
    }
}

/// What changes about a database file when it is written.
#[derive(PartialEq)]
struct Looks {
    length_bytes: Option<u64>,
    written: Option<SystemTime>,
    has_log: bool,
}

impl Looks {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self {
            length_bytes: metadata.as_ref().map(fs::Metadata::len),
            written: metadata.and_then(|metadata| metadata.modified().ok()),
            has_log: has_content(&beside(path, "-wal")),
        }
    }
}

/// A connection that is in use.
pub(crate) struct Reader {
    /// There until it is dropped.
    connected: Option<Connected>,
    readers: Arc<Readers>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        lock(&self.readers.idle).extend(self.connected.take());
        // It may have come back too late to be moved with the idle ones.
        let copied = self.readers.copied.borrow().clone();
        if let Some(copied) = copied {
            copied.move_all(&self.readers.idle);
        }
    }
}

/// What became of a batch that was to be sent.
pub(crate) enum Sent {
    /// It is on its way.
    Delivered,
    /// Nobody wants it.
    Refused,
    /// It still has to be sent, after the reader has gone to the copy.
    Held(RowBatch),
}

impl Reader {
    /// The connection, in a transaction.
    pub(crate) fn connection(&self) -> Result<&Connection, EngineError> {
        match &self.connected {
            Some(connected) => Ok(&connected.connection),
            None => Err(EngineError::new(ErrorKind::Other, "the connection of a view is gone")),
        }
    }

    /// See [`Readers::check_unchanged`].
    pub(crate) fn check_unchanged(&self) -> Result<(), EngineError> {
        self.readers.check_unchanged()
    }

    /// Whether a writer waits until this reader goes to the copy that was made.
    pub(crate) fn is_in_the_way(&self) -> bool {
        self.connected.as_ref().is_some_and(|connected| connected.live)
            && self.readers.copied.borrow().is_some()
    }

    /// Goes to the copy, where there is one.
    pub(crate) fn make_way(&mut self) -> Result<(), EngineError> {
        let copied = self.readers.copied.borrow().clone();
        match (&mut self.connected, copied) {
            (Some(connected), Some(copied)) => connected.go_to(&copied),
            _ => Ok(()),
        }
    }

    /// Sends a batch; but while it waits, a writer does not.
    ///
    /// # Panics
    /// On a thread that tokio does not know as one that may block.
    pub(crate) fn send(&self, output: &mpsc::Sender<RowBatch>, batch: RowBatch) -> Sent {
        let batch = match output.try_send(batch) {
            Ok(()) => return Sent::Delivered,
            Err(TrySendError::Closed(_)) => return Sent::Refused,
            Err(TrySendError::Full(batch)) => batch,
        };
        let mut copied = self.readers.copied.clone();
        let live = self.connected.as_ref().is_some_and(|connected| connected.live);
        Handle::current().block_on(async {
            let made = async {
                // An error means that no copy will be made any more.
                if !live || copied.wait_for(Option::is_some).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                permit = output.reserve() => match permit {
                    Ok(permit) => {
                        permit.send(batch);
                        Sent::Delivered
                    }
                    Err(_) => Sent::Refused,
                },
                () = made => Sent::Held(batch),
            }
        })
    }
}
