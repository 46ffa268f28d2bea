mod paced_view;

use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::View;
use rowkeep_format::clock::{Clock, Stopwatch, SystemClock};
use rowkeep_repository::{Pace, Randomness, SystemRandomness, WriterOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{Error, Event, Observer};
use paced_view::PacedView;

/// Plain bytes of rows that may be on their way between reading and storing at once.
///
/// A chunk needs about three times its plain size while it is encoded, checked and compressed.
const BYTES_IN_FLIGHT: usize = 11 * 1024 * 1024;

/// Bytes of changes of one comparison that stay in memory; the rest is in a temporary file.
const CHANGES_IN_MEMORY: usize = 8 * 1024 * 1024;

/// Work on up to so many bytes of rows is done where it comes up: handing it to another thread would take longer.
pub(crate) const SMALL_BYTES: usize = 16 * 1024;

/// What every operation is given: who watches, who may stop it, how much of the machine it may use, what
/// time it is, and where chance comes from.
///
/// Clones share all of it.
#[derive(Clone)]
pub struct Context {
    observer: Observer,
    cancel: CancellationToken,
    cores: usize,
    cpu: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// How many bytes there are of these in all.
    most_bytes: usize,
    changes_in_memory: usize,
    packs: WriterOptions,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    /// How fast databases are read.
    reading: Option<Arc<Pace>>,
}

impl Context {
    /// A context that uses all cores, and the clock and the random bytes of this machine.
    pub fn new(observer: Observer, cancel: CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            observer,
            cancel,
            cores,
            cpu: Arc::new(Semaphore::new(cores)),
            bytes: Arc::new(Semaphore::new(BYTES_IN_FLIGHT)),
            most_bytes: BYTES_IN_FLIGHT,
            changes_in_memory: CHANGES_IN_MEMORY,
            packs: WriterOptions::default(),
            clock: SystemClock::shared(),
            randomness: SystemRandomness::shared(),
            reading: None,
        }
    }

    /// A context that nobody watches or stops.
    pub fn silent() -> Self {
        Self::new(Arc::new(|_| {}), CancellationToken::new())
    }

    /// The same with a quarter of the memory for rows, changes and packs, for what is done beside many other things.
    #[must_use]
    pub fn frugal(self) -> Self {
        let most_bytes = BYTES_IN_FLIGHT / 4;
        let changes_in_memory = CHANGES_IN_MEMORY / 4;
        let packs = WriterOptions { pack_bytes: WriterOptions::default().pack_bytes / 4 };
        Self { bytes: Arc::new(Semaphore::new(most_bytes)), most_bytes, changes_in_memory, packs, ..self }
    }

    /// How what is stored is packed.
    pub(crate) fn packs(&self) -> WriterOptions {
        self.packs
    }

    /// How many bytes of changes of one comparison stay in memory.
    pub(crate) fn changes_in_memory(&self) -> usize {
        self.changes_in_memory
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same with another source of random bytes.
    #[must_use]
    pub fn with_randomness(self, randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness, ..self }
    }

    /// The same where databases are read no faster than so many bytes of rows a second, all tables together.
    #[must_use]
    pub fn reading_at(self, bytes_a_second: Option<NonZeroU64>) -> Self {
        let reading = bytes_a_second.map(|rate| Arc::new(Pace::new(rate, Arc::clone(&self.clock))));
        Self { reading, ..self }
    }

    /// A state of a database, to be read as fast as that.
    pub(crate) fn paced(&self, view: Arc<dyn View>) -> Arc<dyn View> {
        match &self.reading {
            None => view,
            Some(pace) => Arc::new(PacedView { view, pace: Arc::clone(pace) }),
        }
    }

    /// The clock that decides what time it is.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What time it is, by a clock that may be wrong.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Begins to measure how long something takes.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch::start(&self.clock)
    }

    /// Where random bytes come from.
    pub fn randomness(&self) -> &Arc<dyn Randomness> {
        &self.randomness
    }

    /// The same for work that has to come to its end: nobody can stop it.
    pub(crate) fn sheltered(&self) -> Self {
        Self { cancel: CancellationToken::new(), ..self.clone() }
    }

    /// The same for work that goes on beside what is watched.
    pub(crate) fn unwatched(&self) -> Self {
        Self { observer: Arc::new(|_| {}), ..self.clone() }
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

    /// Who watches.
    pub fn observer(&self) -> Observer {
        Arc::clone(&self.observer)
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
        let permits = bytes.clamp(1, self.most_bytes) as u32;
        Arc::clone(&self.bytes).acquire_many_owned(permits).await.expect("the semaphore is never closed")
    }

    /// Does work on that many bytes as [`compute`](Self::compute) does, or at once when they are few.
    pub(crate) async fn compute_on<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= SMALL_BYTES { work() } else { self.compute(work).await }
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
