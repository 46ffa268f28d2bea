//! A snapshot in short.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rowkeep_format::manifest::{Origin, Scope, Unread};
use rowkeep_format::{SnapshotId, Summary};
use serde::{Deserialize, Serialize};

use super::Hold;
use crate::capture::suspicion;
use crate::state::snapshots::Snapshot;

/// How the tags begin that a service gives snapshots for itself.
const OWN_TAGS: &str = "rowkeep-";

/// What a listing needs of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSummary {
    /// Its id.
    pub id: SnapshotId,
    /// The name of its database.
    pub database: String,
    /// Where that database was, by which those of one name are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The engine it was read by.
    pub engine: String,
    /// A name that somebody gave it.
    pub name: Option<String>,
    /// When its state was.
    pub time: Timestamp,
    /// Why that time cannot be right, where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_doubt: Option<String>,
    /// What was asked for.
    pub scope: Scope,
    /// Tables that people know as theirs.
    pub tables: u64,
    /// Rows in these.
    pub rows: u64,
    /// Plain bytes of everything that it holds.
    pub bytes: u64,
    /// Bytes that it added to the repository.
    pub new_bytes: u64,
    /// How long it took to make, in milliseconds.
    pub duration_ms: u64,
    /// What could not be read, in words for people; only of one that was just made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Labels that somebody gave it.
    pub tags: BTreeMap<String, String>,
    /// The holds on it; only of those that are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// The snapshot before it, of which so much is gone in it that somebody should look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious_after: Option<SnapshotId>,
    /// What is gone, in words for people; only of one that was just made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspicion: Vec<String>,
    /// Whether it is suspicious, and somebody has looked at it; only of those that are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looked_at: bool,
    /// What was about to be done to the database, where it was taken to make that undoable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The snapshot that it is a copy of, in the repository where that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl SnapshotSummary {
    /// A snapshot in short.
    pub fn of(snapshot: &Snapshot) -> Self {
        let unread = snapshot.manifest.unread.iter().map(Unread::told).collect();
        let suspicion = snapshot.manifest.suspicion.as_ref().map(suspicion::told).unwrap_or_default();
        Self { unread, suspicion, ..Self::from(&Summary::of(snapshot.id, &snapshot.manifest)) }
    }

    /// The tags that it was given by people and by the commands that they ran, not by a service for itself.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self.tags.iter().filter(|(name, _)| !name.starts_with(OWN_TAGS));
        labels.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl From<&Summary> for SnapshotSummary {
    fn from(summary: &Summary) -> Self {
        Self {
            id: summary.id,
            database: summary.database.to_string(),
            place: summary.identity.as_ref().map(|identity| identity.place.clone()),
            engine: summary.engine.to_string(),
            name: summary.name.clone(),
            time: summary.time,
            time_doubt: None,
            scope: summary.scope,
            tables: summary.tables,
            rows: summary.rows,
            bytes: summary.bytes,
            new_bytes: summary.new_bytes,
            duration_ms: summary.duration_ms,
            unread: Vec::new(),
            tags: summary.tags.clone(),
            holds: Vec::new(),
            suspicious_after: summary.suspicious_after,
            suspicion: Vec::new(),
            looked_at: false,
            before: summary.before.as_ref().map(|before| before.operation.clone()),
            origin: summary.origin,
        }
    }
}

/// A snapshot whose manifest cannot be read, so that nobody can tell which database it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// What is wrong with it.
    pub error: String,
}
