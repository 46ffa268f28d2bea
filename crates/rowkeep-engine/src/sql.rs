//! SQL in the words of each engine, for what is not done over a connection: single statements, and whole databases as
//! scripts.

use rowkeep_format::Schema;

use crate::connect::dialect_of;
pub use crate::sql_text::{Program, SqlText, SqlValue};
use crate::{EngineError, ErrorKind};

/// The statement that inserts one row, with names and values quoted as the engine wants them.
///
/// `table` is a name as people write it: where tables are in schemas with its schema or without, for the search path to find;
/// either part may stand in double quotes.
pub fn insert(engine: &str, table: &str, values: &[(&str, SqlValue)]) -> Result<String, EngineError> {
    dialect_of(engine)?.insert(table, values)
}

/// A query that gives no row, and fails where a table or one of its columns is not there.
pub fn probe(engine: &str, table: &str, columns: &[&str]) -> Result<String, EngineError> {
    dialect_of(engine)?.probe(table, columns)
}

/// What writes a database of this schema as a script for a program, or for the engine's own; with its DDL, or rows alone for tables
/// that are there.
pub fn script(
    schema: &Schema,
    with_ddl: bool,
    program: Option<Program>,
) -> Result<Box<dyn SqlText>, EngineError> {
    let dialect = dialect_of(&schema.engine)?;
    if let Some(program) = program
        && !dialect.is_loaded_by(program)
    {
        let message = format!("a database of {} is not written for {}", schema.engine, program.name());
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    dialect.script(schema, with_ddl, program)
}
