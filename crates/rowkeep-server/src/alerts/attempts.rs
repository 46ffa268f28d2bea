//! Requests that were refused: how many came lately.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::channels::AlertKind;

use super::condition::Finding;
use super::message::Severity;

/// So many within [`WINDOW`] are many.
const MANY: u64 = 20;

/// With fewer than so many within it, it is over.
const FEW: u64 = 5;

const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// The requests that were refused lately, by the minute.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    /// Since when they are counted.
    since: Option<Timestamp>,
    /// Each minute with its number, the oldest first.
    minutes: VecDeque<(i64, u64)>,
}

impl Lately {
    fn forget_before(&mut self, now: Timestamp) {
        let (now, window) = (now.as_second().div_euclid(60), WINDOW.as_mins());
        // Minutes of the future are from before the clock was put back.
        self.minutes.retain(|(minute, _)| now - window < *minute && *minute <= now);
    }
}

impl Attempts {
    /// Notes that a request was refused.
    pub(crate) fn note(&self, now: Timestamp) {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lately.forget_before(now);
        let minute = now.as_second().div_euclid(60);
        match lately.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => lately.minutes.push_back((minute, 1)),
        }
    }

    /// Whether there are many. Where that is neither so nor over, or they are not counted for long enough to tell, there is no finding.
    pub(super) fn finding(&self, now: Timestamp) -> Option<Finding> {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lately.forget_before(now);
        let since = *lately.since.get_or_insert(now);
        let count: u64 = lately.minutes.iter().map(|(_, count)| count).sum();
        let wrong = match count {
            MANY.. => Some((
                Severity::Critical,
                format!(
                    "{count} requests of the last ten minutes had no valid token, or one that does not allow them"
                ),
            )),
            ..FEW if now.duration_since(since).abs() >= WINDOW => None,
            _ => return None,
        };
        Some(Finding::of(AlertKind::Unauthorised, "requests", wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_and_are_over_when_few_come() {
        let attempts = Attempts::default();
        let start: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let at = |seconds| start.checked_add(SignedDuration::from_secs(seconds)).expect("it is a time");
        let is_wrong = |seconds| attempts.finding(at(seconds)).map(|finding| finding.wrong.is_some());
        assert_eq!(is_wrong(0), None, "nobody knows what came before");
        (0..19).for_each(|second| attempts.note(at(second * 20)));
        assert_eq!(is_wrong(380), None);
        attempts.note(at(381));
        assert_eq!(is_wrong(382), Some(true));
        assert_eq!(is_wrong(660), None, "it is neither many nor few");
        assert_eq!(is_wrong(900), Some(false));
        (0..30).for_each(|_| attempts.note(at(1_000)));
        assert_eq!(is_wrong(-1_000), Some(false), "the clock was put back");
    }
}
