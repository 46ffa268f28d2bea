//! A table of a file while its rows are read.

use std::collections::HashMap;

use super::column::Column;

/// A row: its members as JSON, in their order, by their names.
pub(super) type Row = Vec<(String, Vec<u8>)>;

/// Why a row cannot be taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// What it is, in words.
    Words(String),
    /// The temporary database.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Refused::Sqlite(error)
    }
}

/// One table.
pub(super) struct Staged {
    pub(super) name: String,
    /// What it is called while it is filled, and for how many columns that has room.
    pub(super) staging: String,
    pub(super) room: usize,
    /// Which of the files its rows are of.
    pub(super) file: usize,
    pub(super) columns: Vec<Column>,
    pub(super) by_name: HashMap<String, usize>,
    pub(super) rows: u64,
    /// The columns that the file says name its rows.
    pub(super) key: Vec<String>,
    /// The columns that rows are found by, once they are.
    pub(super) found_by: Vec<usize>,
    pub(super) has_twice: bool,
    /// Whether rows were taken away, so that what was seen of columns is more than there is.
    pub(super) has_lost: bool,
}
