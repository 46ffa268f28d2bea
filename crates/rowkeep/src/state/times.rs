//! Times of snapshots that cannot be right: a clock was wrong when they were taken, or is now.

use jiff::{SignedDuration, Timestamp};
use rowkeep_format::{SnapshotId, Summary};
use rowkeep_repository::Catalog;

use super::ids::short_id;
use crate::durations::age;

/// By how much clocks may disagree that are kept right by others.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// Why the time of a snapshot cannot be right, in words; none where it can.
///
/// It lies after now, or before the time of its parent, which was taken before it. Of the two, the parent is the one in
/// doubt where its own time lies after now.
pub fn doubt(summary: &Summary, catalog: &Catalog, now: Timestamp) -> Option<String> {
    let ahead = summary.time.duration_since(now);
    if ahead > TOLERANCE {
        let ahead = age(ahead.as_secs());
        return Some(format!("its time lies {ahead} after now by the clock of this machine"));
    }
    let parent = catalog.get(summary.parent.as_ref()?)?;
    let behind = parent.time.duration_since(summary.time);
    let is_behind = behind > TOLERANCE && parent.time.duration_since(now) <= TOLERANCE;
    is_behind.then(|| {
        let (behind, parent) = (age(behind.as_secs()), short_id(parent.id));
        format!("its time lies {behind} before that of snapshot {parent}, which was taken before it")
    })
}

/// The same of a snapshot by its id.
pub fn doubt_of(id: SnapshotId, catalog: &Catalog, now: Timestamp) -> Option<String> {
    doubt(catalog.get(&id)?, catalog, now)
}
