//! Translation: the schema of one engine as a schema of another, and a map for the values of each column.
//!
//! What is translated is an outline: tables with columns, keys, references, indexes and defaults, which each engine reads
//! out of its own schema and writes into it. Types are chosen so that they hold every value that is there, exactly; what
//! has no place, or another one, is noted. `docs/across-engines.md` has the rules.

mod names;
mod note;
mod numbers;
pub(crate) mod outline;
pub(crate) mod profile;
mod times;
mod to_postgres;
mod to_sqlite;
pub(crate) mod value;

use std::collections::HashMap;

use rowkeep_format::{RowBatch, Schema, Table, TableKind, TableName, Value};

use crate::{EngineError, ErrorKind, postgres, sqlite};
pub use note::{Note, NoteKind};
pub use profile::TableProfile;
pub use value::RowMap;

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
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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

/// What has to be known of rows before a schema can be translated.
#[derive(Debug, Default)]
pub struct Survey {
    tables: HashMap<TableName, TableProfile>,
    pub(crate) numbers: HashMap<TableName, i64>,
    pub(crate) orphans: HashMap<TableName, Vec<u64>>,
    settings: Vec<(String, i64)>,
    large_objects: u64,
}

impl Survey {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a table's rows have to be looked at for; nothing when its types alone say what becomes of it.
    pub fn wanted(schema: &Schema, table: &Table) -> Option<TableProfile> {
        match (table.kind, schema.engine.as_str()) {
            (TableKind::Table, sqlite::NAME) => Some(to_postgres::wanted(table)),
            (TableKind::Table, _) => to_sqlite::wanted(table),
            _ => None,
        }
    }

    /// Keeps what was seen of a table.
    pub fn add(&mut self, table: TableName, profile: TableProfile) {
        self.tables.insert(table, profile);
    }

    /// Whether the rows of a table that is not the application's say something: they are few.
    pub fn wants_rows(table: &Table) -> bool {
        table.kind == TableKind::Settings
            && ["sequences", "sqlite_sequence", "sqlite_settings"].contains(&table.name.name.as_str())
    }

    /// Takes rows of such a table.
    pub fn add_rows(&mut self, table: &Table, batch: &RowBatch) {
        let place = |name: &str| table.columns.iter().position(|column| column.name == name);
        let text = |row: usize, name: &str| match place(name).map(|column| batch.value(row, column)) {
            Some(Value::Text(text)) => String::from_utf8(text.to_vec()).ok(),
            _ => None,
        };
        let integer = |row: usize, name: &str| match place(name).map(|column| batch.value(row, column)) {
            Some(Value::Integer(integer)) => Some(integer),
            _ => text(row, name).and_then(|text| text.parse().ok()),
        };
        for row in 0..batch.rows() {
            let Some(name) = text(row, "name") else { continue };
            match table.name.name.as_str() {
                "sqlite_settings" => {
                    self.settings.extend(integer(row, "value").map(|value| (name, value)));
                }
                "sqlite_sequence" => {
                    self.numbers.extend(integer(row, "seq").map(|value| (TableName::plain(name), value)));
                }
                _ => {
                    let used = text(row, "is_called").as_deref() == Some("t");
                    let sequence = TableName { schema: text(row, "schema"), name };
                    let value = integer(row, "last_value").filter(|_| used);
                    self.numbers.extend(value.map(|value| (sequence, value)));
                }
            }
        }
    }

    /// Says how many rows of a table refer to none, for each of its foreign keys.
    pub fn add_orphans(&mut self, table: TableName, rows: Vec<u64>) {
        self.orphans.insert(table, rows);
    }

    /// Says how many rows large objects have.
    pub fn add_large_objects(&mut self, rows: u64) {
        self.large_objects += rows;
    }

    fn profile(&self, table: &TableName) -> Option<&TableProfile> {
        self.tables.get(table)
    }

    /// What the settings hold that the other engine has no place for.
    fn notes(&self) -> Vec<Note> {
        let settings = self.settings.iter().filter(|(_, value)| *value != 0);
        let mut notes: Vec<Note> = settings
            .map(|(name, value)| {
                Note::new(NoteKind::Settings, format!("{name} {value} is left out: PostgreSQL has none"))
            })
            .collect();
        if self.large_objects > 0 {
            notes.push(Note::new(NoteKind::Settings, "large objects are left out: SQLite has none"));
        }
        notes
    }
}

/// Whether a schema of one engine can become a database of another.
pub fn is_known(from: &str, to: &str) -> bool {
    matches!((from, to), (sqlite::NAME, postgres::NAME) | (postgres::NAME, sqlite::NAME))
}

/// Translates a schema for another engine. Blocks for some milliseconds.
///
/// Fails where two engines do not know each other, where the schema is without DDL, and where two tables would have one
/// name.
pub fn translate(schema: &Schema, to: &str, survey: &Survey) -> Result<Translation, EngineError> {
    let unknown = || {
        let message = format!("a database of {} cannot become one of {to}", schema.engine);
        EngineError::new(ErrorKind::Unsupported, message)
    };
    let mut translation = match (schema.engine.as_str(), to) {
        (sqlite::NAME, postgres::NAME) => to_postgres::translate(sqlite::outline(schema, survey)?, survey)?,
        (postgres::NAME, sqlite::NAME) => to_sqlite::translate(postgres::outline(schema, survey)?, survey)?,
        _ => return Err(unknown()),
    };
    translation.notes.extend(survey.notes());
    translation.notes.sort();
    translation.notes.dedup();
    Ok(translation)
}
