//! A transaction of the state, in SQLite or in PostgreSQL: the same statements for both.
//!
//! They are written in what both understand: `?1` for values, `CASE` for what is true, `IS NOT DISTINCT FROM`, conflicts with their columns
//! named, texts compared byte by byte.

use std::cell::Cell;

use super::failure::{Failure, Result};
use super::statements::Statements;
use super::value::{Row, Value};

/// A transaction that is open.
pub(crate) struct Transaction<'t> {
    on: On<'t>,
    has_changed: Cell<bool>,
}

/// What it is of.
enum On<'t> {
    Sqlite(&'t rusqlite::Connection),
    Postgres(&'t Statements<'t>),
}

impl<'t> Transaction<'t> {
    /// One that is open on a connection of SQLite.
    pub(crate) fn of_sqlite(connection: &'t rusqlite::Connection) -> Self {
        Self { on: On::Sqlite(connection), has_changed: Cell::new(false) }
    }

    /// One that is open on a server.
    pub(super) fn of_postgres(statements: &'t Statements<'t>) -> Self {
        Self { on: On::Postgres(statements), has_changed: Cell::new(false) }
    }

    /// Whether it has changed rows so far.
    pub(super) fn has_changed(&self) -> bool {
        self.has_changed.get()
    }

    /// Changes rows, and gives how many.
    pub(crate) fn execute(&self, sql: &str, values: &[Value]) -> Result<usize> {
        let count = match &self.on {
            On::Sqlite(connection) => {
                let values = values.iter().map(bound);
                connection.prepare(sql)?.execute(rusqlite::params_from_iter(values))?
            }
            On::Postgres(statements) => statements.execute(sql, values)?,
        };
        if count > 0 {
            self.has_changed.set(true);
        }
        Ok(count)
    }

    /// Reads rows.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        values: &[Value],
        mut read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.on {
            On::Sqlite(connection) => {
                let mut statement = connection.prepare(sql)?;
                let columns = statement.column_count();
                let values = values.iter().map(bound);
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(read(&row_of_sqlite(row, columns)?)?);
                }
                Ok(found)
            }
            On::Postgres(statements) => statements.query(sql, values)?.iter().map(read).collect(),
        }
    }

    /// Reads a row that has to be there.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<T> {
        self.query_optional(sql, values, read)?.ok_or(Failure::NoRow)
    }

    /// Reads a row that may not be there.
    pub(crate) fn query_optional<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.query(sql, values, read)?.into_iter().next())
    }
}

fn bound(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Bound;
    match value {
        Value::Integer(number) => number.map_or(Bound::Null, Bound::Integer),
        Value::Real(number) => number.map_or(Bound::Null, Bound::Real),
        Value::Text(text) => text.clone().map_or(Bound::Null, Bound::Text),
        Value::Blob(bytes) => bytes.clone().map_or(Bound::Null, Bound::Blob),
    }
}

/// A row as SQLite gives it.
pub(super) fn row_of_sqlite(row: &rusqlite::Row<'_>, columns: usize) -> Result<Row> {
    use rusqlite::types::ValueRef;
    let value = |column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Value::Text(None),
            ValueRef::Integer(number) => Value::Integer(Some(number)),
            ValueRef::Real(number) => Value::Real(Some(number)),
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| Failure::Value { column })?;
                Value::Text(Some(text.to_owned()))
            }
            ValueRef::Blob(bytes) => Value::Blob(Some(bytes.to_vec())),
        })
    };
    Ok(Row((0..columns).map(value).collect::<Result<_>>()?))
}
