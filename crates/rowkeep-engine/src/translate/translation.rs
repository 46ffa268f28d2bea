//! What a translation consists of.

use rowkeep_format::{RowBatch, Schema, Table, TableName};

use super::value::RowMap;
use crate::outline::note::Note;

/// A schema of another engine, with how rows get there.
#[derive(Debug)]
pub struct Translation {
    /// What [`Engine::create`](crate::Engine::create) of the other engine makes.
    pub schema: Schema,
    /// The tables, in the order of the source's schema.
    pub tables: Vec<TableTranslation>,
    /// Rows of tables that the other engine keeps beside those: where sequences go on.
    pub beside: Vec<(Table, RowBatch)>,
    /// What is not carried over exactly, in order.
    pub notes: Vec<Note>,
}

/// What becomes of a table.
#[derive(Debug)]
pub struct TableTranslation {
    /// The table in the source.
    pub source: TableName,
    /// The table that is made.
    pub target: Table,
    /// Its columns.
    pub columns: Vec<ColumnTranslation>,
    /// What becomes of its rows.
    pub rows: RowMap,
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ColumnTranslation {
    /// Its name in the source.
    pub column: String,
    /// The type that was declared there.
    pub from: String,
    /// Its name in the target.
    pub becomes: String,
    /// Its type there.
    pub to: String,
}
