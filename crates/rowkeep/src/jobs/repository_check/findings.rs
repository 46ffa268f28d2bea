//! What a check finds.

use jiff::Timestamp;
use rowkeep_format::{SnapshotId, TableName};
use serde::{Deserialize, Serialize};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Snapshots that were opened.
    pub snapshots: u64,
    /// Packs that are there.
    pub packs: u64,
    /// Their size in bytes.
    pub pack_bytes: u64,
    /// Bytes of packs that were read and opened.
    pub bytes_read: u64,
    /// What is wrong with objects of the repository.
    pub damage: Vec<Problem>,
    /// What is odd but harms nothing.
    pub notes: Vec<Problem>,
    /// How snapshots are affected by damage; those not listed are complete.
    pub losses: Vec<Loss>,
}

/// Something wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The object.
    pub object: String,
    /// What is wrong with it, and what that means.
    pub detail: String,
}

/// What a snapshot has lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Its database.
    pub database: String,
    /// Its time.
    pub time: Timestamp,
    /// The tables that cannot be restored whole; the others can.
    pub tables: Vec<TableName>,
    /// Whether its schema is lost.
    pub schema: bool,
    /// Whether the changes are lost by which what was done after it is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
}

impl Loss {
    /// What is lost, in words.
    pub fn told(&self) -> String {
        let tables = self.tables.iter().map(|table| format!("rows of {table}"));
        let schema = self.schema.then(|| "its schema".to_owned());
        let changes = self.changes.then(|| "the data that `rowkeep undo` needs".to_owned());
        tables.chain(schema).chain(changes).collect::<Vec<_>>().join(", ")
    }
}

impl Checked {
    /// Whether nothing is damaged or lost.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty() && self.losses.is_empty()
    }
}
