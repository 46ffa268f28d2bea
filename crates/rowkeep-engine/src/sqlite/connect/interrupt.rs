use std::pin::pin;

use futures::{Stream, StreamExt};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use crate::apply::stopped;
use crate::{EngineError, ErrorKind};

/// How many steps of SQLite's machine there are between two looks: some tens of microseconds.
const STEPS: i32 = 10_000;

/// Tells work on another thread that nobody waits for it any more.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<()>);

/// Runs something where it may block. When the future is dropped, the work is told.
pub(crate) async fn interruptible<T: Send + 'static>(
    work: impl FnOnce(Interrupt) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let (_alive, gone) = watch::channel(());
    blocking(move || work(Interrupt(gone))).await
}

/// Runs something where it may block. When the future is dropped, or it is to stop, the work is told; in the latter case it
/// is waited for, and [`ErrorKind::Stopped`] unless it was done already or nobody knows.
pub(crate) async fn stoppable<T: Send + 'static>(
    stop: &CancellationToken,
    work: impl FnOnce(Interrupt) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    if stop.is_cancelled() {
        return Err(stopped());
    }
    let (alive, gone) = watch::channel(());
    let mut working = pin!(blocking(move || work(Interrupt(gone))));
    tokio::select! {
        done = &mut working => return done,
        () = stop.cancelled() => drop(alive),
    }
    working.await.map_err(|error| match error.kind() {
        ErrorKind::OutcomeUnknown => error,
        _ => stopped(),
    })
}

impl Interrupt {
    /// Whether the work is to end.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Fails when the work is to end.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.is_wanted() { Err(interrupted()) } else { Ok(()) }
    }

    /// Makes statements of a connection fail as soon as the work is to end.
    pub(crate) fn interrupt(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let interrupt = self.clone();
        connection.progress_handler(STEPS, Some(move || interrupt.is_wanted()))
    }

    /// Waits for what comes next of a stream.
    ///
    /// # Panics
    /// On a thread that tokio does not know as one that may block.
    pub(crate) fn next<T>(
        &self,
        stream: &mut (impl Stream<Item = Result<T, EngineError>> + Unpin),
    ) -> Result<Option<T>, EngineError> {
        let mut gone = self.0.clone();
        Handle::current().block_on(async {
            tokio::select! {
                biased;
                _ = gone.changed() => Err(interrupted()),
                next = stream.next() => next.transpose(),
            }
        })
    }
}

fn interrupted() -> EngineError {
    EngineError::new(ErrorKind::Other, "nobody waits for this any more")
}
