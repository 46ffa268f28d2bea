//! What jobs give back: everything that is needed to show it, and nothing that is open.

mod copied;
mod deletion;
mod difference;
mod examined;
mod hold;
mod migration;
mod repaired;
mod replaced;
mod restored;
mod rows;
mod snapshot;
mod translated;

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;

pub use copied::{CopySummary, EqualTable};
pub use deletion::Deletion;
pub use difference::{DifferenceSummary, DifferingTable, LoneTable};
pub use examined::Examined;
pub use hold::{HOLD_VERSION, Hold, HoldKind};
pub use migration::{AroundOutcome, EffectSummary, MigrationOutcome, RollbackSummary};
pub use repaired::{RepairPlan, RepairSource};
pub use replaced::{ReplacedDone, ReplacementOutcome, ReplacementSummary};
pub use restored::{NewDatabase, RestoreOutcome, UndoOutcome};
pub use rows::{LeftOut, RowsDone, RowsOutcome, RowsSummary, TableDone};
pub use snapshot::{SnapshotSummary, UnreadableSnapshot};
pub use translated::{TranslatedDone, TranslationOutcome, TranslationSummary};

/// How a job with a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The plan was asked for and not its execution.
    Planned,
    /// There was nothing to change.
    Nothing,
    /// The plan was not approved of.
    Declined,
    /// The plan was executed.
    Done,
}

impl Ended {
    /// How the job ended with that, where its result may be unequal to what was wanted, and hooks after it may have failed.
    pub(super) fn verdict(self, is_equal: bool, hooks_failed: &[String]) -> Verdict {
        match self {
            Ended::Declined => Verdict::Refused,
            _ if !is_equal => Verdict::Differences,
            _ if !hooks_failed.is_empty() => Verdict::Failed,
            Ended::Planned | Ended::Nothing | Ended::Done => Verdict::Done,
        }
    }
}
