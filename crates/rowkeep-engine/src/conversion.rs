//! How rows of another engine's table, or of a file, become those of one of a database's own tables.

use rowkeep_format::{Column, RowBatch, Table};

/// A table of the database, with the columns that are to get values, and the columns that these come from, in the same order.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The table.
    pub table: Table,
    /// Where the values of each of its columns come from.
    pub from: Vec<Column>,
}

/// Rows in the types of a database's own columns, or the first that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converted {
    /// The rows, in the order in which they were given.
    Rows(RowBatch),
    /// A row that does not fit.
    Misfit(Misfit),
}

/// Why a row cannot become one of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Which of the rows that were given.
    pub row: usize,
    /// Which of the columns of the table.
    pub column: usize,
    /// Why, in the database's own words where it gave any.
    pub why: String,
}
