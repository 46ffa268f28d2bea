use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::SnapshotSummary;

/// Snapshots that are to be deleted, or were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Those that can be read.
    pub snapshots: Vec<SnapshotSummary>,
    /// Those that are damaged, so that nobody can tell which database they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<SnapshotId>,
}

impl Deletion {
    /// The ids of all of them.
    pub fn ids(&self) -> impl Iterator<Item = SnapshotId> {
        self.snapshots.iter().map(|snapshot| snapshot.id).chain(self.unreadable.iter().copied())
    }
}
