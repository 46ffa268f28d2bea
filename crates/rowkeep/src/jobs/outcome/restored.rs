//! What became of a restore, whichever way it went.

use rowkeep_engine::LeftOut;
use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::{ReplacementOutcome, RowsOutcome, TranslationOutcome};
use crate::jobs::verdict::{Verdict, Verdicted};
use crate::restore::verify::Comparison;

/// What became of a restore, by the way it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum RestoreOutcome {
    /// The database was new or empty, and was made from the snapshot.
    New(NewDatabase),
    /// Rows of a database that holds data were changed.
    Rows(RowsOutcome),
    /// A database that holds data was replaced, schema included.
    Replaced(ReplacementOutcome),
    /// A database of another engine was made.
    Translated(TranslationOutcome),
}

/// A database that was made from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDatabase {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The database, in words that show no secret.
    pub database: String,
    /// Tables that were loaded.
    pub tables: u64,
    /// Of these, those that people know as theirs.
    pub user_tables: u64,
    /// Rows in the latter.
    pub rows: u64,
    /// What did not come back exactly as it was, in words for people.
    pub notes: Vec<String>,
    /// The parts of the schema that the server refused, with what completes each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How long it took, in milliseconds.
    pub restore_ms: u64,
    /// Whether rows were masked, so that they are not those of the snapshot.
    pub masked: bool,
    /// The database compared with the snapshot afterwards, where that was wanted.
    pub proof: Option<Comparison>,
    /// How long that took, in milliseconds.
    pub verify_ms: Option<u64>,
    /// What failed of the hooks after it.
    pub hooks_failed: Vec<String>,
}

/// What became of an undo, or of a plan that was kept, by the way it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum UndoOutcome {
    /// Rows were changed.
    Rows(RowsOutcome),
    /// The database was replaced, schema included.
    Replaced(ReplacementOutcome),
}

impl RestoreOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self {
            RestoreOutcome::New(new) => new.verdict(),
            RestoreOutcome::Rows(rows) => rows.verdict(),
            RestoreOutcome::Replaced(replaced) => replaced.verdict(),
            RestoreOutcome::Translated(translated) => translated.verdict(),
        }
    }

    /// What failed of the hooks after it.
    pub fn hooks_failed(&self) -> &[String] {
        match self {
            RestoreOutcome::New(new) => &new.hooks_failed,
            RestoreOutcome::Rows(rows) => &rows.hooks_failed,
            RestoreOutcome::Replaced(replaced) => &replaced.hooks_failed,
            RestoreOutcome::Translated(translated) => &translated.hooks_failed,
        }
    }
}

impl UndoOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self {
            UndoOutcome::Rows(rows) => rows.verdict(),
            UndoOutcome::Replaced(replaced) => replaced.verdict(),
        }
    }

    /// What failed of the hooks after it.
    pub fn hooks_failed(&self) -> &[String] {
        match self {
            UndoOutcome::Rows(rows) => &rows.hooks_failed,
            UndoOutcome::Replaced(replaced) => &replaced.hooks_failed,
        }
    }
}

impl Verdicted for NewDatabase {
    fn verdict(&self) -> Verdict {
        match &self.proof {
            Some(proof) if !proof.is_proven() => Verdict::Differences,
            _ if !self.left_out.is_empty() => Verdict::Differences,
            _ if !self.hooks_failed.is_empty() => Verdict::Failed,
            _ => Verdict::Done,
        }
    }
}
