//! Statements of a transaction on a server of PostgreSQL, prepared once.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use rowkeep::engine::postgres::OwnConnection;
use rowkeep::engine::{EngineError, ErrorKind};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::Statement;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::value::{Row, Value};

/// How long a statement may take: none of them waits for anybody. What takes longer, the connection takes for lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many are kept prepared; some hold lists of various lengths.
const PREPARED: usize = 300;

/// What was prepared on a connection, by the text and the types of its values.
pub(super) type Prepared = std::cell::RefCell<HashMap<(String, Vec<u8>), Statement>>;

/// The statements of one transaction.
pub(super) struct Statements<'c> {
    connection: &'c OwnConnection,
    prepared: &'c Prepared,
    runtime: Handle,
    /// Whether something was written.
    pub(super) has_written: Cell<bool>,
}

impl<'c> Statements<'c> {
    /// Those of a transaction that is open on a connection.
    pub(super) fn new(connection: &'c OwnConnection, prepared: &'c Prepared, runtime: Handle) -> Self {
        Self { connection, prepared, runtime, has_written: Cell::new(false) }
    }

    /// Changes rows, and gives how many.
    pub(super) fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, EngineError> {
        let statement = self.prepare(sql, values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let changed = self.waited_for(self.connection.client().execute(&statement, &values))?;
        if changed > 0 {
            self.has_written.set(true);
        }
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Reads rows.
    pub(super) fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, EngineError> {
        let statement = self.prepare(sql, values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.waited_for(self.connection.client().query(&statement, &values))?;
        rows.iter().map(row).collect()
    }

    /// Runs statements without values.
    pub(super) fn run(&self, sql: &str) -> Result<(), EngineError> {
        self.waited_for(self.connection.client().batch_execute(sql))
    }

    fn prepare(&self, sql: &str, values: &[Value]) -> Result<Statement, EngineError> {
        let key = (sql.to_owned(), values.iter().map(kind).collect::<Vec<u8>>());
        if let Some(known) = self.prepared.borrow().get(&key) {
            return Ok(known.clone());
        }
        let types: Vec<Type> = values.iter().map(type_of).collect();
        let numbered = numbered(sql);
        let statement = self.waited_for(self.connection.client().prepare_typed(&numbered, &types))?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= PREPARED {
            prepared.clear();
        }
        prepared.insert(key, statement.clone());
        Ok(statement)
    }

    fn waited_for<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, EngineError> {
        let waited = self.runtime.block_on(async { timeout(PATIENCE, work).await });
        match waited {
            Ok(done) => done.map_err(|error| self.connection.failed("a statement failed", error)),
            Err(_) => {
                self.connection.cut();
                Err(EngineError::new(
                    ErrorKind::Unreachable,
                    format!("the server has not answered for {} seconds", PATIENCE.as_secs()),
                ))
            }
        }
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Integer(_) => b'i',
        Value::Real(_) => b'r',
        Value::Text(_) => b't',
        Value::Blob(_) => b'b',
    }
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::Integer(_) => Type::INT8,
        Value::Real(_) => Type::FLOAT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

/// A statement as PostgreSQL writes it: `$1` for `?1`. None of ours has a `?` in a text.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Integer(number) => number.to_sql(ty, out),
            Value::Real(number) => number.to_sql(ty, out),
            Value::Text(text) => text.to_sql(ty, out),
            Value::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

/// A row as the server gives it.
fn row(row: &tokio_postgres::Row) -> Result<Row, EngineError> {
    let value = |column: usize| {
        let of = row.columns()[column].type_();
        let value = match *of {
            Type::BOOL => {
                row.try_get::<_, Option<bool>>(column).map(|truth| Value::Integer(truth.map(i64::from)))
            }
            Type::INT4 => {
                row.try_get::<_, Option<i32>>(column).map(|number| Value::Integer(number.map(i64::from)))
            }
            Type::INT8 => row.try_get(column).map(Value::Integer),
            Type::FLOAT8 => row.try_get(column).map(Value::Real),
            Type::BYTEA => row.try_get(column).map(Value::Blob),
            _ => row.try_get(column).map(Value::Text),
        };
        value.map_err(|error| {
            EngineError::new(ErrorKind::Other, format!("a column of type {of} cannot be read"))
                .with_source(error)
        })
    };
    Ok(Row((0..row.len()).map(value).collect::<Result<_, _>>()?))
}
