//! How fast bytes may go, on average: a token bucket, by a clock that is handed in.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rowkeep_format::clock::Clock;

/// So much of a second may go at once after a pause.
const BURST: Duration = Duration::from_millis(100);

/// A number of bytes a second that nobody exceeds together who goes by it.
///
/// ```
/// use std::sync::Arc;
/// use rowkeep_format::clock::SystemClock;
/// use rowkeep_repository::Pace;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let pace = Pace::new(1_000_000_000.try_into().unwrap(), SystemClock::shared());
/// pace.admit(1_000).await;
/// # });
/// ```
pub struct Pace {
    bytes_a_second: NonZeroU64,
    clock: Arc<dyn Clock>,
    /// When everything that was admitted has had its time.
    paid_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// A pace at which nothing was admitted yet.
    pub fn new(bytes_a_second: NonZeroU64, clock: Arc<dyn Clock>) -> Self {
        Self { bytes_a_second, clock, paid_at: Mutex::new(None) }
    }

    /// Waits until so many bytes more have their time: a part of an instant for few, and for many as long as they take.
    pub async fn admit(&self, bytes: u64) {
        let wait = self.charge(bytes);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Counts so many bytes, and says for how long whoever sends them has to wait before.
    pub fn charge(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_a_second.get());
        let time = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.instant();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let began = paid_at.map_or(earliest, |paid_at| paid_at.max(earliest));
        let paid = began.checked_add(time).unwrap_or(began);
        *paid_at = Some(paid);
        paid.saturating_duration_since(now)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("bytes_a_second", &self.bytes_a_second).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::clock::TestClock;

    use super::*;

    fn pace(bytes_a_second: u64) -> (Arc<TestClock>, Pace) {
        let clock = Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH));
        let pace = Pace::new(bytes_a_second.try_into().expect("not zero"), clock.clone());
        (clock, pace)
    }

    #[test]
    fn no_more_bytes_go_than_their_time_allows() {
        let (clock, pace) = pace(1_000);
        let began = clock.instant();
        let mut sent = 0;
        for bytes in [50, 1, 3_000, 0, 700, 200, 4_096, 12, 100_000] {
            clock.advance(pace.charge(bytes));
            sent += bytes;
            let elapsed = clock.instant() - began;
            let allowed = 1_000 * (elapsed + BURST).as_nanos() / 1_000_000_000;
            assert!(u128::from(sent) <= allowed, "{sent} bytes after {elapsed:?}");
            // And hardly less: the clock of a test goes on by itself with each reading.
            assert!(
                u128::from(sent) + 200 >= 1_000 * elapsed.as_nanos() / 1_000_000_000,
                "{sent} after {elapsed:?}"
            );
        }
    }

    #[test]
    fn a_pause_saves_up_a_moment_and_not_more() {
        let (clock, pace) = pace(1_000);
        assert_eq!(pace.charge(50), Duration::ZERO);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(pace.charge(100), Duration::ZERO);
        assert!(pace.charge(1_000) > Duration::from_millis(900));
    }

    #[test]
    fn whoever_comes_later_waits_for_those_before() {
        let (_, pace) = pace(1_000);
        let waits: Vec<Duration> = (0..4).map(|_| pace.charge(1_000)).collect();
        assert!(waits.windows(2).all(|pair| pair[1] > pair[0] + Duration::from_millis(900)), "{waits:?}");
    }

    #[test]
    fn absurd_numbers_are_borne() {
        let (_, slow) = pace(1);
        assert!(slow.charge(u64::MAX) >= slow.charge(0) - Duration::from_secs(1));
        let (_, fast) = pace(u64::MAX);
        assert_eq!(fast.charge(1 << 40), Duration::ZERO);
    }
}
