//! What a database is made of, in words that no engine has for itself: what a translation goes by.

use rowkeep_format::TableName;

use super::note::{Note, NoteKind};

/// Tables with what holds of them, and notes of what has no place here.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    pub(crate) tables: Vec<TableOutline>,
    pub(crate) notes: Vec<Note>,
}

/// A table.
#[derive(Debug)]
pub(crate) struct TableOutline {
    pub(crate) name: TableName,
    /// The columns whose values are in the snapshot and that the application declared.
    pub(crate) columns: Vec<ColumnOutline>,
    /// Indexes into `columns`, in the order of the key; empty when there is none.
    pub(crate) primary_key: Vec<usize>,
    /// Other sets of columns whose values are unique, NULL excepted; indexes into `columns`.
    pub(crate) unique: Vec<Vec<usize>>,
    pub(crate) indexes: Vec<IndexOutline>,
    pub(crate) references: Vec<ReferenceOutline>,
}

/// A column.
#[derive(Debug)]
pub(crate) struct ColumnOutline {
    /// Its index in the table of the source's schema.
    pub(crate) source: usize,
    pub(crate) name: String,
    /// The type as it was declared.
    pub(crate) declared: String,
    /// The type that values have: for a domain, the one it is made of.
    pub(crate) base: String,
    /// The labels of an enumeration.
    pub(crate) labels: Vec<String>,
    pub(crate) not_null: bool,
    pub(crate) default: Option<DefaultValue>,
    /// Whether a row that comes without a value gets a fresh number.
    pub(crate) numbered: Option<Numbered>,
}

/// Where fresh numbers of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// The highest number that is known to have been given; the highest of the rows counts too.
    pub(crate) given: Option<i64>,
}

/// What a column holds when a row comes without a value for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DefaultValue {
    /// A number, as it is written.
    Number(String),
    /// A text, or a value of another type in the text form of its engine.
    Text(String),
    Boolean(bool),
    /// The present time, date and time of day.
    Now,
    Today,
    TimeOfDay,
    /// A random UUID.
    RandomUuid,
    /// An expression that is not understood, as it is written.
    Other(String),
}

/// An index over columns alone.
#[derive(Debug)]
pub(crate) struct IndexOutline {
    pub(crate) name: String,
    pub(crate) unique: bool,
    /// Indexes into the table's columns, and whether descending.
    pub(crate) columns: Vec<(usize, bool)>,
}

/// A reference to another table.
#[derive(Debug)]
pub(crate) struct ReferenceOutline {
    /// Indexes into the table's columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) references: TableName,
    pub(crate) referenced_columns: Vec<String>,
    /// `CASCADE`, `SET NULL`, `SET DEFAULT`, `RESTRICT`; nothing for `NO ACTION`.
    pub(crate) on_update: Option<&'static str>,
    pub(crate) on_delete: Option<&'static str>,
    /// Whether it is checked at the end of a transaction.
    pub(crate) deferred: bool,
    /// Rows that refer to none, which only some engines allow.
    pub(crate) orphans: u64,
}

impl TableOutline {
    /// A table of which nothing is known yet but its columns.
    pub(crate) fn new(name: TableName, columns: Vec<ColumnOutline>) -> Self {
        Self {
            name,
            columns,
            primary_key: Vec::new(),
            unique: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
        }
    }

    /// A note that a key or an index is left out.
    pub(crate) fn left_out(&self, what: &str, why: &str) -> Note {
        Note::of_table(&self.name, NoteKind::Index, format!("{what} is left out: {why}"))
    }

    /// The place of a column, by its name or by one that differs from it in case alone.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// The place of a column of the source's schema.
    pub(crate) fn place_of_source(&self, source: usize) -> Option<usize> {
        self.columns.iter().position(|column| column.source == source)
    }

    /// Whether no two rows have the same values in these columns, in whatever order.
    pub(crate) fn is_unique(&self, columns: &[usize]) -> bool {
        let same = |other: &[usize]| {
            other.len() == columns.len() && other.iter().all(|column| columns.contains(column))
        };
        let by_index = |index: &IndexOutline| {
            index.unique && same(&index.columns.iter().map(|(column, _)| *column).collect::<Vec<_>>())
        };
        same(&self.primary_key)
            || self.unique.iter().any(|columns| same(columns))
            || self.indexes.iter().any(by_index)
    }
}

/// The action of a reference, by its name in SQL.
pub(crate) fn action(name: &str) -> Option<&'static str> {
    ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// SQL without its line breaks and indents.
pub(crate) fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
