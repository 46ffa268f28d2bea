//! SQL in the words of each engine, for what is not done over a connection: single statements, and whole databases as
//! scripts.

use rowkeep_format::{RowBatch, Schema, Table};

use crate::{EngineError, ErrorKind, postgres, sqlite};

/// A value that a statement is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlValue {
    /// A text, which becomes whatever the column holds.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

/// The statement that inserts one row, with names and values quoted as the engine wants them.
///
/// `table` is a name as people write it: in PostgreSQL with its schema or without, for the search path to find; either
/// part may stand in double quotes.
pub fn insert(engine: &str, table: &str, values: &[(&str, SqlValue)]) -> Result<String, EngineError> {
    match engine {
        postgres::NAME => Ok(postgres::psql_script::insert(table, values)),
        sqlite::NAME => Ok(sqlite::sqlite3_script::insert(table, values)),
        other => Err(unknown(other)),
    }
}

/// A query that gives no row, and fails where a table or one of its columns is not there.
pub fn probe(engine: &str, table: &str, columns: &[&str]) -> Result<String, EngineError> {
    match engine {
        postgres::NAME => Ok(postgres::psql_script::probe(table, columns)),
        sqlite::NAME => Ok(sqlite::sqlite3_script::probe(table, columns)),
        other => Err(unknown(other)),
    }
}

/// Writes a database as a script, for the program that runs such scripts: `psql`, `sqlite3`.
///
/// A script is [`head`](Self::head), then the rows of tables in the order of [`rank`](Self::rank), then
/// [`tail`](Self::tail). Values come back exactly.
pub trait SqlText: Send + Sync {
    /// What comes before all rows.
    fn head(&self) -> String;

    /// When the rows of a table come: those of a lower rank before those of a higher. Nothing when they do not come
    /// at all.
    fn rank(&self, table: &Table) -> Option<u8>;

    /// What comes before the rows of a table.
    fn begin(&self, table: &Table) -> String;

    /// Adds the statements that put rows into a table.
    fn rows(&self, table: &Table, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), EngineError>;

    /// What comes after all rows.
    fn tail(&self) -> String;
}

/// What writes a database of this schema as a script; with its DDL, or rows alone for tables that are there.
pub fn script(schema: &Schema, with_ddl: bool) -> Result<Box<dyn SqlText>, EngineError> {
    match schema.engine.as_str() {
        postgres::NAME => Ok(Box::new(postgres::psql_script::Script::of(schema, with_ddl))),
        sqlite::NAME => Ok(Box::new(sqlite::sqlite3_script::Script::of(schema, with_ddl)?)),
        other => Err(unknown(other)),
    }
}

fn unknown(engine: &str) -> EngineError {
    EngineError::new(ErrorKind::Unsupported, format!("no SQL is known for a database of {engine}"))
}

/// How many rows one statement holds at most, and after how many bytes it holds no more.
const STATEMENT_ROWS: usize = 250;
const STATEMENT_BYTES: usize = 256 * 1024;

/// Writes rows as statements that each hold many: `before (…), (…);`.
pub(crate) fn statements(
    before: &str,
    rows: &RowBatch,
    out: &mut Vec<u8>,
    mut row: impl FnMut(usize, &mut Vec<u8>),
) {
    let mut begun = None;
    for number in 0..rows.rows() {
        match begun {
            Some((first, start))
                if number - first < STATEMENT_ROWS && out.len() - start < STATEMENT_BYTES =>
            {
                out.extend_from_slice(b",\n");
            }
            _ => {
                if begun.is_some() {
                    out.extend_from_slice(b";\n");
                }
                begun = Some((number, out.len()));
                out.extend_from_slice(before.as_bytes());
            }
        }
        out.push(b'(');
        row(number, out);
        out.push(b')');
    }
    if begun.is_some() {
        out.extend_from_slice(b";\n");
    }
}
