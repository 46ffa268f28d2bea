//! Rows of tables, and back.

use rowkeep::engine::{EngineError, ErrorKind};
use rowkeep::format::{RowBatch, Table, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Statement, params_from_iter};

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of a table, quoted.
pub(super) fn columns(table: &Table) -> String {
    table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

pub(super) fn value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real.to_bits()),
        ValueRef::Text(text) => Value::Text(text),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}

pub(super) fn stored(value: Value<'_>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Integer(integer) => ValueRef::Integer(integer),
        Value::Real(bits) => ValueRef::Real(f64::from_bits(bits)),
        Value::Text(text) => ValueRef::Text(text),
        Value::Blob(bytes) => ValueRef::Blob(bytes),
    })
}

pub(super) fn push(row: &Row<'_>, columns: usize, to: &mut RowBatch) {
    to.push_row((0..columns).map(|at| value(row.get_ref(at).expect("a value"))));
}

/// The rows of a table, some at a time.
pub(super) fn read(
    database: &Connection,
    table: &Table,
    each: &mut dyn FnMut(&RowBatch) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let sql = format!("SELECT {} FROM {}", columns(table), quoted(&table.name.name));
    let mut statement = database.prepare(&sql).map_err(|error| failed(ErrorKind::Other, &error))?;
    let mut rows = statement.query([]).map_err(|error| failed(ErrorKind::Other, &error))?;
    let mut batch = RowBatch::new(table.columns.len());
    while let Some(row) = rows.next().map_err(|error| failed(ErrorKind::Other, &error))? {
        push(row, table.columns.len(), &mut batch);
        if batch.bytes() >= RowBatch::TARGET_BYTES {
            each(&batch.take())?;
        }
    }
    each(&batch)
}

/// What puts rows into a table.
pub(super) fn inserting<'d>(database: &'d Connection, table: &Table) -> Result<Statement<'d>, EngineError> {
    let places = vec!["?"; table.columns.len()].join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({places})", quoted(&table.name.name), columns(table));
    database.prepare(&sql).map_err(|error| failed(ErrorKind::Other, &error))
}

pub(super) fn insert<'v>(
    statement: &mut Statement<'_>,
    values: impl Iterator<Item = Value<'v>>,
) -> Result<(), EngineError> {
    let inserted = statement.execute(params_from_iter(values.map(stored)));
    inserted.map(|_| ()).map_err(|error| failed(ErrorKind::Constraint, &error))
}

pub(super) fn failed(kind: ErrorKind, error: &rusqlite::Error) -> EngineError {
    EngineError::new(kind, error.to_string())
}
