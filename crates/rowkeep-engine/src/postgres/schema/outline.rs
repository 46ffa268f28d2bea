//! A schema of PostgreSQL in the words of a translation.
//!
//! Tables, columns, types and references are those of the schema; what it does not say itself (keys, indexes,
//! defaults, actions, labels of enumerations) is read in what `pg_dump` wrote.

mod columns;
mod cursor;
mod others;
mod statements;
mod table;

use std::collections::{BTreeMap, HashMap};

use rowkeep_format::{Schema, TableKind, TableName};

use super::ddl;
use super::split::statements;
use crate::translate::outline::Outline;
use crate::translate::{Note, NoteKind, Survey};
use crate::{EngineError, ErrorKind};
use columns::Line;

/// Reads a schema.
pub(crate) fn outline(schema: &Schema, survey: &Survey) -> Result<Outline, EngineError> {
    if schema.ddl(ddl::BEFORE).is_empty() {
        let message = "a schema without DDL cannot be translated: the backup is one of data alone";
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let mut reading = Reading::new(schema);
    for part in [ddl::BEFORE, ddl::AFTER] {
        for statement in statements(schema.ddl(part)) {
            if reading.understand(statement).is_none() {
                others::note(statement, &mut reading);
            }
        }
    }
    Ok(reading.outline(survey))
}

/// A schema that is being read.
struct Reading<'a> {
    schema: &'a Schema,
    tables: HashMap<TableName, Found>,
    /// Types that are enumerations, with their labels; domains, with the types they are made of.
    labels: HashMap<String, Vec<String>>,
    domains: HashMap<String, String>,
    sequences: Vec<TableName>,
    notes: Vec<Note>,
    /// Kinds of statements that concern nobody by name, with how many there are.
    counted: BTreeMap<&'static str, u64>,
}

/// What was found of a table.
#[derive(Default)]
struct Found {
    lines: Vec<Line>,
    defaults: HashMap<String, String>,
    /// Columns with an identity, and the sequences of these.
    identities: HashMap<String, TableName>,
    primary_key: Vec<String>,
    unique: Vec<Vec<String>>,
    indexes: Vec<FoundIndex>,
    references: HashMap<String, Actions>,
}

/// An index over columns, each with whether it descends.
struct FoundIndex {
    name: String,
    unique: bool,
    columns: Vec<(String, bool)>,
}

/// What a reference says beside its columns.
#[derive(Default, Clone)]
struct Actions {
    on_update: Option<&'static str>,
    on_delete: Option<&'static str>,
    deferred: bool,
}

impl<'a> Reading<'a> {
    fn new(schema: &'a Schema) -> Self {
        let tables = schema.tables.iter().filter(|table| table.kind == TableKind::Table);
        Self {
            schema,
            tables: tables.map(|table| (table.name.clone(), Found::default())).collect(),
            labels: HashMap::new(),
            domains: HashMap::new(),
            sequences: Vec::new(),
            notes: Vec::new(),
            counted: BTreeMap::new(),
        }
    }

    fn outline(mut self, survey: &Survey) -> Outline {
        let schema = self.schema;
        let mut tables = Vec::new();
        for table in schema.tables.iter().filter(|table| table.kind == TableKind::Table) {
            let found = self.tables.remove(&table.name).unwrap_or_default();
            tables.push(self.table_outline(table, &found, survey));
        }
        for sequence in std::mem::take(&mut self.sequences) {
            let value = survey
                .numbers
                .get(&sequence)
                .map_or("not used yet".to_owned(), |value| format!("at {value}"));
            let detail = format!("sequence {sequence}, {value}, is left out");
            self.notes.push(Note::new(NoteKind::Sequence, detail));
        }
        let counted = std::mem::take(&mut self.counted);
        self.notes.extend(counted.into_iter().map(|(what, count)| {
            let kind = if what.contains("privileges") { NoteKind::Privilege } else { NoteKind::Other };
            Note::new(kind, format!("{what} are left out: {count}"))
        }));
        Outline { tables, notes: self.notes }
    }
}

#[cfg(test)]
#[path = "outline/tests.rs"]
mod tests;
