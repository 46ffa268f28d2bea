//! What happened to a row from one snapshot to the next.

use jiff::Timestamp;
use rowkeep_format::{RowBatch, SnapshotId, Table, Value};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::state::snapshots::Snapshot;

/// Something that happened to the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The first snapshot that shows it.
    #[serde(flatten)]
    pub first_seen: FirstSeen,
    /// What happened.
    pub what: What,
    /// The columns that it is about: all of a row that is new or gone, else those that differ.
    pub columns: Vec<ChangedColumn>,
}

/// Where a version was first seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeen {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Its time.
    pub time: Timestamp,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was there in the first snapshot that was looked into.
    WasThere,
    /// It was put in.
    Appeared,
    /// Some of its columns changed.
    Changed,
    /// It was deleted, or its table was dropped.
    Vanished,
    /// It was put in again.
    CameBack,
}

/// A column before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedColumn {
    /// Its name.
    pub column: String,
    /// Its value before; nothing when there was no row or no such column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Cell>,
    /// Its value after; nothing when there is no row or no such column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cell>,
}

/// A value on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL
    Null,
    /// An integer of SQLite.
    Integer(i64),
    /// A real of SQLite.
    Real(f64),
    /// Text; everything of PostgreSQL. Bytes that are no UTF-8 are replaced.
    Text(String),
    /// A blob of SQLite.
    Blob(Vec<u8>),
}

impl Cell {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Cell::Null,
            Value::Integer(integer) => Cell::Integer(integer),
            Value::Real(bits) => Cell::Real(f64::from_bits(bits)),
            Value::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
            Value::Blob(bytes) => Cell::Blob(bytes.to_vec()),
        }
    }
}

/// As SQL has it; text as it is.
impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Null => f.write_str("NULL"),
            Cell::Integer(integer) => write!(f, "{integer}"),
            Cell::Real(real) => write!(f, "{real:?}"),
            Cell::Text(text) => f.write_str(text),
            Cell::Blob(bytes) => write!(f, "x'{}'", hex::encode(bytes)),
        }
    }
}

/// JSON's null, number and text; a blob as `{"blob": "0aff"}`.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Null => serializer.serialize_unit(),
            Cell::Integer(integer) => serializer.serialize_i64(*integer),
            Cell::Real(real) if real.is_finite() => serializer.serialize_f64(*real),
            Cell::Real(real) => serializer.collect_str(real),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Blob(bytes) => serializer.collect_map([("blob", hex::encode(bytes))]),
        }
    }
}

/// A real that is no finite number comes back as text, as which it is written.
impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Null,
            Integer(i64),
            Real(f64),
            Text(String),
            Blob { blob: String },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Null => Cell::Null,
            Form::Integer(integer) => Cell::Integer(integer),
            Form::Real(real) => Cell::Real(real),
            Form::Text(text) => Cell::Text(text),
            Form::Blob { blob } => {
                let bytes = hex::decode(blob);
                Cell::Blob(bytes.map_err(|_| D::Error::custom("a blob is of pairs of hexadecimal digits"))?)
            }
        })
    }
}

/// Something to know about one snapshot or several in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The first of the snapshots.
    #[serde(flatten)]
    pub first_seen: FirstSeen,
    /// How many there are.
    pub snapshots: u64,
    /// What there is to know.
    pub note: String,
}

/// A row as one snapshot holds it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    table: Table,
    values: RowBatch,
}

impl Row {
    pub(super) fn new(table: &Table, values: RowBatch) -> Self {
        Self { table: table.clone(), values }
    }

    fn value(&self, column: &str) -> Option<Value<'_>> {
        let at = self.table.columns.iter().position(|known| known.name == column)?;
        Some(self.values.value(0, at))
    }
}

/// What a snapshot shows of a row.
#[derive(Debug)]
pub(super) enum Seen {
    Row(Row),
    Absent,
    /// The schema has no such table.
    NoTable,
    /// The snapshot does not tell.
    PassedOver(String),
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    row: Option<Row>,
    /// The last row that there was, also when it is gone.
    last: Option<Row>,
    looked_into: bool,
    versions: Vec<Version>,
    notes: Vec<Note>,
}

impl Timeline {
    /// Takes what the next snapshot shows.
    pub(super) fn add(&mut self, snapshot: &Snapshot, seen: Seen) {
        let first_seen = FirstSeen { snapshot: snapshot.id, time: snapshot.manifest.time };
        let row = match seen {
            Seen::PassedOver(reason) => return self.note(first_seen, reason),
            Seen::NoTable => {
                self.note(first_seen.clone(), "it has no such table".to_owned());
                None
            }
            Seen::Absent => None,
            Seen::Row(row) => Some(row),
        };
        if let (Some(before), Some(after)) = (&self.last, &row) {
            self.note_schema(&first_seen, &before.table.clone(), &after.table.clone());
        }
        let columns = changed(self.row.as_ref(), row.as_ref());
        let what = match (&self.row, &row) {
            (None, None) => None,
            (None, Some(_)) if !self.looked_into => Some(What::WasThere),
            (None, Some(_)) if self.last.is_some() => Some(What::CameBack),
            (None, Some(_)) => Some(What::Appeared),
            (Some(_), Some(_)) => (!columns.is_empty()).then_some(What::Changed),
            (Some(_), None) => Some(What::Vanished),
        };
        self.versions.extend(what.map(|what| Version { first_seen, what, columns }));
        self.looked_into = true;
        if row.is_some() {
            self.last.clone_from(&row);
        }
        self.row = row;
    }

    fn note_schema(&mut self, first_seen: &FirstSeen, before: &Table, after: &Table) {
        if before.name != after.name {
            self.note(first_seen.clone(), format!("the table is {} instead of {}", after.name, before.name));
        }
        let (old, new) = (key_names(before), key_names(after));
        if old != new {
            let note = format!("the key is ({}) instead of ({})", new.join(", "), old.join(", "));
            self.note(first_seen.clone(), note);
        }
        let lacks = |table: &Table, name: &str| table.columns.iter().all(|column| column.name != name);
        for column in after.columns.iter().filter(|column| lacks(before, &column.name)) {
            self.note(first_seen.clone(), format!("column {} is new", column.name));
        }
        for column in before.columns.iter().filter(|column| lacks(after, &column.name)) {
            self.note(first_seen.clone(), format!("column {} is gone", column.name));
        }
    }

    fn note(&mut self, first_seen: FirstSeen, note: String) {
        match self.notes.last_mut() {
            Some(last) if last.note == note => last.snapshots += 1,
            _ => self.notes.push(Note { first_seen, snapshots: 1, note }),
        }
    }

    pub(super) fn finish(self) -> (Vec<Version>, Vec<Note>) {
        (self.versions, self.notes)
    }
}

/// The names of a table's key columns.
fn key_names(table: &Table) -> Vec<String> {
    table.identified_by().naming().map(|part| table.columns[part.column].name.clone()).collect()
}

/// The columns that differ, in the order of the newer table, those that are gone last.
fn changed(before: Option<&Row>, after: Option<&Row>) -> Vec<ChangedColumn> {
    let names = |row: Option<&Row>| -> Vec<String> {
        row.map(|row| row.table.columns.iter().map(|column| column.name.clone()).collect())
            .unwrap_or_default()
    };
    let mut all = names(after);
    let old = names(before);
    all.extend(old.into_iter().filter(|name| after.is_none_or(|row| row.value(name).is_none())));
    let value = |row: Option<&Row>, name: &str| row.and_then(|row| row.value(name)).map(Cell::of);
    all.into_iter()
        .map(|column| ChangedColumn { before: value(before, &column), after: value(after, &column), column })
        .filter(|column| !same(column))
        .collect()
}

fn same(column: &ChangedColumn) -> bool {
    match (&column.before, &column.after) {
        (Some(Cell::Real(before)), Some(Cell::Real(after))) => before.to_bits() == after.to_bits(),
        (before, after) => before == after,
    }
}
