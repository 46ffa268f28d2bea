use std::collections::BTreeSet;

use rowkeep_format::SnapshotId;
use rowkeep_repository::CheckReport;

use super::lost::Lost;

/// What was found out before a repair.
pub(super) struct Found {
    pub(super) report: CheckReport,
    pub(super) lost: Lost,
    /// Snapshots that an earlier repair could not make whole, and of which nothing is new.
    pub(super) passed_over: BTreeSet<SnapshotId>,
}
