//! The forms that rows are written in.

use rowkeep_format::{Column, RowBatch, Table};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A table's rows as lines of values divided by commas (RFC 4180), with the names of the columns before them.
    Csv,
    /// A row as an object of JSON on each line.
    Ndjson,
    /// Statements for the engine's own program.
    Sql,
}

impl ExportFormat {
    /// How the names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson => "ndjson",
            ExportFormat::Sql => "sql",
        }
    }
}

/// What writes the rows of one table.
pub(super) trait WriteRows: Send + Sync {
    /// What comes before them.
    fn head(&self) -> String;

    /// Adds rows.
    fn rows(&self, batch: &RowBatch, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// The columns that people know as theirs: where they are, and what they are called.
pub(super) fn shown(table: &Table) -> impl Iterator<Item = (usize, &Column)> {
    table.columns.iter().enumerate().filter(|(_, column)| !column.hidden)
}
