//! Changed rows.

use rowkeep_engine::MayDangle;
use rowkeep_format::manifest::Dangled;
use rowkeep_format::{Counts, PlanId, SnapshotId, TableName};
use serde::{Deserialize, Serialize};

use super::Ended;
use crate::apply::Executed;
use crate::apply::plan::{Dangling, Plan, PlannedTable};
use crate::diff::{Conflicts, Prefer, SchemaDifference};
use crate::jobs::verdict::{Verdict, Verdicted};

/// A plan that changes rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsSummary {
    /// What is being done: `restore`, `undo`.
    pub operation: String,
    /// The state that rows are taken from, in words.
    pub from: String,
    /// The database, in words that show no secret.
    pub database: String,
    /// How the schemas differ, as far as it matters to the rows: from the database to the state.
    pub schema: Vec<SchemaDifference>,
    /// What the state says nothing of, so that it is left alone, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// The rows that were asked for by their keys and that neither the state nor the database has, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    /// Rows that the database and the state both changed since their base, in different ways.
    #[serde(default, skip_serializing_if = "Conflicts::is_empty")]
    pub conflicts: Conflicts,
    /// What is done with these.
    #[serde(default, skip_serializing_if = "Prefer::is_neither")]
    pub prefer: Prefer,
    /// The tables whose rows change.
    pub tables: Vec<PlannedTable>,
    /// All rows that change.
    pub rows: Counts,
    /// Changes that were left out so that no reference dangles.
    pub left_out: Vec<LeftOut>,
    /// What has to be known before it is executed, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
    /// References that would dangle.
    pub dangling: Vec<Dangling>,
    /// References that dangle now and will not then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangled: Vec<Dangled>,
    /// Which references may dangle then that do not now, for they do in the state that comes back.
    #[serde(default, skip_serializing_if = "MayDangle::is_nothing")]
    pub may_dangle: MayDangle,
}

/// Changes of a table that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The table.
    pub table: TableName,
    /// How many.
    pub rows: u64,
}

impl RowsSummary {
    /// A plan in short.
    pub(crate) fn of(plan: &Plan) -> Self {
        let left_out = plan.left_out.iter();
        Self {
            operation: plan.operation.to_owned(),
            from: plan.from.clone(),
            database: plan.database.clone(),
            schema: plan.schema.clone(),
            unread: plan.unread.clone(),
            unmatched: plan.unmatched.clone(),
            conflicts: plan.conflicts.clone(),
            prefer: plan.prefer,
            tables: plan.tables(),
            rows: plan.counts(),
            left_out: left_out.map(|(table, rows)| LeftOut { table: table.clone(), rows: *rows }).collect(),
            cautions: plan.cautions.clone(),
            dangling: plan.dangling.clone(),
            dangled: plan.dangled.clone(),
            may_dangle: plan.may_dangle.clone(),
        }
    }
}

/// What became of a plan that changes rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsOutcome {
    /// The plan; of several that were made, the last.
    pub plan: RowsSummary,
    /// Whether only some rows of the tables were meant.
    pub some_rows: bool,
    /// How it ended.
    pub ended: Ended,
    /// Under which id the plan is kept, so that it can be executed later.
    pub kept: Option<PlanId>,
    /// What was changed, where it was executed.
    pub done: Option<RowsDone>,
    /// What failed of the hooks after it.
    pub hooks_failed: Vec<String>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsDone {
    /// The snapshot by which it can be undone.
    pub safety: Option<SnapshotId>,
    /// Rows that were changed.
    pub rows: Counts,
    /// Rows that already were as they were to become.
    pub already: u64,
    /// Rows that were left, for others had changed them.
    pub skipped: u64,
    /// The same by table.
    pub tables: Vec<TableDone>,
    /// What people should know, in their words.
    pub notes: Vec<String>,
}

/// What was changed in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDone {
    /// The table.
    pub table: TableName,
    /// Rows that were changed.
    pub rows: Counts,
    /// Rows that already were as they were to become.
    pub already: u64,
    /// Rows that were left, for others had changed them.
    pub skipped: u64,
}

impl RowsDone {
    /// What executing a plan did, in short.
    pub(crate) fn of(outcome: &Executed) -> Self {
        let tables = outcome.applied.tables.iter().map(|table| TableDone {
            table: table.table.clone(),
            rows: table.done,
            already: table.already,
            skipped: table.skipped,
        });
        let tables: Vec<TableDone> = tables.collect();
        let mut rows = Counts::default();
        tables.iter().for_each(|table| rows += table.rows);
        Self {
            safety: outcome.safety.as_ref().map(|snapshot| snapshot.id),
            rows,
            already: tables.iter().map(|table| table.already).sum(),
            skipped: tables.iter().map(|table| table.skipped).sum(),
            tables,
            notes: outcome.applied.notes.clone(),
        }
    }
}

impl Verdicted for RowsOutcome {
    fn verdict(&self) -> Verdict {
        self.ended.verdict(true, &self.hooks_failed)
    }
}
