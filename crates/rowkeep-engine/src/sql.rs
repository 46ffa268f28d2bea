//! SQL in the words of each engine, for what is not done over a connection: single statements, and whole databases as
//! scripts.

use rowkeep_format::Schema;

pub use crate::sql_text::{Program, SqlText, SqlValue};
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

/// What writes a database of this schema as a script for a program, or for the engine's own; with its DDL, or rows alone for tables
/// that are there.
pub fn script(
    schema: &Schema,
    with_ddl: bool,
    program: Option<Program>,
) -> Result<Box<dyn SqlText>, EngineError> {
    let engine = schema.engine.as_str();
    if let Some(program) = program
        && !program.loads(engine)
    {
        let message = format!("a database of {engine} is not written for {}", program.name());
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    match (engine, program) {
        (postgres::NAME, _) => Ok(Box::new(postgres::psql_script::Script::of(schema, with_ddl))),
        (sqlite::NAME, Some(Program::D1)) => Ok(Box::new(sqlite::d1_script::Script::of(schema, with_ddl)?)),
        (sqlite::NAME, _) => Ok(Box::new(sqlite::sqlite3_script::Script::of(schema, with_ddl)?)),
        (other, _) => Err(unknown(other)),
    }
}

fn unknown(engine: &str) -> EngineError {
    EngineError::new(ErrorKind::Unsupported, format!("no SQL is known for a database of {engine}"))
}
