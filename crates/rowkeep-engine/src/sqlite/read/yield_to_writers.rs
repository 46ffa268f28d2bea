//! Letting writers through in rollback mode.
//!
//! Without a write-ahead log, nobody can commit while somebody reads. A view may be read for hours, at the pace of a
//! slow upload, so it watches for writers: as soon as one has begun, the database is copied page by page to a temporary
//! file, all readings go on from the copy where they were, and the locks are given up. So a writer waits for as long as
//! copying takes, and where nobody writes, nothing is copied.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::copied_state::{Copied, Idle};
use crate::sqlite::connect::patience::Patience;
use crate::sqlite::connect::reserved_lock::is_reserved;
use crate::{EngineError, ErrorKind};

/// How often it is looked for writers: one system call each time.
const INTERVAL: Duration = Duration::from_millis(20);

/// Watches for writers until it is dropped, which waits until its connection, and those that nobody uses, are closed: who
/// has dropped a view may write at once.
pub(crate) struct Yielding {
    /// Dropped, it tells the thread to end.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Yielding {
    /// Begins to watch. `spare` is a connection in a transaction on the state that is read; `copied` learns of the copy.
    pub(crate) fn begin(
        spare: Connection,
        path: &Path,
        temporary: &Path,
        copied: watch::Sender<Option<Arc<Copied>>>,
        patience: &Patience,
        idle: Idle,
    ) -> Result<Self, EngineError> {
        let (stop, stopped) = sync_channel(0);
        let (path, temporary) = (path.to_owned(), temporary.to_owned());
        // Nobody else knows of the copy.
        let patience = patience.of(Duration::ZERO);
        let watching = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if is_reserved(&spare) {
                    let is_wanted = || stopped.try_recv() == Err(TryRecvError::Empty);
                    match Copied::make(&spare, &path, &temporary, patience, is_wanted) {
                        Ok(None) => {}
                        Ok(Some(copy)) => {
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
        let thread = thread.map_err(|error| {
            EngineError::new(ErrorKind::Other, "no thread can be started").with_source(error)
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Yielding {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // One that has panicked has closed its connection as well.
            let _ = thread.join();
        }
    }
}
