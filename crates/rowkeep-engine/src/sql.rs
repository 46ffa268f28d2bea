//! SQL in the words of each engine, for what is not done over a connection: single statements, and whole databases as
//! scripts.

use rowkeep_format::Schema;

pub use crate::sql_text::{SqlText, SqlValue};
use crate::{EngineError, ErrorKind, postgres, sqlite};

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
