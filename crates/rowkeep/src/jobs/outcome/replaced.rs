//! A database that was made again, schema included.

use rowkeep_engine::LeftOut;
use rowkeep_format::{PlanId, SnapshotId};
use serde::{Deserialize, Serialize};

use super::Ended;
use crate::diff::{DefinitionDifference, SchemaDifference};
use crate::jobs::verdict::{Verdict, Verdicted};
use crate::restore::replace::{ReplacedTable, Replacement};
use crate::restore::verify::Comparison;

/// A plan that replaces a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacementSummary {
    /// What is being done: `restore`, `undo`.
    pub operation: String,
    /// The state that the database is made again from, in words.
    pub from: String,
    /// The database, in words that show no secret.
    pub database: String,
    /// How the tables differ: from the database to the state.
    pub schema: Vec<SchemaDifference>,
    /// How what else the schemas are made of differs.
    #[serde(flatten)]
    pub definitions: DefinitionDifference,
    /// Every table of either, by name.
    pub tables: Vec<ReplacedTable>,
}

impl ReplacementSummary {
    /// A plan in short.
    pub(crate) fn of(plan: &Replacement) -> Self {
        Self {
            operation: plan.operation.to_owned(),
            from: plan.from.clone(),
            database: plan.database.clone(),
            schema: plan.schema.clone(),
            definitions: plan.definitions.clone(),
            tables: plan.tables.clone(),
        }
    }
}

/// What became of a plan that replaces a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacementOutcome {
    /// The plan.
    pub plan: ReplacementSummary,
    /// The snapshot that the database is made from.
    pub snapshot: SnapshotId,
    /// How it ended.
    pub ended: Ended,
    /// Under which id the plan is kept, so that it can be executed later.
    pub kept: Option<PlanId>,
    /// What was made, where it was executed.
    pub done: Option<ReplacedDone>,
    /// What failed of the hooks after it.
    pub hooks_failed: Vec<String>,
}

/// What was made in place of what there was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedDone {
    /// The snapshot by which it can be undone.
    pub safety: Option<SnapshotId>,
    /// Tables that were made.
    pub tables: u64,
    /// Rows in those that people know as theirs.
    pub rows: u64,
    /// What did not come back exactly as it was, in words for people.
    pub notes: Vec<String>,
    /// The parts of the schema that the server refused, with what completes each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How long it took, in milliseconds.
    pub replace_ms: u64,
    /// The database compared with the snapshot afterwards, where that was wanted.
    pub proof: Option<Comparison>,
}

impl Verdicted for ReplacementOutcome {
    fn verdict(&self) -> Verdict {
        let is_proven = |done: &ReplacedDone| {
            done.left_out.is_empty() && done.proof.as_ref().is_none_or(Comparison::is_proven)
        };
        self.ended.verdict(self.done.as_ref().is_none_or(is_proven), &self.hooks_failed)
    }
}
