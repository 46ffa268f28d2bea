//! What a database is made of besides its rows: tables, columns, keys, and the engine's own DDL.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{RowBatch, Value};

/// The name of a table: in PostgreSQL with its schema, elsewhere alone.
///
/// Names are arbitrary text: with spaces, quotes, line ends, in any script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The namespace, where the engine has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl TableName {
    /// A name within a namespace.
    pub fn qualified(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), name: name.into() }
    }

    /// A name alone.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }
}

/// Prints `schema.name`, leaving out PostgreSQL's `public`; for people, not for SQL.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schema.as_deref() {
            None | Some("public") => f.write_str(&self.name),
            Some(schema) => write!(f, "{schema}.{}", self.name),
        }
    }
}

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// A table of the application, or a partition that holds rows.
    Table,
    /// A table that a virtual table keeps for itself (FTS5, R*Tree).
    Shadow,
    /// Values that the database keeps beside its tables, read as rows: sequences, counters, settings.
    Settings,
    /// The contents of large objects, read as rows.
    LargeObjects,
}

impl TableKind {
    /// Whether people know it as a table of theirs.
    pub fn is_user_table(self) -> bool {
        matches!(self, TableKind::Table)
    }
}

/// How the value of a key column becomes bytes that compare as the database's own order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// By kind (null, number, text, blob), numbers by value, text and blobs by their bytes.
    Native,
    /// Text that is a decimal integer of 64 bits, by value.
    Integer,
    /// Text that is a decimal number of any length, `NaN` or an infinity, by value.
    Decimal,
    /// Text that is an ISO date, with or without time, possibly ` BC` or an infinity, by time.
    Date,
    /// As `Native`, and an integer and a real of one value are the same. This form and those below tell whether rows
    /// are the same, and order no chunks.
    Equal,
    /// As `Equal`, and ASCII letters of either case are the same: SQLite's `NOCASE`, and as far as it goes `citext`.
    NoCase,
    /// As `Equal`, without spaces at the end: SQLite's `RTRIM`.
    RightTrimmed,
    /// Text that is a floating-point number, by value: `-0` is `0`.
    Float,
    /// Text that is an interval, by its length: `1 day` is `24:00:00`.
    Interval,
    /// Nothing, unless a column of the key before it is NULL; then as `Native`. It tells rows apart that the rest of the
    /// key does not.
    IfNull,
}

impl KeyForm {
    /// Whether chunks never stand in the order of it.
    pub fn is_of_identity(self) -> bool {
        match self {
            Self::Native | Self::Integer | Self::Decimal | Self::Date => false,
            Self::Equal | Self::NoCase | Self::RightTrimmed => true,
            Self::Float | Self::Interval | Self::IfNull => true,
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type in the engine's own words, empty where it has none.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub type_name: String,
    /// Whether it refuses NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    /// Whether it is no column that the application declared, such as SQLite's hidden rowid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// One column of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Index into [`Table::columns`].
    pub column: usize,
    /// How its values become bytes.
    pub form: KeyForm,
}

/// What identifies a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The columns, in the order in which they compare.
    pub columns: Vec<KeyColumn>,
    /// Whether no two rows have the same key. Without it the key is the whole row, and equal rows are counted.
    pub unique: bool,
}

impl Key {
    /// The key of a table that has none: the whole row, with duplicates.
    pub fn whole_row(columns: usize) -> Self {
        let columns = (0..columns).map(|column| KeyColumn { column, form: KeyForm::Native }).collect();
        Self { columns, unique: false }
    }

    /// The columns by which people name a row: all but one that only tells rows apart where another is NULL.
    pub fn naming(&self) -> impl Iterator<Item = &KeyColumn> + Clone {
        self.columns.iter().filter(|part| part.form != KeyForm::IfNull)
    }

    /// The columns that tell this row: those that name it, and where one of these is NULL, the one that stands in for it.
    pub fn telling(&self, batch: &RowBatch, row: usize) -> impl Iterator<Item = &KeyColumn> {
        let has_null = self.naming().any(|part| batch.value(row, part.column) == Value::Null);
        self.columns.iter().filter(move |part| has_null || part.form != KeyForm::IfNull)
    }
}

/// A reference from the rows of one table to rows of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The referring columns, as indexes into [`Table::columns`].
    pub columns: Vec<usize>,
    /// The table referred to.
    pub references: TableName,
    /// The names of the columns referred to.
    pub referenced_columns: Vec<String>,
}

/// A table: columns, key, references. What the engine reads rows of.
///
/// `columns` are those whose values are stored; generated columns are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// What its rows are.
    pub kind: TableKind,
    /// The stored columns in order.
    pub columns: Vec<Column>,
    /// The order in which rows stand in chunks; what identifies a row, unless [`identity`](Self::identity) does.
    pub key: Key,
    /// What identifies a row where that is not the key: the primary key of an SQLite table whose rows stand in the order of
    /// their rowids, or one whose values may be equal though they are printed otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Key>,
    /// Declared references to other tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
}

impl Table {
    /// What identifies a row.
    pub fn identified_by(&self) -> &Key {
        self.identity.as_ref().unwrap_or(&self.key)
    }

    /// The column of the hidden rowid where rows are identified by a key that does not begin with it.
    pub fn rowid_beside(&self, key: &Key) -> Option<usize> {
        let hidden = self.columns.iter().position(|column| column.hidden)?;
        let first = key.columns.first()?;
        (key.unique && first.column != hidden).then_some(hidden)
    }

    /// The column of the hidden rowid where that identifies no row, so that it is a value like others.
    pub fn rowid_value(&self) -> Option<usize> {
        self.rowid_beside(self.identified_by())
    }
}

/// Everything of a database but its rows.
///
/// Stored as JSON in a chunk of its own, so that an unchanged schema costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The engine it is of: `postgresql`, `sqlite`.
    pub engine: String,
    /// All tables, in the order in which the engine lists them.
    pub tables: Vec<Table>,
    /// Which tables have columns of which others, as partitions and children have; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<Inherits>,
    /// Parts of DDL by name, in the engine's own language; which names there are and when each runs is the engine's.
    /// Empty in a backup of data alone.
    pub ddl: Vec<Ddl>,
}

/// A table that has all columns of another: a partition, or a child by inheritance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inherits {
    /// The partition or child.
    pub child: TableName,
    /// What it is a partition or child of, which may be a table without rows of its own and then is not among the tables.
    pub parent: TableName,
    /// Whether what identifies a row of the child does so in all of the parent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shares_key: bool,
}

impl Inherits {
    /// A partition or child, of which no more is known.
    pub fn new(child: TableName, parent: TableName) -> Self {
        Self { child, parent, shares_key: false }
    }
}

/// A part of a database's DDL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ddl {
    /// Which part: `pre-data`, `post-data` and others that the engine defines.
    pub part: String,
    /// The text.
    pub sql: String,
}

impl Schema {
    /// The DDL of a part, empty when there is none.
    pub fn ddl(&self, part: &str) -> &str {
        self.ddl.iter().find(|ddl| ddl.part == part).map_or("", |ddl| &ddl.sql)
    }

    /// The table of a name. Looks through all of them; who asks for many builds [`by_name`](Self::by_name) once.
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| &table.name == name)
    }

    /// All tables by their names.
    pub fn by_name(&self) -> HashMap<&TableName, &Table> {
        // Of two of one name the first counts, as in `table`.
        self.tables.iter().rev().map(|table| (&table.name, table)).collect()
    }

    /// What every partition and child is one of, directly and over others, the nearest first.
    pub fn ancestors(&self) -> HashMap<&TableName, Vec<&TableName>> {
        let mut parents: HashMap<&TableName, Vec<&TableName>> = HashMap::new();
        for Inherits { child, parent, .. } in &self.inherits {
            parents.entry(child).or_default().push(parent);
        }
        let above = |child: &&'_ TableName| {
            let mut found: Vec<&TableName> = Vec::new();
            let mut next = parents.get(*child).cloned().unwrap_or_default();
            while !next.is_empty() {
                // No table is above itself; a damaged schema may say so.
                next.retain(|parent| !found.contains(parent));
                found.extend(&next);
                next = next.iter().filter_map(|parent| parents.get(parent)).flatten().copied().collect();
            }
            found
        };
        parents.keys().map(|child| (*child, above(child))).collect()
    }

    /// The tables that hold the rows of each partitioned table: of every parent that is not among the tables itself, those below it
    /// that are.
    pub fn partitions(&self) -> HashMap<&TableName, Vec<&Table>> {
        let (known, ancestors) = (self.by_name(), self.ancestors());
        let mut found: HashMap<&TableName, Vec<&Table>> = HashMap::new();
        for table in &self.tables {
            let above = ancestors.get(&table.name).map(Vec::as_slice).unwrap_or_default();
            for parent in above.iter().filter(|parent| !known.contains_key(*parent)) {
                found.entry(parent).or_default().push(table);
            }
        }
        found
    }

    /// The JSON that is stored; equal schemas give equal bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a schema has no map with keys that are not text")
    }

    /// Reads the stored JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, crate::FormatError> {
        let schema: Self =
            serde_json::from_slice(json).map_err(|_| crate::FormatError::Malformed("the schema"))?;
        let sound = schema.tables.iter().all(|table| {
            let known = |column: &usize| *column < table.columns.len();
            let keys = [Some(&table.key), table.identity.as_ref()];
            keys.into_iter().flatten().all(|key| key.columns.iter().all(|part| known(&part.column)))
                && table.foreign_keys.iter().all(|key| key.columns.iter().all(known))
        });
        if sound { Ok(schema) } else { Err(crate::FormatError::Malformed("the schema")) }
    }
}
