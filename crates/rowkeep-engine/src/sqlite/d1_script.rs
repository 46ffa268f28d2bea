//! A database as a script for `wrangler d1 execute`: Cloudflare D1 is SQLite with rules of its own.
//!
//! The file is one transaction, in which nobody may begin one; a statement has 100,000 bytes at most; nothing writes to the schema
//! but statements that create; virtual tables are created, and what they keep is made anew.

use std::collections::HashMap;

use rowkeep_format::{RowBatch, Schema, Table, TableKind};

use super::full_text::FullText;
use super::literal::value;
use super::long_values::{Assembled, assembled};
use super::schema::definitions::Definitions;
use super::sqlite3_script::{SEQUENCES, ended, is_reserved};
use crate::sql_text::SqlText;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// The most bytes of a statement.
const STATEMENT: usize = 100_000;

/// The most columns of a table.
const COLUMNS: usize = 100;

/// Writes the rows of a database for D1.
pub(crate) struct Script {
    /// Nothing where rows alone are wanted.
    definitions: Option<Definitions>,
    /// The tables that keep the text of full-text tables, by name.
    full_text: HashMap<String, FullText>,
    /// Statements that have the index of full-text tables made from other tables.
    rebuilt: Vec<String>,
    notes: Vec<String>,
}

impl Script {
    pub(crate) fn of(schema: &Schema, with_ddl: bool) -> Result<Self, EngineError> {
        if let Some(wide) = schema.tables.iter().find(|table| table.columns.len() > COLUMNS) {
            let (name, columns) = (&wide.name, wide.columns.len());
            return Err(unsupported(format!("table {name} has {columns} columns, and D1 takes {COLUMNS}")));
        }
        let definitions = with_ddl.then(|| Definitions::of(schema)).transpose()?;
        let mut script =
            Self { definitions, full_text: HashMap::new(), rebuilt: Vec::new(), notes: Vec::new() };
        let Some(definitions) = &mut script.definitions else {
            script.notes.extend(triggers(schema)?);
            return Ok(script);
        };
        let is_shadow = |name: &str| {
            let mut shadows = schema.tables.iter().filter(|table| table.kind == TableKind::Shadow);
            shadows.any(|table| table.name.name == name)
        };
        definitions.before.retain(|object| !is_shadow(&object.name) && !is_reserved(&object.name));
        definitions.before.retain(|object| object.name != SEQUENCES);
        let mut known = Vec::new();
        for object in definitions.before.drain(..) {
            if object.stored {
                known.push(object);
                continue;
            }
            match FullText::of(&object.name, &object.sql) {
                None => script.notes.push(format!(
                    "virtual table {} is left out: only full-text tables of fts5 can be made in D1",
                    object.name
                )),
                Some(full_text) => {
                    let content = format!("{}_content", object.name);
                    if is_shadow(&content) {
                        script.full_text.insert(content, full_text);
                    } else if full_text.is_of_another {
                        let name = quoted(&object.name);
                        script.rebuilt.push(format!("INSERT INTO {name} ({name}) VALUES ('rebuild');\n"));
                    } else {
                        script.notes.push(format!(
                            "full-text table {} begins empty: it keeps no text of which its index could be made",
                            object.name
                        ));
                    }
                    known.push(object);
                }
            }
        }
        definitions.before = known;
        let all = || definitions.before.iter().chain(&definitions.after);
        if let Some(long) = all().find(|object| object.sql.len() > STATEMENT) {
            let name = &long.name;
            return Err(unsupported(format!(
                "the definition of {name} has more than {STATEMENT} bytes, which no statement of D1 may have"
            )));
        }
        Ok(script)
    }

    /// What stands before the values of rows of a table.
    fn before(&self, table: &Table) -> String {
        let (name, columns) = match self.full_text.get(&table.name.name) {
            None => (&table.name.name, table.columns.iter().map(|column| quoted(&column.name)).collect()),
            Some(full_text) => {
                let own = full_text.columns.iter().map(|column| quoted(column));
                (&full_text.name, std::iter::once("rowid".to_owned()).chain(own).collect::<Vec<_>>())
            }
        };
        format!("INSERT INTO {} ({}) VALUES\n", quoted(name), columns.join(", "))
    }
}

/// What to do about triggers where rows come alone: nothing in D1 has them rest.
fn triggers(schema: &Schema) -> Result<Option<String>, EngineError> {
    if schema.ddl.is_empty() {
        return Ok(None);
    }
    let known = Definitions::of(schema)?;
    let names =
        known.after.iter().filter(|object| object.kind == "trigger").map(|object| object.name.as_str());
    let names: Vec<&str> = names.collect();
    Ok((!names.is_empty()).then(|| {
        format!(
            "triggers fire for rows that D1 loads, and do again what is among the rows already: drop {} before, and create it again",
            names.join(", ")
        )
    }))
}

fn unsupported(message: String) -> EngineError {
    EngineError::new(ErrorKind::Unsupported, message)
}

impl SqlText for Script {
    fn head(&self) -> String {
        let mut head = "PRAGMA defer_foreign_keys = TRUE;\n".to_owned();
        for object in self.definitions.iter().flat_map(|known| &known.before) {
            head += &ended(&object.sql);
        }
        head
    }

    fn rank(&self, table: &Table) -> Option<u8> {
        match (table.name.name.as_str(), table.kind) {
            (SEQUENCES, _) => self.definitions.is_some().then_some(1),
            (name, TableKind::Table) => (!is_reserved(name)).then_some(0),
            (name, TableKind::Shadow) => self.full_text.contains_key(name).then_some(0),
            (_, TableKind::Settings | TableKind::LargeObjects) => None,
        }
    }

    fn begin(&self, table: &Table) -> String {
        match table.name.name.as_str() {
            SEQUENCES => format!("DELETE FROM {SEQUENCES};\n"),
            _ => String::new(),
        }
    }

    fn rows(&self, table: &Table, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let before = self.before(table);
        let columns = match self.full_text.get(&table.name.name) {
            Some(full_text) => full_text.columns.len() + 1,
            None => rows.columns().len(),
        };
        // The length of the statement that is being written, where one is.
        let mut open = None;
        for row in 0..rows.rows() {
            let mut own = Vec::new();
            own.push(b'(');
            for column in 0..columns.min(rows.columns().len()) {
                if column > 0 {
                    own.extend_from_slice(b", ");
                }
                value(rows.value(row, column), None, &mut own);
            }
            own.push(b')');
            let begun = before.len() + own.len() + 1;
            open = match open {
                Some(length) if length + own.len() + 2 <= STATEMENT => {
                    out.extend_from_slice(b",\n");
                    out.extend_from_slice(&own);
                    Some(length + own.len() + 2)
                }
                open => {
                    if open.is_some() {
                        out.extend_from_slice(b";\n");
                    }
                    if begun <= STATEMENT {
                        out.extend_from_slice(before.as_bytes());
                        out.extend_from_slice(&own);
                        Some(begun)
                    } else {
                        long_row(&before, rows, row, columns, out);
                        None
                    }
                }
            };
        }
        if open.is_some() {
            out.extend_from_slice(b";\n");
        }
        Ok(())
    }

    fn tail(&self) -> String {
        let Some(definitions) = &self.definitions else { return String::new() };
        let after = definitions.after.iter().map(|object| ended(&object.sql));
        self.rebuilt.iter().cloned().chain(after).collect()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// Writes a row that fits into no statement: its long values are put together in a table beside it.
fn long_row(before: &str, rows: &RowBatch, row: usize, columns: usize, out: &mut Vec<u8>) {
    let own = (0..columns.min(rows.columns().len())).map(|column| rows.value(row, column));
    let Assembled { before: first, values, after } = assembled(own);
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
    for statement in first {
        put(&format!("{statement};\n"));
    }
    put(&format!("{before}({});\n{after};\n", values.join(", ")));
}

#[cfg(test)]
#[path = "d1_script_tests.rs"]
mod tests;
