//! Waiting for locks that others hold.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rowkeep_format::clock::{Clock, Stopwatch};
use rusqlite::ErrorCode;

/// How long to wait before the next attempt. SQLite's own waiting goes up to a tenth of a second at a time, in which a
/// writer that hardly pauses is never caught in a pause.
const PAUSE: Duration = Duration::from_millis(1);

/// How long to wait for locks that others hold, and by which clock.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Patience {
    pub(crate) fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { limit, clock }
    }

    /// The same for another time.
    pub(crate) fn of(&self, limit: Duration) -> Self {
        Self { limit, clock: Arc::clone(&self.clock) }
    }

    /// The longest time.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Begins to wait.
    pub(crate) fn begin(&self) -> Waiting {
        Waiting { limit: self.limit, watch: Stopwatch::start(&self.clock) }
    }
}

/// A wait that has begun.
pub(crate) struct Waiting {
    limit: Duration,
    watch: Stopwatch,
}

impl Waiting {
    /// Whether it was long enough.
    pub(crate) fn is_over(&self) -> bool {
        self.watch.elapsed() >= self.limit
    }

    /// Waits until the next attempt; blocks.
    pub(crate) fn pause(&self) {
        sleep(PAUSE);
    }
}

/// Repeats an attempt while somebody else holds a lock, until patience ends; that is the last error then.
pub(crate) fn patiently<T>(
    patience: &Patience,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let waiting = patience.begin();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && !waiting.is_over() => waiting.pause(),
            ended => return ended,
        }
    }
}

/// Whether somebody else holds a lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use rowkeep_format::clock::TestClock;

    use super::*;

    fn busy() -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
    }

    #[test]
    fn patience_is_as_long_as_time_passes_however_the_clock_is_set() {
        let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
        let patience = Patience::new(Duration::from_secs(10), clock.clone());
        let mut attempts = 0;
        let ended = patiently(&patience, || -> rusqlite::Result<()> {
            attempts += 1;
            match attempts {
                1 => clock.jump(SignedDuration::from_hours(24)),
                2 => clock.jump(SignedDuration::from_hours(-48)),
                _ => clock.advance(Duration::from_secs(6)),
            }
            Err(busy())
        });
        assert!(ended.is_err_and(|error| is_busy(&error)));
        assert_eq!(attempts, 4, "two in which the clock was set, and two of six seconds");
    }
}
