//! How two states differ, without the rows.

use rowkeep_format::{Counts, TableName};
use serde::{Deserialize, Serialize};

use crate::diff::{DefinitionDifference, Difference, SchemaDifference};

/// How two states differ, without the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceSummary {
    /// The first state, in words.
    pub before: String,
    /// The second state, in words.
    pub after: String,
    /// Whether nothing differs.
    pub equal: bool,
    /// How their schemas differ.
    pub schema: Vec<SchemaDifference>,
    /// How what else the schemas are made of differs.
    #[serde(flatten)]
    pub definitions: DefinitionDifference,
    /// Every table that was compared.
    pub tables: Vec<DifferingTable>,
    /// Of these, how many people know as theirs.
    pub user_tables: u64,
    /// Tables that only the first state has.
    pub only_before: Vec<LoneTable>,
    /// Tables that only the second state has.
    pub only_after: Vec<LoneTable>,
    /// All rows that differ.
    pub rows: Counts,
}

/// How a table differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingTable {
    /// The table.
    pub table: TableName,
    /// How many rows differ.
    pub rows: Counts,
    /// Of these, how many are there only for their relation to others.
    pub related: u64,
    /// Whether it is none that people know as theirs: settings, large objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_internal: bool,
}

/// A table that only one state has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoneTable {
    /// The table.
    pub table: TableName,
    /// Its rows.
    pub rows: u64,
}

impl DifferenceSummary {
    /// A difference between two states, which are told by these words.
    pub(crate) fn of(difference: &Difference, before: String, after: String) -> Self {
        let lone = |tables: &[(TableName, u64)]| {
            let lone = |(table, rows): &(TableName, u64)| LoneTable { table: table.clone(), rows: *rows };
            tables.iter().map(lone).collect()
        };
        let tables = difference.changes.tables();
        let differing = tables.iter().map(|changes| DifferingTable {
            table: changes.changed().clone(),
            rows: changes.counts,
            related: difference.related.get(&changes.table.name).copied().unwrap_or(0),
            is_internal: !changes.table.kind.is_user_table(),
        });
        Self {
            before,
            after,
            equal: difference.is_empty(),
            schema: difference.schema.clone(),
            definitions: difference.definitions.clone(),
            tables: differing.collect(),
            user_tables: tables.iter().filter(|changes| changes.table.kind.is_user_table()).count() as u64,
            only_before: lone(&difference.only_before),
            only_after: lone(&difference.only_after),
            rows: difference.counts(),
        }
    }
}
