//! Snapshots as they are listed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rowkeep::jobs::outcome::SnapshotSummary;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotView {
    id: String,
    /// The name of its database.
    database: String,
    /// Where that database was, by which those of one name are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The engine it was read by.
    engine: String,
    /// A name that somebody gave it.
    name: Option<String>,
    /// When its state was.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// Why that time cannot be right, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_doubt: Option<String>,
    /// What was asked for: all of the database, or some of it.
    scope: Value,
    /// How many tables it has.
    tables: u64,
    /// How many rows they have.
    rows: u64,
    /// Plain bytes of everything that it holds.
    bytes: u64,
    /// Bytes that it added to the repository.
    new_bytes: u64,
    /// How long it took to make, in milliseconds.
    duration_ms: u64,
    /// Labels that somebody gave it.
    tags: BTreeMap<String, String>,
    /// The holds on it: no rule and nobody deletes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    holds: Vec<Value>,
    /// The snapshot before it, of which so much is gone in it that somebody should look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspicious_after: Option<String>,
    /// Whether it is suspicious, and somebody has looked at it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    looked_at: bool,
    /// What was about to be done to the database, where it was taken to make that undoable.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The snapshot that it is a copy of, in the repository where that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    origin: Option<Value>,
}

impl From<&SnapshotSummary> for SnapshotView {
    fn from(summary: &SnapshotSummary) -> Self {
        Self {
            id: summary.id.to_string(),
            database: summary.database.clone(),
            place: summary.place.clone(),
            engine: summary.engine.clone(),
            name: summary.name.clone(),
            time: summary.time,
            time_doubt: summary.time_doubt.clone(),
            scope: json(&summary.scope),
            tables: summary.tables,
            rows: summary.rows,
            bytes: summary.bytes,
            new_bytes: summary.new_bytes,
            duration_ms: summary.duration_ms,
            tags: summary.tags.clone(),
            holds: summary.holds.iter().map(json).collect(),
            suspicious_after: summary.suspicious_after.as_ref().map(ToString::to_string),
            looked_at: summary.looked_at,
            before: summary.before.clone(),
            origin: summary.origin.as_ref().map(json),
        }
    }
}

fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}
