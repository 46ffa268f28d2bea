//! A database as a script for `sqlite3`.

use rowkeep_format::{RowBatch, Schema, Table, TableKind, Value};

use super::catalog::properties::{SETTINGS, SETTINGS_TABLE};
use super::catalog::tables::Object;
use super::connect::utf16::Endian;
use super::literal::{literal, value};
use super::schema::definitions::Definitions;
use crate::EngineError;
use crate::sql_text::{SqlText, SqlValue, statements};
use crate::sqlite::quote::quoted;

/// The table of the highest keys that AUTOINCREMENT has given; it comes and fills by itself.
pub(super) const SEQUENCES: &str = "sqlite_sequence";

/// The statement that inserts one row.
pub(crate) fn insert(table: &str, values: &[(&str, SqlValue)]) -> String {
    let columns: Vec<String> = values.iter().map(|(column, _)| quoted(column)).collect();
    let literals: Vec<String> = values
        .iter()
        .map(|(_, value)| match value {
            SqlValue::Text(text) => literal(text),
            SqlValue::Integer(integer) => integer.to_string(),
            SqlValue::Boolean(truth) => i64::from(*truth).to_string(),
        })
        .collect();
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(table), columns.join(", "), literals.join(", "))
}

/// A query that fails where the table or a column is not there. With the table before them, names that are no columns are
/// not taken for text.
pub(crate) fn probe(table: &str, columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("t.{}", quoted(column))).collect();
    format!("SELECT {} FROM {} AS t LIMIT 0", columns.join(", "), quoted(table))
}

/// A literal from which the shell takes no carriage return.
fn safe_literal(text: &str) -> String {
    let parts: Vec<String> = text.split('\r').map(literal).collect();
    parts.join(" || char(13) || ")
}

/// Writes the rows of a database for `sqlite3`.
pub(crate) struct Script {
    /// Nothing where rows alone are wanted.
    definitions: Option<Definitions>,
}

impl Script {
    pub(crate) fn of(schema: &Schema, with_ddl: bool) -> Result<Self, EngineError> {
        Ok(Self { definitions: with_ddl.then(|| Definitions::of(schema)).transpose()? })
    }

    fn utf16(&self) -> Option<Endian> {
        self.definitions.as_ref().and_then(|known| known.properties.utf16())
    }

    /// Whether something is in the schema that SQLite lets nobody create by name.
    fn needs_open_schema(&self) -> bool {
        self.definitions.as_ref().is_some_and(|known| {
            let virtual_or_reserved = |object: &Object| !object.stored || is_reserved(&object.name);
            known.before.iter().any(virtual_or_reserved) || has_return(known).next().is_some()
        })
    }
}

/// The objects whose definitions hold carriage returns, which the shell takes away before line feeds.
fn has_return(definitions: &Definitions) -> impl Iterator<Item = &Object> {
    let created = definitions.before.iter().filter(|object| object.stored).chain(&definitions.after);
    created.filter(|object| object.sql.contains('\r'))
}

pub(super) fn is_reserved(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("sqlite_") && name != SEQUENCES
}

/// A statement with its end, also where it ends with a comment.
pub(super) fn ended(sql: &str) -> String {
    let last = sql.lines().last().unwrap_or_default();
    if last.contains("--") { format!("{sql}\n;\n") } else { format!("{sql};\n") }
}

impl SqlText for Script {
    fn head(&self) -> String {
        // In exactly these letters: by them newer shells know a script that may write to the schema.
        let mut head = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n".to_owned();
        let Some(definitions) = &self.definitions else {
            // What triggers of the database did is among the rows already.
            return head + ".dbconfig enable_trigger off\n";
        };
        let properties = &definitions.properties;
        head += &format!(
            "PRAGMA encoding = '{}';\nPRAGMA page_size = {};\nPRAGMA auto_vacuum = {};\n\
             PRAGMA ignore_check_constraints = ON;\n",
            properties.encoding, properties.page_size, properties.auto_vacuum
        );
        if self.needs_open_schema() {
            head += "PRAGMA writable_schema = ON;\n";
        }
        for object in definitions.before.iter().filter(|object| object.stored && object.name != SEQUENCES) {
            head += &ended(&object.sql);
        }
        // As `.dump` does it: what a virtual table keeps comes as the tables that it is kept in.
        for object in definitions.before.iter().filter(|object| !object.stored) {
            head += &format!(
                "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ({}, {}, {}, 0, {});\n",
                literal(&object.kind),
                literal(&object.name),
                literal(&object.table),
                safe_literal(&object.sql)
            );
        }
        head
    }

    fn rank(&self, table: &Table) -> Option<u8> {
        match (table.name.name.as_str(), self.definitions.is_some()) {
            (SEQUENCES, with_ddl) => with_ddl.then_some(1),
            (SETTINGS_TABLE, with_ddl) => with_ddl.then_some(2),
            (_, true) => Some(0),
            (_, false) => (table.kind == TableKind::Table).then_some(0),
        }
    }

    fn begin(&self, table: &Table) -> String {
        match table.name.name.as_str() {
            SEQUENCES => format!("DELETE FROM {SEQUENCES};\n"),
            _ => String::new(),
        }
    }

    fn rows(&self, table: &Table, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
        if table.name.name == SETTINGS_TABLE {
            for row in 0..rows.rows() {
                if let (Value::Text(name), Value::Integer(value)) = (rows.value(row, 0), rows.value(row, 1))
                    && let Some(name) = SETTINGS.into_iter().find(|known| known.as_bytes() == name)
                {
                    out.extend_from_slice(format!("PRAGMA {name} = {value};\n").as_bytes());
                }
            }
            return Ok(());
        }
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let before = format!("INSERT INTO {} ({}) VALUES\n", quoted(&table.name.name), columns.join(", "));
        let utf16 = self.utf16();
        statements(&before, rows, out, |row, out| {
            for (at, column) in rows.columns().iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                value(column.value(row), utf16, out);
            }
        });
        Ok(())
    }

    fn tail(&self) -> String {
        let Some(definitions) = &self.definitions else {
            return "COMMIT;\n.dbconfig enable_trigger on\n".to_owned();
        };
        let mut tail: String = definitions.after.iter().map(|object| ended(&object.sql)).collect();
        for object in has_return(definitions) {
            tail += &format!(
                "UPDATE sqlite_schema SET sql = {} WHERE type = {} AND name = {};\n",
                safe_literal(&object.sql),
                literal(&object.kind),
                literal(&object.name)
            );
        }
        tail += "COMMIT;\n";
        if self.needs_open_schema() {
            tail += "PRAGMA writable_schema = OFF;\n";
        }
        if definitions.properties.journal == "wal" {
            tail += "PRAGMA journal_mode = WAL;\n";
        }
        tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_quoted() {
        assert_eq!(safe_literal("it's\r\n"), "'it''s' || char(13) || '\n'");
        assert_eq!(ended("CREATE VIEW v AS SELECT 1 -- one"), "CREATE VIEW v AS SELECT 1 -- one\n;\n");
        let values = [("a\"b", SqlValue::Text("it's".to_owned())), ("t", SqlValue::Boolean(true))];
        assert_eq!(
            insert("lo\"g", &values),
            "INSERT INTO \"lo\"\"g\" (\"a\"\"b\", \"t\") VALUES ('it''s', 1)"
        );
    }
}
