//! A database of another engine that was made from a snapshot.

use rowkeep_engine::translate::Note;
use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::Ended;
use crate::jobs::verdict::{Verdict, Verdicted};
use crate::restore::translate::{Proof, TranslatedTable, TranslationPlan};
use crate::state::snapshots::Snapshot;

/// A plan that makes a database of another engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslationSummary {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The database, in words that show no secret.
    pub database: String,
    /// The engine that the snapshot is of.
    pub from: String,
    /// The engine of the database.
    pub to: String,
    /// What becomes of tables and columns.
    pub tables: Vec<TranslatedTable>,
    /// What does not come over exactly.
    pub inexact: Vec<Note>,
    /// Rows that are restored.
    pub rows: u64,
}

impl TranslationSummary {
    /// A plan in short.
    pub(crate) fn of(plan: &TranslationPlan, snapshot: &Snapshot, database: String) -> Self {
        Self {
            snapshot: snapshot.id,
            database,
            from: plan.from.clone(),
            to: plan.to.clone(),
            tables: plan.tables.clone(),
            inexact: plan.notes.clone(),
            rows: plan.rows(),
        }
    }
}

/// What became of a plan that makes a database of another engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslationOutcome {
    /// The plan.
    pub plan: TranslationSummary,
    /// How it ended.
    pub ended: Ended,
    /// What was made, where it was executed.
    pub done: Option<TranslatedDone>,
    /// What failed of the hooks after it.
    pub hooks_failed: Vec<String>,
}

/// A database that was made by a translation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatedDone {
    /// Tables that were made.
    pub tables: u64,
    /// Rows that were restored.
    pub rows: u64,
    /// What did not come back exactly as it was, in words for people.
    pub notes: Vec<String>,
    /// How long it took, in milliseconds.
    pub restore_ms: u64,
    /// The database compared with the snapshot afterwards, where that was wanted.
    pub proof: Option<Proof>,
    /// How long that took, in milliseconds.
    pub verify_ms: Option<u64>,
}

impl Verdicted for TranslationOutcome {
    fn verdict(&self) -> Verdict {
        let proof = self.done.as_ref().and_then(|done| done.proof.as_ref());
        self.ended.verdict(proof.is_none_or(Proof::is_equal), &self.hooks_failed)
    }
}
