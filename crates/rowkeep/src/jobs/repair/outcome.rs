use serde::{Deserialize, Serialize};

use crate::jobs::Verdict;
use crate::jobs::outcome::{Ended, RepairPlan};
use crate::jobs::repository_check::{CheckOutcome, Loss};

/// What became of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairOutcome {
    /// The plan.
    pub plan: RepairPlan,
    /// How it ended.
    pub ended: Ended,
    /// How many lost chunks the databases gave back.
    pub restored_chunks: u64,
    /// The objects that were set aside.
    pub aside: Vec<String>,
    /// The snapshots that stay incomplete, and what they lack.
    pub incomplete: Vec<Loss>,
    /// Why some database could not give back anything.
    pub notes: Vec<String>,
    /// The check after it.
    pub check: Option<CheckOutcome>,
}

impl RepairOutcome {
    /// How it ended: differences where the repository is not what it was.
    pub fn verdict(&self) -> Verdict {
        let is_clean = self.check.as_ref().is_none_or(|check| check.clean);
        self.ended.verdict(is_clean && self.incomplete.is_empty(), &[])
    }
}
