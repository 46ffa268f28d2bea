//! What a repair is going to do.

use rowkeep_format::TableName;
use serde::{Deserialize, Serialize};

/// What a repair of a repository is going to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairPlan {
    /// Whether the config is made again from what the key slots say.
    pub config: bool,
    /// Packs that are damaged or missing: what can be read of them is stored again.
    pub packs: Vec<String>,
    /// Packs that are whole and that no index object names: the index will name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<String>,
    /// How many chunks cannot be read.
    pub lost_chunks: u64,
    /// Objects beyond help, which are kept below `aside/`.
    pub aside: Vec<String>,
    /// Objects that are lost, of which the ledger will know no more.
    pub struck: Vec<String>,
    /// The databases whose snapshots lack something, and whether it can be looked for there.
    pub sources: Vec<RepairSource>,
}

impl RepairPlan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A database whose snapshots lack something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairSource {
    /// Its name in the repository.
    pub database: String,
    /// Where it is, in words that show no secret; none where nobody says.
    pub target: Option<String>,
    /// The tables of which rows are lost.
    pub tables: Vec<TableName>,
    /// Whether a schema is lost.
    pub schema: bool,
}
