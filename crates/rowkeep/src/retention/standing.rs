//! How snapshots stand by one rule: kept until when, or not since when.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::length::Length;
use super::period::PeriodKey;
use super::rules::Limit;

/// How a snapshot stands by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is kept; until that time, where time alone ends it.
    Kept(Option<Timestamp>),
    /// It is not, since then.
    Lost(Timestamp),
}

/// The last so many.
pub(super) fn by_count(times: &[Timestamp], count: u64) -> Vec<Standing> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let standing = |at: usize| match at.checked_add(count).and_then(|next| times.get(next)) {
        Some(next) => Standing::Lost(*next),
        None => Standing::Kept(None),
    };
    (0..times.len()).map(standing).collect()
}

/// Those that are not older.
pub(super) fn by_length(
    times: &[Timestamp],
    length: Length,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Standing> {
    times.iter().map(|time| ends(length.after(*time, zone), now)).collect()
}

fn ends(end: Option<Timestamp>, now: Timestamp) -> Standing {
    match end {
        Some(end) if end <= now => Standing::Lost(end),
        end => Standing::Kept(end),
    }
}

/// The newest of each period: of the last so many that have snapshots, or as long as they are not older.
pub(super) fn by_period(
    times: &[Timestamp],
    keys: &[PeriodKey],
    limit: Limit,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Standing> {
    let later_in_it = next_of_same(keys);
    let crowded_out = match limit {
        Limit::Count(count) => first_with(keys, usize::try_from(count).unwrap_or(usize::MAX)),
        Limit::For(_) | Limit::Forever => vec![None; keys.len()],
    };
    let standing = |at: usize| {
        let end = match limit {
            Limit::For(length) => length.after(times[at], zone),
            Limit::Count(_) | Limit::Forever => None,
        };
        let displaced_by = [later_in_it[at], crowded_out[at]].into_iter().flatten().min();
        match displaced_by {
            Some(by) => Standing::Lost(end.map_or(times[by], |end| end.min(times[by]))),
            None => ends(end, now),
        }
    };
    (0..times.len()).map(standing).collect()
}

/// For each, the next one of the same period.
fn next_of_same(keys: &[PeriodKey]) -> Vec<Option<usize>> {
    let mut next: HashMap<PeriodKey, usize> = HashMap::new();
    let mut found: Vec<Option<usize>> =
        keys.iter().enumerate().rev().map(|(at, key)| next.insert(*key, at)).collect();
    found.reverse();
    found
}

/// For each, the first later one up to which as many different periods have snapshots after it.
fn first_with(keys: &[PeriodKey], count: usize) -> Vec<Option<usize>> {
    let mut found = vec![None; keys.len()];
    // How many there are of each period after the one that is looked at, up to `last`.
    let mut after: HashMap<PeriodKey, usize> = HashMap::new();
    let mut last = keys.len().saturating_sub(1);
    for at in (0..keys.len()).rev() {
        if let Some(key) = keys.get(at + 1) {
            *after.entry(*key).or_default() += 1;
        }
        while after.len() > count || after.len() == count && after.get(&keys[last]).is_some_and(|of| *of > 1)
        {
            if let Some(of) = after.get_mut(&keys[last]) {
                *of -= 1;
                if *of == 0 {
                    after.remove(&keys[last]);
                }
            }
            last -= 1;
        }
        found[at] = (after.len() == count).then_some(last);
    }
    found
}
