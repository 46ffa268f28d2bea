//! What an assessment finds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decide::{Loss, TableState};
use crate::state::snapshots::{self, Snapshot};

/// How a database is, against what is kept of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The name of the database.
    pub database: String,
    /// Where it is, without secrets.
    pub target: String,
    /// Whether it answers, and has something in it.
    pub reach: Reach,
    /// Its tables and those of the snapshots, by name.
    pub tables: Vec<TableState>,
    /// How many snapshots of it there are.
    pub snapshots: u64,
    /// The newest snapshot, whole or not.
    pub newest: Option<Candidate>,
    /// The newest from which it can be restored whole.
    pub best: Option<Candidate>,
    /// The devices that it is on, where snapshots say of which they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<OfDevice>,
    /// Tables that lost rows between snapshots and did not get them back.
    pub losses: Vec<Loss>,
    /// Snapshots that are not whole, each with what is wrong.
    pub damaged: Vec<Damaged>,
    /// Seconds since the best snapshot: what was written since is in no snapshot. None where its time cannot be right.
    pub data_loss_seconds: Option<u64>,
    /// Why the time of the best snapshot cannot be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_doubt: Option<String>,
    /// How long a restore of the best takes.
    pub recovery: Option<Recovery>,
    /// Whether anything is lacking at all.
    pub lacking: bool,
}

/// What is kept of one device of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfDevice {
    /// Its name; none for snapshots that name no device.
    pub device: Option<String>,
    /// The newest snapshot of it from which it can be restored whole.
    pub best: Option<Candidate>,
    /// Whether that is the newest of all that there are of it.
    pub is_newest: bool,
    /// Seconds since that: what was written there since is in no snapshot. None where its time cannot be right.
    pub data_loss_seconds: Option<u64>,
    /// Whether that is more than may be lost of the database, whose promise is kept while any of its devices sends.
    #[serde(default)]
    pub is_older_than_promised: bool,
    /// When a state of it was drilled last; none where none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<Timestamp>,
}

/// Whether a database answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum Reach {
    /// It answers, and holds something.
    There,
    /// The server or the folder is there, the database is not.
    Missing,
    /// It is there, and there is nothing in it.
    Empty,
    /// It holds what a restore left that did not end.
    Unfinished,
    /// It cannot be asked.
    Unreachable(String),
    /// Nobody asks it: its states arrive, and the newest snapshot stands for it.
    Arrives,
}

/// A snapshot that could be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The time of its state.
    pub time: Timestamp,
    /// Rows in its tables.
    pub rows: u64,
    /// Bytes of its rows.
    pub bytes: u64,
}

/// A snapshot that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// Its id.
    pub id: String,
    /// Its time, where it can be told.
    pub time: Option<Timestamp>,
    /// The tables that are lost; empty when all of it is.
    pub tables: Vec<String>,
}

/// How long a restore takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Milliseconds.
    pub ms: u64,
    /// The time of the drill that measured it; a guess from the snapshot's size when there was none.
    pub drill: Option<Timestamp>,
}

impl Candidate {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let manifest = &snapshot.manifest;
        Self {
            id: snapshot.id.to_string(),
            name: manifest.name.clone(),
            time: manifest.time,
            rows: manifest.rows(),
            bytes: manifest.tables.iter().map(|table| table.root.bytes).sum(),
        }
    }

    /// The id as people see it.
    pub fn short_id(&self) -> &str {
        self.id.get(..snapshots::SHORT_ID).unwrap_or(&self.id)
    }
}
