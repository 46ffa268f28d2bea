//! Rows that were changed on both sides, in different ways.

use std::fmt;

use rowkeep_format::{RowBatch, Table, TableName, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::rows::json::value_json;

/// So many conflicts are listed; the others are counted.
const MOST_LISTED: usize = 1000;

/// What is done with a row that both the database and the snapshot have changed since the state that both come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// Nothing at all is changed.
    #[default]
    Neither,
    /// The row, or the value, stays as the database has it.
    Database,
    /// It becomes what it is in the snapshot.
    Snapshot,
}

impl Prefer {
    /// Whether nobody has chosen.
    pub fn is_neither(&self) -> bool {
        *self == Self::Neither
    }
}

/// A row that both sides changed, in different ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The table.
    pub table: TableName,
    /// The key of the row: an object of its columns.
    pub key: Json,
    /// What became of it.
    pub kind: ConflictKind,
    /// The columns with different values; none where one side deleted the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldConflict>,
}

/// What both sides did with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both inserted one of this key, with different values.
    InsertedInBoth,
    /// Both gave a column other values.
    ChangedInBoth,
    /// The database lacks it, and the snapshot changed it.
    DeletedInDatabase,
    /// The snapshot lacks it, and the database changed it.
    DeletedInSnapshot,
}

/// A column that both sides gave other values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The column.
    pub column: String,
    /// Its value in the state that both come from; nothing where that had no such row or column.
    pub base: Option<Json>,
    /// Its value in the database.
    pub database: Json,
    /// Its value in the snapshot.
    pub snapshot: Json,
}

/// All conflicts: the first of them one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflicts {
    /// How many rows.
    pub rows: u64,
    /// The first of them, at most a thousand.
    pub listed: Vec<Conflict>,
}

impl Conflicts {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Counts one, and lists it as long as there is room.
    pub(super) fn add(&mut self, conflict: impl FnOnce() -> Conflict) {
        self.rows += 1;
        if self.listed.len() < MOST_LISTED {
            self.listed.push(conflict());
        }
    }
}

impl Conflict {
    pub(super) fn new(
        table: &Table,
        (batch, at): (&RowBatch, usize),
        kind: ConflictKind,
        fields: Vec<FieldConflict>,
    ) -> Self {
        let values = table
            .key
            .telling(batch, at)
            .map(|part| (table.columns[part.column].name.clone(), value_json(batch.value(at, part.column))));
        Self { table: table.name.clone(), key: Json::Object(values.collect::<Map<_, _>>()), kind, fields }
    }
}

impl FieldConflict {
    pub(super) fn new(
        column: &str,
        base: Option<Value<'_>>,
        database: Value<'_>,
        snapshot: Value<'_>,
    ) -> Self {
        let (database, snapshot) = (value_json(database), value_json(snapshot));
        Self { column: column.to_owned(), base: base.map(value_json), database, snapshot }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_object().into_iter().flatten();
        let key: Vec<String> = key.map(|(column, value)| format!("{column} {value}")).collect();
        write!(out, "{} ({}): ", self.table, key.join(", "))?;
        match self.kind {
            ConflictKind::DeletedInDatabase => {
                return write!(out, "deleted here, changed in the snapshot");
            }
            ConflictKind::DeletedInSnapshot => {
                return write!(out, "changed here, deleted in the snapshot");
            }
            ConflictKind::InsertedInBoth | ConflictKind::ChangedInBoth => {}
        }
        for (at, FieldConflict { column, base, database, snapshot }) in self.fields.iter().enumerate() {
            let between = if at > 0 { "; " } else { "" };
            match base {
                Some(base) => write!(out, "{between}{column} was {base}, is {database}, becomes {snapshot}")?,
                None => write!(out, "{between}{column} is {database}, becomes {snapshot}")?,
            }
        }
        Ok(())
    }
}
