//! Where a copy stands among the snapshots that are there.

use std::sync::Arc;

use rowkeep_format::{SnapshotId, Summary, order};
use rowkeep_repository::Catalog;

/// A place among the snapshots of a database's name.
pub(super) struct Place {
    snapshots: Vec<Arc<Summary>>,
    /// So many of them are before it.
    before: usize,
}

/// The place of a copy: behind those that are known to be of earlier states and before those of later ones, for the order in the
/// other repository is certain; among others by its time.
pub(super) fn place(
    there: &Catalog,
    copied: &Summary,
    is_earlier: impl Fn(&Summary) -> Option<bool>,
) -> Place {
    let snapshots: Vec<Arc<Summary>> = there.of(Some(&copied.database)).cloned().collect();
    let lowest = snapshots.iter().rposition(|other| is_earlier(other) == Some(true)).map_or(0, |at| at + 1);
    let above = &snapshots[lowest..];
    let among = above.iter().position(|other| is_earlier(other) == Some(false)).unwrap_or(above.len());
    let by_time = above[..among].iter().rposition(|other| other.time <= copied.time);
    let before = by_time.map_or(lowest, |at| lowest + at + 1);
    Place { snapshots, before }
}

impl Place {
    /// The last one before it of which something holds.
    pub(super) fn last_before(&self, holds: impl Fn(&Summary) -> bool) -> Option<SnapshotId> {
        let found = self.snapshots[..self.before].iter().rfind(|summary| holds(summary));
        found.map(|summary| summary.id)
    }

    /// The sequence number by which a copy comes to stand there.
    pub(super) fn sequence(&self, copied: &Summary) -> u64 {
        let behind = self.before.checked_sub(1).map(|at| &*self.snapshots[at]);
        order::sequence_between(copied, behind, self.snapshots.get(self.before).map(|next| &**next))
    }
}
