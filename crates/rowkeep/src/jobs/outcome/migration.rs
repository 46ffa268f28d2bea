//! What a command did to a database, and how that was taken back.

use rowkeep_format::{Counts, SnapshotId, TableName};
use serde::{Deserialize, Serialize};

use super::{DifferenceSummary, SnapshotSummary};
use crate::jobs::verdict::Verdict;
use crate::report::ReportEntry;
use crate::restore::verify::Comparison;

/// What a command did to a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectSummary {
    /// The state after it.
    pub after: SnapshotId,
    /// Whether anything was changed.
    pub changed: bool,
    /// How the two states differ, without the rows.
    pub difference: DifferenceSummary,
    /// Tables whose rows could not be compared, for the columns that they are known by are gone.
    pub not_compared: Vec<TableName>,
    /// What was changed that neither rows nor definitions tell, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
}

/// What became of a command between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AroundOutcome {
    /// The state before it.
    pub before: SnapshotSummary,
    /// Why the command failed, in words; nothing when it did not.
    pub problem: Option<String>,
    /// What it did.
    pub effect: EffectSummary,
}

/// What became of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationOutcome {
    /// The database, in words that show no secret.
    pub database: String,
    /// The state before it.
    pub before: SnapshotSummary,
    /// What it did; nothing when the database could not be read after it.
    pub effect: Option<EffectSummary>,
    /// The checks after it.
    pub checks: Vec<ReportEntry>,
    /// Why it failed, in words; nothing when it did not.
    pub problems: Vec<String>,
    /// How it was taken back; nothing when there was nothing to take back.
    pub rollback: Option<RollbackSummary>,
    /// What failed of the hooks after it.
    pub hooks_failed: Vec<String>,
}

/// How a migration was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackSummary {
    /// It was.
    Done {
        /// Whether the database is proven to be what it was.
        proven: bool,
        /// How many rows were changed; nothing when the whole database was replaced, schema included.
        rows: Option<Counts>,
        /// What did not come back exactly as it was, in words for people.
        notes: Vec<String>,
        /// What was taken back that neither rows nor definitions tell, in words for people.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unrecorded: Vec<String>,
        /// What of that stays, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<String>,
        /// The database compared with the snapshot.
        comparison: Box<Comparison>,
    },
    /// It could not be, for this reason.
    Failed(String),
}

impl AroundOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.problem.is_none() { Verdict::Done } else { Verdict::Failed }
    }
}

impl MigrationOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self.problems.is_empty() && self.hooks_failed.is_empty() {
            true => Verdict::Done,
            false => Verdict::Failed,
        }
    }
}
