use std::fmt;

use rowkeep_format::TableName;
use serde::{Deserialize, Serialize};

/// Something that a translation does not carry over exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// The table it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The column, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What kind of thing it is.
    pub kind: NoteKind,
    /// What becomes of it, in words for people.
    pub detail: String,
}

/// What kind of thing is not carried over exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The values of a column have another type than the declared one says.
    Type,
    /// A default that is not understood.
    Default,
    /// A `CHECK` constraint.
    Check,
    /// An order or equality of text that the other engine does not have.
    Collation,
    /// An index, or a constraint that is one.
    Index,
    /// A foreign key.
    Reference,
    /// A column whose values are computed.
    Generated,
    /// A table whose rows are elsewhere: virtual, partitioned, foreign.
    Table,
    /// A view.
    View,
    /// A trigger or rule.
    Trigger,
    /// A function, operator, extension or other program.
    Program,
    /// A sequence that no column alone uses.
    Sequence,
    /// Roles, privileges and row security.
    Privilege,
    /// A name that cannot stay as it is.
    Name,
    /// Values that the database keeps beside its tables.
    Settings,
    /// Anything else.
    Other,
}

impl Note {
    /// A note about the database.
    pub(crate) fn new(kind: NoteKind, detail: impl Into<String>) -> Self {
        Self { table: None, column: None, kind, detail: detail.into() }
    }

    /// A note about a table.
    pub(crate) fn of_table(table: &TableName, kind: NoteKind, detail: impl Into<String>) -> Self {
        Self { table: Some(table.to_string()), column: None, kind, detail: detail.into() }
    }

    /// A note about a column.
    pub(crate) fn of_column(
        table: &TableName,
        column: &str,
        kind: NoteKind,
        detail: impl Into<String>,
    ) -> Self {
        Self { column: Some(column.to_owned()), ..Self::of_table(table, kind, detail) }
    }
}

/// Prints `table.column: what becomes of it`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.table, &self.column) {
            (Some(table), Some(column)) => write!(f, "{table}.{column}: {}", self.detail),
            (Some(table), None) => write!(f, "{table}: {}", self.detail),
            _ => f.write_str(&self.detail),
        }
    }
}
