//! What became of files that were to be imported.

use serde::{Deserialize, Serialize};

use crate::jobs::Verdict;
use crate::jobs::outcome::SnapshotSummary;
use crate::jobs::repositories::BehindRepository;

/// What an import made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// What was imported, in the order of its times.
    pub imported: Vec<Imported>,
    /// Files of a folder that were passed over, with why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<NotImported>,
    /// Files of a folder that could not be imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<NotImported>,
    /// Of several repositories, those that did not get what was imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<BehindRepository>,
}

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The file.
    pub file: String,
    /// What it is.
    pub what: String,
    /// The program that wrote it, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// The snapshot that was made of it.
    pub snapshot: SnapshotSummary,
    /// Who says the time of the snapshot.
    pub time_from: TimeFrom,
    /// What of the file could not be taken, or is not known, in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Who says when a file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFrom {
    /// Whoever asked for the import.
    Request,
    /// The file itself.
    File,
    /// The file system: when the file was last changed.
    Modified,
}

/// A file that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotImported {
    /// The file.
    pub file: String,
    /// Why.
    pub why: String,
}

impl ImportOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        let is_short = self.imported.iter().any(|imported| !imported.snapshot.unread.is_empty());
        if self.failed.is_empty() && self.behind.is_empty() && !is_short {
            Verdict::Done
        } else {
            Verdict::Failed
        }
    }
}
