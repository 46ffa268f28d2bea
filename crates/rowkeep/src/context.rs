use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{Error, Event, Observer};

/// Plain bytes of rows that may be on their way between reading and storing at once.
///
/// A chunk needs about three times its plain size while it is encoded, checked and compressed.
const BYTES_IN_FLIGHT: usize = 12 * 1024 * 1024;

/// What every operation is given: who watches, who may stop it, and how much of the machine it may use.
///
/// Clones share all of it.
#[derive(Clone)]
pub struct Context {
    observer: Observer,
    cancel: CancellationToken,
    cores: usize,
    cpu: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl Context {
    /// A context that uses all cores.
    pub fn new(observer: Observer, cancel: CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            observer,
            cancel,
            cores,
            cpu: Arc::new(Semaphore::new(cores)),
            bytes: Arc::new(Semaphore::new(BYTES_IN_FLIGHT)),
        }
    }

    /// A context that nobody watches or stops.
    pub fn silent() -> Self {
        Self::new(Arc::new(|_| {}), CancellationToken::new())
    }

    /// The same for work that has to come to its end: nobody can stop it.
    pub(crate) fn sheltered(&self) -> Self {
        Self { cancel: CancellationToken::new(), ..self.clone() }
    }

    /// Whether somebody asked the operation to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Waits until somebody asks to stop.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    pub(crate) fn cores(&self) -> usize {
        self.cores
    }

    pub(crate) fn observe(&self, event: Event<'_>) {
        (self.observer)(event);
    }

    pub(crate) fn warn(&self, warning: impl AsRef<str>) {
        self.observe(Event::Warning(warning.as_ref()));
    }

    /// Runs an operation until it ends or is cancelled; being cancelled drops it.
    pub(crate) async fn until_cancelled<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.cancel.run_until_cancelled(operation).await {
            Some(result) => result,
            None => Err(Error::Cancelled),
        }
    }

    /// Waits until that many more bytes may be on their way; a single larger thing takes all there is.
    pub(crate) async fn admit(&self, bytes: usize) -> OwnedSemaphorePermit {
        let permits = bytes.clamp(1, BYTES_IN_FLIGHT) as u32;
        Arc::clone(&self.bytes).acquire_many_owned(permits).await.expect("the semaphore is never closed")
    }

    /// Runs work that keeps a core busy on a thread for such work, as many at once as there are cores.
    pub(crate) async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let permit = Arc::clone(&self.cpu).acquire_owned().await.expect("the semaphore is never closed");
        let result = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match result.await {
            Ok(value) => value,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
}
