//! The times of a schedule.

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Further than this the clocks of no zone are put at once; beyond it, local times are in order again.
const LONGEST_SHIFT: SignedDuration = SignedDuration::from_hours(25);

#[derive(Debug, Clone)]
pub(super) enum Times {
    /// So many seconds apart.
    Every(i64),
    /// When any of these patterns matches what the clock shows.
    Clock(Vec<Pattern>),
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) cron: Cron,
    /// Whether it is one for all hours.
    pub(super) is_hourly: bool,
}

impl Pattern {
    /// The first time after a moment.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let shown = zone.to_datetime(after);
        let is_steady = zone
            .following(after)
            .next()
            .is_none_or(|change| change.timestamp().duration_since(after) > LONGEST_SHIFT);
        // When the clock is soon put back, it will show times again that are before what it shows now.
        let mut at = if is_steady { shown } else { shown.checked_sub(LONGEST_SHIFT).ok()? };
        let mut is_first = true;
        let mut best: Option<(Timestamp, DateTime)> = None;
        while let Ok(local) = self.cron.find_next_occurrence(&at, is_first && !is_steady) {
            (at, is_first) = (local, false);
            if best.is_some_and(|(_, shown)| local.duration_since(shown) > LONGEST_SHIFT) {
                break;
            }
            let found =
                self.moments(local, zone).into_iter().flatten().filter(|moment| *moment > after).min();
            if let Some(moment) = found.filter(|found| best.is_none_or(|(best, _)| *found < best)) {
                if is_steady {
                    return Some(moment);
                }
                best = Some((moment, local));
            }
        }
        best.map(|(moment, _)| moment)
    }

    /// When it comes for a local time.
    fn moments(&self, local: DateTime, zone: &TimeZone) -> [Option<Timestamp>; 2] {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok();
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => [at(offset), None],
            AmbiguousOffset::Gap { .. } if self.is_hourly => [None, None],
            // By the offset after the gap, a time within it lies before the gap.
            AmbiguousOffset::Gap { after, .. } => {
                let change = at(after).and_then(|before| zone.following(before).next());
                [change.map(|change| change.timestamp()), None]
            }
            AmbiguousOffset::Fold { before, after } if self.is_hourly => [at(before), at(after)],
            AmbiguousOffset::Fold { before, .. } => [at(before), None],
        }
    }
}
