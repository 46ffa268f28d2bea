//! Which of two snapshots is the later one, without asking a clock as far as their manifests say it.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::{SnapshotId, Summary};

/// Puts snapshots in order, the oldest first.
///
/// A snapshot comes after those that its writer knew of: its [`Summary::sequence`] says so, or its parent where it has
/// none. Two of which neither says it, such as those of two machines that worked at the same time, are ordered by their
/// times, and then by their ids.
pub fn sort<S: AsRef<Summary>>(snapshots: &mut [S]) {
    let mut places = places(&*snapshots);
    for from in 0..places.len() {
        while places[from] != from {
            let to = places[from];
            snapshots.swap(from, to);
            places.swap(from, to);
        }
    }
}

/// Where each snapshot belongs.
fn places<S: AsRef<Summary>>(snapshots: &[S]) -> Vec<usize> {
    let mut databases: BTreeMap<&str, Vec<(usize, &Summary)>> = BTreeMap::new();
    for (number, summary) in snapshots.iter().map(AsRef::as_ref).enumerate() {
        databases.entry(&summary.database).or_default().push((number, summary));
    }
    let mut all: Vec<(u64, Timestamp, usize)> = Vec::with_capacity(snapshots.len());
    for of in databases.into_values() {
        let positions = positions(of.iter().map(|(_, summary)| *summary));
        let mut of: Vec<(Position, (usize, &Summary))> = positions.into_iter().zip(of).collect();
        // Of older programs' snapshots of one parent, those that were taken before a restore came before the next backup.
        of.sort_by_key(|(position, (_, summary))| {
            (*position, !summary.is_safety(), summary.time, summary.id)
        });
        // What follows another of its database must not come before it among those of others, whatever its own time.
        let (mut sequence, mut latest) = (0, Timestamp::MIN);
        for (_, (number, summary)) in of {
            let own = summary.sequence.unwrap_or(0);
            latest = if own > sequence { summary.time } else { latest.max(summary.time) };
            sequence = sequence.max(own);
            all.push((sequence, latest, number));
        }
    }
    // Stable: the order within a database stays.
    all.sort_by_key(|(sequence, time, _)| (*sequence, *time));
    let mut places = vec![0; all.len()];
    for (place, (_, _, number)) in all.into_iter().enumerate() {
        places[number] = place;
    }
    places
}

/// The sequence number of a snapshot that is made when these are there.
pub fn next_sequence<'a>(snapshots: impl IntoIterator<Item = &'a Summary>) -> u64 {
    positions(snapshots).into_iter().map(|place| place.number).max().unwrap_or(0).saturating_add(1)
}

/// The sequence number of a copy that is to stand behind one snapshot of its database and before another: its own where that lies
/// between theirs.
///
/// Where no number lies between, it shares that of a neighbour beside which its time puts it; or else it follows the first.
pub fn sequence_between(copy: &Summary, behind: Option<&Summary>, before: Option<&Summary>) -> u64 {
    // What has no number stands first in any case.
    let low = behind.and_then(|behind| Some((behind.sequence?, behind)));
    let high = before.and_then(|before| Some((before.sequence?, before)));
    let place = |summary: &Summary| (!summary.is_safety(), summary.time);
    let is_between = |number: &u64| {
        let follows = low.is_none_or(|(low, behind)| (low, place(behind)) < (*number, place(copy)));
        follows && high.is_none_or(|(high, before)| (*number, place(copy)) < (high, place(before)))
    };
    let (low, next) = low.map_or((None, 1), |(low, _)| (Some(low), low.saturating_add(1)));
    let beside = high.map(|(high, _)| high).into_iter().chain(low);
    let mut numbers = copy.sequence.into_iter().chain([next]).chain(beside);
    numbers.find(is_between).unwrap_or(next)
}

/// Where a snapshot stands among those of its database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Position {
    /// Whether it has a sequence number or follows one that has. What does not is of an older program: it comes first.
    is_numbered: bool,
    /// Its sequence number, or one that does the same for it.
    number: u64,
}

/// The positions of snapshots: their sequence numbers, and for those without one a number that does the same.
fn positions<'s>(of: impl IntoIterator<Item = &'s Summary>) -> Vec<Position> {
    let of: Vec<&Summary> = of.into_iter().collect();
    let all: Option<Vec<Position>> =
        of.iter().map(|summary| Some(Position { is_numbered: true, number: summary.sequence? })).collect();
    all.unwrap_or_else(|| {
        let positions = positions_by_parents(&of);
        of.iter().map(|summary| positions.get(&summary.id).copied().unwrap_or_default()).collect()
    })
}

/// The positions where some have no sequence number.
///
/// A snapshot without one comes after its parent; where the parent is gone too, after all others of which the same is true
/// and which have earlier times. These count for themselves: how many are left must not decide where they stand among
/// those that have sequence numbers.
fn positions_by_parents(of: &[&Summary]) -> HashMap<SnapshotId, Position> {
    let numbered = |number| Position { is_numbered: true, number };
    let mut positions: HashMap<SnapshotId, Position> =
        of.iter().filter_map(|summary| Some((summary.id, numbered(summary.sequence?)))).collect();
    let present: HashSet<SnapshotId> = of.iter().map(|summary| summary.id).collect();
    let mut children: HashMap<SnapshotId, Vec<SnapshotId>> = HashMap::new();
    let mut first = Vec::new();
    for summary in of.iter().filter(|summary| summary.sequence.is_none()) {
        match summary.parent.filter(|parent| present.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(summary.id),
            None => first.push((summary.time, summary.id)),
        }
    }
    let numbered: Vec<SnapshotId> = positions.keys().copied().collect();
    descend(&mut positions, &children, numbered);
    first.sort_unstable();
    let mut last = 0;
    for (_, id) in first {
        positions.insert(id, Position { is_numbered: false, number: last + 1 });
        last = descend(&mut positions, &children, vec![id]).max(last + 1);
    }
    positions
}

/// Numbers the descendants of snapshots that are numbered, each one after its parent; returns the highest number given.
fn descend(
    positions: &mut HashMap<SnapshotId, Position>,
    children: &HashMap<SnapshotId, Vec<SnapshotId>>,
    mut next: Vec<SnapshotId>,
) -> u64 {
    let mut highest = 0;
    while let Some(parent) = next.pop() {
        let before = positions.get(&parent).copied().unwrap_or_default();
        let position = Position { number: before.number.saturating_add(1), ..before };
        for child in children.get(&parent).into_iter().flatten() {
            positions.insert(*child, position);
            highest = highest.max(position.number);
            next.push(*child);
        }
    }
    highest
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
