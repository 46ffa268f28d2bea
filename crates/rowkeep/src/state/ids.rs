//! Ids of snapshots as people see and type them.

use rowkeep_format::SnapshotId;

/// Digits of an id that are shown.
pub const SHORT_ID: usize = 8;

/// An id as people see it.
pub(crate) fn short_id(id: SnapshotId) -> String {
    id.to_string()[..SHORT_ID].to_owned()
}
