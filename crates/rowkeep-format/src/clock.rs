//! Where the time comes from: a clock that every operation is given.
//!
//! Nothing in this crate asks a clock. The trait stands here because every other crate sees it; those that need the time
//! take a clock from their caller, so that tests decide what time it is.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A source of the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day, as this machine has it.
    ///
    /// It is set by people and by other machines. It can be wrong, jump ahead and go back; so it never decides which of
    /// two things came first.
    fn now(&self) -> Timestamp;

    /// An instant that never goes back, to measure durations by.
    fn instant(&self) -> Instant;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The clock in the form that operations take.
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// Measures a duration by a clock.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    clock: Arc<dyn Clock>,
    started: Instant,
}

impl Stopwatch {
    /// Starts measuring.
    pub fn start(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: Arc::clone(clock), started: clock.instant() }
    }

    /// Starts anew.
    pub fn restart(&mut self) {
        self.started = self.clock.instant();
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.clock.instant().saturating_duration_since(self.started)
    }

    /// The time since the start in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock for tests, which shows what it is set to.
///
/// Its instants go on by a millisecond with each reading, so that whoever waits by them comes to an end.
///
/// ```
/// use jiff::{SignedDuration, Timestamp};
/// use rowkeep_format::clock::{Clock, TestClock};
///
/// let clock = TestClock::new("2026-11-01T12:00:00Z".parse::<Timestamp>()?);
/// clock.jump(SignedDuration::from_hours(-2));
/// assert_eq!(clock.now().to_string(), "2026-11-01T10:00:00Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug)]
pub struct TestClock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    time: Timestamp,
    instant: Instant,
    /// By how much the time jumps before each of the next readings, again and again.
    jumps: VecDeque<SignedDuration>,
}

const TICK: Duration = Duration::from_millis(1);

impl TestClock {
    /// A clock that stands at a time until it is set or moved.
    pub fn new(time: Timestamp) -> Self {
        Self::jumping(time, [])
    }

    /// A clock that jumps before every reading of the time: by the first of these, then the second, and from the first again.
    pub fn jumping(time: Timestamp, jumps: impl IntoIterator<Item = SignedDuration>) -> Self {
        let (instant, jumps) = (SystemClock.instant(), jumps.into_iter().collect());
        Self(Mutex::new(Reading { time, instant, jumps }))
    }

    /// Sets the time, as somebody does who corrects a clock.
    pub fn set(&self, time: Timestamp) {
        self.reading().time = time;
    }

    /// Moves the time and not the instants: the clock is put ahead or back.
    pub fn jump(&self, by: SignedDuration) {
        let mut reading = self.reading();
        reading.time = moved(reading.time, by);
    }

    /// Lets time pass: the time and the instants go on.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.reading();
        reading.time = moved(reading.time, SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
        reading.instant = reading.instant.checked_add(by).unwrap_or(reading.instant);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let mut reading = self.reading();
        if let Some(jump) = reading.jumps.pop_front() {
            reading.time = moved(reading.time, jump);
            reading.jumps.push_back(jump);
        }
        reading.time
    }

    fn instant(&self) -> Instant {
        let mut reading = self.reading();
        reading.instant += TICK;
        reading.instant
    }
}

fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    time.checked_add(by).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_clock_for_tests_stands_jumps_and_goes_on() {
        let clock = Arc::new(TestClock::new(time("2026-11-01T12:00:00Z")));
        assert_eq!(clock.now(), clock.now());
        let shared: Arc<dyn Clock> = clock.clone();
        let watch = Stopwatch::start(&shared);
        clock.jump(SignedDuration::from_hours(-48));
        assert_eq!(clock.now(), time("2026-10-30T12:00:00Z"));
        assert_eq!(watch.elapsed(), TICK, "a clock that is put back takes no time");
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), time("2026-10-30T12:00:05Z"));
        assert_eq!(watch.elapsed_ms(), 5002);
        clock.jump(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn a_jumping_clock_jumps_again_and_again() {
        let jumps = [3600, -7200].map(SignedDuration::from_secs);
        let clock = TestClock::jumping(time("2026-11-01T12:00:00Z"), jumps);
        let hours = [13, 11, 12, 10].map(|hour| time(&format!("2026-11-01T{hour}:00:00Z")));
        assert_eq!([clock.now(), clock.now(), clock.now(), clock.now()], hours);
    }
}
