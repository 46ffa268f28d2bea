//! Letting writers through in rollback mode.
//!
//! Without a write-ahead log, nobody can commit while somebody reads. A view may be read for hours, at the pace of a
//! slow upload, so it watches for writers: as soon as one has begun, the database is copied page by page to a temporary
//! file, all readings go on from the copy where they were, and the locks are given up. So a writer waits for as long as
//! copying takes, and where nobody writes, nothing is copied.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tempfile::TempDir;
use tokio::sync::watch;

use super::readers::{Connected, Idle, lock};
use crate::sqlite::connect::connection::{Access, open_with};
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::reserved_lock::is_reserved;
use crate::sqlite::connect::transaction::begin;
use crate::{EngineError, ErrorKind};

/// How often it is looked for writers: one system call each time.
const INTERVAL: Duration = Duration::from_millis(20);

/// Watches for writers until it is dropped.
pub(crate) struct Yielding {
    _stop: SyncSender<()>,
}

impl Yielding {
    /// Begins to watch. `spare` is a connection in a transaction on the state that is read; `copied` learns of the copy.
    pub(crate) fn begin(
        spare: Connection,
        path: &Path,
        temporary: &Path,
        copied: watch::Sender<Option<Arc<Copied>>>,
        idle: Idle,
    ) -> Result<Self, EngineError> {
        let (stop, stopped) = sync_channel(0);
        let (path, temporary) = (path.to_owned(), temporary.to_owned());
        let watching = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if is_reserved(&spare) {
                    match Copied::make(&spare, &path, &temporary) {
                        Ok(copy) => {
                            let copy = Arc::new(copy);
                            copied.send_replace(Some(Arc::clone(&copy)));
                            copy.move_all(&idle);
                        }
                        Err(error) => {
                            tracing::warn!(%error, "writers have to wait until the database is read");
                        }
                    }
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("sqlite-writers".into()).spawn(watching);
        thread.map_err(|error| {
            EngineError::new(ErrorKind::Other, "no thread can be started").with_source(error)
        })?;
        Ok(Self { _stop: stop })
    }
}

/// A copy of the state of a view, removed with the last that holds it.
pub(crate) struct Copied {
    original: PathBuf,
    path: PathBuf,
    _folder: TempDir,
}

impl Copied {
    fn make(connection: &Connection, original: &Path, temporary: &Path) -> Result<Self, EngineError> {
        let doing = || format!("copying {} to {}", original.display(), temporary.display());
        let folder = tempfile::Builder::new()
            .prefix("rowkeep-")
            .tempdir_in(temporary)
            .map_err(|error| EngineError::new(ErrorKind::Other, doing()).with_source(error))?;
        let path = folder.path().join("copy.db");
        let copy = || -> rusqlite::Result<()> {
            let mut target = Connection::open(&path)?;
            target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
            let backup = Backup::new(connection, &mut target)?;
            while backup.step(-1)? != StepResult::Done {}
            Ok(())
        };
        copy().map_err(when(doing()))?;
        Ok(Self { original: original.to_owned(), path, _folder: folder })
    }

    /// A connection to the copy, in a transaction.
    pub(crate) fn connect(&self) -> Result<Connection, EngineError> {
        let connect = || {
            let connection = open_with(&self.path, Access::Immutable, Duration::ZERO)?;
            begin(&connection)?;
            Ok(connection)
        };
        connect().map_err(|error| failure(format!("the copy of {}", self.original.display()), &error))
    }

    /// Moves all connections that nobody uses; one that cannot be is closed, as a writer waits for it.
    pub(crate) fn move_all(&self, idle: &Mutex<Vec<Connected>>) {
        lock(idle).retain_mut(|connected| {
            let moved = connected.go_to(self);
            if let Err(error) = &moved {
                tracing::warn!(%error, "a reading connection is lost");
            }
            moved.is_ok()
        });
    }
}
