use futures::{StreamExt, stream};
use rowkeep_format::RowBatch;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{EngineError, ErrorKind, RowStream};

/// How many batches may wait between two threads.
pub(crate) const WAITING_BATCHES: usize = 4;

/// Runs `work` on a thread where it may block, and gives the batches that it sends.
///
/// The stream ends when the work does: well, or with the work's error, and never well when the work panicked. When the
/// stream is dropped, sending fails.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn rows_of(
    work: impl FnOnce(mpsc::Sender<RowBatch>) -> Result<(), EngineError> + Send + 'static,
) -> RowStream {
    let (sender, batches) = mpsc::channel(WAITING_BATCHES);
    let thread = tokio::task::spawn_blocking(move || work(sender));
    stream::unfold(Some((batches, thread)), next).fuse().boxed()
}

type Running = (mpsc::Receiver<RowBatch>, JoinHandle<Result<(), EngineError>>);

async fn next(running: Option<Running>) -> Option<(Result<RowBatch, EngineError>, Option<Running>)> {
    let (mut batches, thread) = running?;
    if let Some(batch) = batches.recv().await {
        return Some((Ok(batch), Some((batches, thread))));
    }
    let ended = thread.await.unwrap_or_else(|error| {
        Err(EngineError::new(ErrorKind::Other, "a thread that handles rows ended unexpectedly")
            .with_source(error))
    });
    ended.err().map(|error| (Err(error), None))
}
