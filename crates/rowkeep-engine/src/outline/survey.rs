//! What has to be known of rows before a schema can be translated.

use std::collections::HashMap;

use rowkeep_format::{RowBatch, Table, TableKind, TableName, Value};

use super::note::{Note, NoteKind};
use super::profile::TableProfile;

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

    /// What is known of a table's columns.
    pub(crate) fn profile(&self, table: &TableName) -> Option<&TableProfile> {
        self.tables.get(table)
    }

    /// What the settings hold that the other engine has no place for.
    pub(crate) fn notes(&self) -> Vec<Note> {
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
