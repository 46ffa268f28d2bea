/// What can be wrong with bytes that claim to be rowkeep's, or with rows that are to become such bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes end before what they announce.
    #[error("the data ends in the middle of {0}")]
    Truncated(&'static str),
    /// The bytes are there but cannot mean anything.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The bytes were written by a newer rowkeep.
    #[error("{what} has format version {found}, this program reads up to {supported}")]
    NewerVersion {
        /// Which kind of object it is.
        what: &'static str,
        /// The version it carries.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
    /// A row of more bytes than a chunk may hold.
    #[error("a row of {bytes} bytes is larger than the {limit} bytes that one row may have")]
    RowTooLarge {
        /// Size of the row in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Rows came in another order than that of their keys.
    #[error("rows do not come in the order of their keys (row {row} of the table)")]
    OutOfOrder {
        /// Number of the row from the start of the table, from 0.
        row: u64,
    },
    /// A value in a key column does not have the form that the table's key promises.
    #[error("the value of key column {column} is not {expected}")]
    KeyForm {
        /// Index of the column in the table.
        column: usize,
        /// The form that was expected.
        expected: &'static str,
    },
}

/// An error with all its causes in one line, without what a cause says again.
pub fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !line.contains(&words) {
            line = format!("{line}: {words}");
        }
        next = cause.source();
    }
    line
}
