//! For how long work would have been lost, and when the service did not run.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A snapshot that was good: of when its state was, and since when it could be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) held: Timestamp,
    pub(super) stored: Timestamp,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Stretch {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) to: Timestamp,
    /// How long that is.
    pub(crate) seconds: u64,
}

impl Stretch {
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        let seconds = u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
        Self { from, to, seconds }
    }
}

/// What is known of the backups of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gaps {
    /// The longest time of whose work nothing could have been restored at some moment of the period.
    pub(super) longest: Option<Stretch>,
    /// Since when there was something to be restored, where that was not so from the beginning on; the end, where it never was.
    pub(super) begins: Option<Timestamp>,
}

/// Looks for the longest gap between good snapshots.
///
/// At each moment, what is newer than the newest state that can be restored would be lost; that is most in the moment before the next snapshot is stored.
pub(super) fn gaps(good: &[Good], from: Timestamp, to: Timestamp) -> Gaps {
    let mut sorted = good.to_vec();
    sorted.sort_by_key(|one| one.stored);
    let before = sorted.iter().take_while(|one| one.stored <= from).map(|one| one.held).max();
    let (mut newest, mut longest): (Option<Timestamp>, Option<Stretch>) = (before, None);
    let mut begins = before.is_none().then_some(to);
    let mut look = |newest: Timestamp, until: Timestamp| {
        let gap = Stretch::new(newest, until);
        if longest.is_none_or(|longest| longest.seconds < gap.seconds) {
            longest = Some(gap);
        }
    };
    for one in sorted.iter().filter(|one| one.stored > from && one.stored < to) {
        match newest {
            Some(newest) => look(newest, one.stored),
            None => begins = Some(one.stored),
        }
        newest = newest.max(Some(one.held));
    }
    if let Some(newest) = newest {
        look(newest, to);
    }
    Gaps { longest, begins }
}

/// Shorter times without the service are none: it was started again.
const SHORTEST: SignedDuration = SignedDuration::from_mins(3);

/// When the service did not run in a period, as far as is known of it.
pub(super) fn not_running(runs: &[(Timestamp, Timestamp)], from: Timestamp, to: Timestamp) -> Vec<Stretch> {
    let (mut until, mut stretches) = (from, Vec::new());
    let mut look = |until: Timestamp, next: Timestamp| {
        if next.duration_since(until) > SHORTEST {
            stretches.push(Stretch::new(until, next));
        }
    };
    for (began, seen) in runs {
        look(until, (*began).min(to));
        until = until.max(*seen);
    }
    look(until.min(to), to);
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3_600).expect("it is a time")
    }

    fn good(held: i64, stored: i64) -> Good {
        Good { held: time(held), stored: time(stored) }
    }

    #[test]
    fn a_gap_goes_from_a_state_to_the_moment_when_the_next_is_stored() {
        let found = gaps(&[good(8, 9), good(16, 17), good(12, 14)], time(10), time(20));
        assert_eq!(found.longest, Some(Stretch::new(time(8), time(14))));
        assert_eq!(found.begins, None);
        let ends = gaps(&[good(8, 9)], time(10), time(20));
        assert_eq!(ends.longest, Some(Stretch::new(time(8), time(20))), "and to the end");
        let later = gaps(&[good(11, 12), good(13, 14)], time(10), time(20));
        assert_eq!(later.longest, Some(Stretch::new(time(13), time(20))));
        assert_eq!(later.begins, Some(time(12)), "before that there was nothing");
        // One that took very long is older than the one before.
        let slow = gaps(&[good(8, 9), good(12, 13), good(9, 15)], time(10), time(16));
        assert_eq!(slow.longest, Some(Stretch::new(time(8), time(13))));
        let never = gaps(&[good(21, 22)], time(10), time(20));
        assert_eq!((never.longest, never.begins), (None, Some(time(20))));
    }

    #[test]
    fn times_without_the_service_are_those_between_its_runs() {
        let run = |from, to| (time(from), time(to));
        assert_eq!(not_running(&[run(0, 30)], time(10), time(20)), []);
        assert_eq!(
            not_running(&[run(8, 12), run(14, 15), run(14, 16)], time(10), time(20)),
            [Stretch::new(time(12), time(14)), Stretch::new(time(16), time(20))]
        );
        assert_eq!(not_running(&[], time(10), time(20)), [Stretch::new(time(10), time(20))]);
        assert_eq!(not_running(&[run(30, 40)], time(10), time(20)), [Stretch::new(time(10), time(20))]);
    }
}
