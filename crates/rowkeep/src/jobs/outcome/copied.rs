//! A copy of a snapshot in short.

use rowkeep_format::{ChunkId, SnapshotId, TableName};
use serde::{Deserialize, Serialize};

use super::SnapshotSummary;
use crate::capture::copy::Copy;

/// A snapshot that was copied into another repository, with what proves the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopySummary {
    /// The snapshot that was copied.
    pub source: SnapshotId,
    /// The copy.
    pub copy: SnapshotSummary,
    /// Its tables.
    pub tables: Vec<EqualTable>,
}

/// A table whose rows are proven to be the same in two repositories, where they have different hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EqualTable {
    /// Its name.
    #[serde(flatten)]
    pub name: TableName,
    /// Its rows.
    pub rows: u64,
    /// Its hash in the repository that was copied from.
    pub source_hash: ChunkId,
    /// Its hash in the other.
    pub hash: ChunkId,
}

impl CopySummary {
    /// A copy in short.
    pub fn of(copy: &Copy) -> Self {
        let tables = copy.tables.iter().map(|table| EqualTable {
            name: table.name.clone(),
            rows: table.rows,
            source_hash: table.source,
            hash: table.copy,
        });
        Self { source: copy.source, copy: SnapshotSummary::of(&copy.snapshot), tables: tables.collect() }
    }
}
