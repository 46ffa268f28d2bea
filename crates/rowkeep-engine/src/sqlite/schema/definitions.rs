//! Making tables, indexes, views and triggers as they were, to the letter.

use rowkeep_format::Schema;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Error, ErrorCode};

use super::ddl::{DATABASE, ENGINE, POST_DATA, PRE_DATA};
use super::entries::{Entries, SEQUENCES};
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::{failure, when, words};
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// The DDL of a schema, taken apart.
pub(crate) struct Definitions {
    pub(crate) properties: Properties,
    pub(crate) before: Vec<Object>,
    pub(crate) after: Vec<Object>,
}

impl Definitions {
    pub(crate) fn of(schema: &Schema) -> Result<Self, EngineError> {
        if schema.engine != ENGINE {
            let message = format!("a database of {} cannot be made in SQLite", schema.engine);
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        if schema.ddl.is_empty() {
            let message =
                "without the definitions of its tables no database can be made, only rows put into one";
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        Ok(Self {
            properties: part(schema, DATABASE)?,
            before: part(schema, PRE_DATA)?,
            after: part(schema, POST_DATA)?,
        })
    }
}

fn part<T: serde::de::DeserializeOwned>(schema: &Schema, part: &str) -> Result<T, EngineError> {
    serde_json::from_str(schema.ddl(part)).map_err(|error| {
        let message = format!(
            "the definitions ({part}) of an SQLite database are not in a form that this version knows"
        );
        EngineError::new(ErrorKind::Unsupported, message).with_source(error)
    })
}

/// How many tables are created before SQLite forgets them until all are there.
const TABLES_AT_ONCE: usize = 200;

/// Makes the objects of a database that holds none.
///
/// With each table that it creates SQLite goes through all that it knows, in the file and in memory, so creating thousands
/// would take time with the square of their number. So it is made to forget them, some hundred at a time.
#[derive(Debug, Default)]
pub(crate) struct Maker {
    entries: Entries,
    /// Tables that SQLite still knows.
    created: Vec<Object>,
    has_forgotten: bool,
}

impl Maker {
    /// Creates a table, so that it has the same SQL as before.
    ///
    /// A virtual table gets nothing but its definition: what it keeps is in tables beside it, which are restored as they
    /// were. So its module need not even be known.
    ///
    /// The table can be used once [`finish`](Self::finish) was called.
    pub(crate) fn create_table(
        &mut self,
        connection: &Connection,
        object: &Object,
    ) -> Result<(), EngineError> {
        let named = || format!("creating table {}", object.name);
        if !object.stored {
            self.set_aside(connection).map_err(when(named()))?;
            self.entries.define(object);
            return Ok(());
        }
        // That comes with the first AUTOINCREMENT.
        if object.name != SEQUENCES || !is_known(connection, SEQUENCES).map_err(when(named()))? {
            loop {
                match run(connection, &object.sql) {
                    Ok(()) => break,
                    Err(error) => match missing_function(&error) {
                        Some(name) => stand_in(connection, &name).map_err(when(named()))?,
                        None => return Err(failure(named(), &error)),
                    },
                }
            }
        }
        self.created.push(object.clone());
        if let Some(collation) = foreign_collation(connection, &object.name).map_err(when(named()))? {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                format!(
                    "{}: a key of it is in the order of {collation}, which only its application knows",
                    named()
                ),
            ));
        }
        if self.created.len() >= TABLES_AT_ONCE {
            self.forget(connection).map_err(when(named()))?;
        }
        Ok(())
    }

    /// Takes what was created out of `sqlite_schema`.
    fn set_aside(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.entries.take(connection)?;
        for object in self.created.drain(..) {
            self.entries.keep_sql(&object);
        }
        Ok(())
    }

    /// Has SQLite forget the tables that were created.
    fn forget(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.set_aside(connection)?;
        self.entries.put_back_sequences(connection)?;
        self.has_forgotten = true;
        read_schema_again(connection)
    }

    /// Creates an index, view or trigger. What cannot be created is left out and said.
    pub(crate) fn create_after(
        &mut self,
        connection: &Connection,
        object: &Object,
    ) -> Result<Option<String>, EngineError> {
        let named = || format!("creating {} {}", object.kind, object.name);
        self.set_aside(connection).map_err(when(named()))?;
        if !object.stored {
            self.entries.define(object);
            return Ok(None);
        }
        let left_out = |why: String| {
            Ok(Some(format!(
                "index {} of table {} was left out: {why}; its definition is: {}",
                object.name, object.table, object.sql
            )))
        };
        match run(connection, &object.sql) {
            Ok(()) => {}
            Err(error) if may_be_left_out(&error) => return left_out(words(&error)),
            Err(error) => return Err(failure(named(), &error)),
        }
        if let Some(collation) = foreign_collation(connection, &object.table).map_err(when(named()))? {
            self.finish(connection)?;
            let drop = format!("DROP INDEX main.{}", quoted(&object.name));
            run(connection, &drop).map_err(when(named()))?;
            return left_out(format!("it is in the order of {collation}, which only its application knows"));
        }
        self.entries.take(connection).map_err(when(named()))?;
        self.entries.keep_sql(object);
        Ok(None)
    }

    /// Enters everything that was created into `sqlite_schema`.
    pub(crate) fn finish(&mut self, connection: &Connection) -> Result<(), EngineError> {
        let mut finish = || -> rusqlite::Result<()> {
            self.set_aside(connection)?;
            self.entries.put_back(connection)?;
            if std::mem::take(&mut self.has_forgotten) { read_schema_again(connection) } else { Ok(()) }
        };
        finish().map_err(when("writing the schema"))
    }
}

/// Has SQLite read `sqlite_schema` instead of what it knows of it.
fn read_schema_again(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA writable_schema = RESET; PRAGMA writable_schema = ON")
}

/// Whether SQLite knows a table.
pub(super) fn is_known(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main'))";
    connection.query_row(sql, [table], |row| row.get(0))
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare(sql)?.raw_execute().map(|_| ())
}

/// A collation that SQLite does not have itself, in an index of a table.
fn foreign_collation(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT x.coll FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
               WHERE x.key AND upper(x.coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM')";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([table])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// The words with which a [`stand_in`] refuses.
pub(crate) const STAND_IN: &str = "only its application has the function";

/// Takes the place of a function that only the application has, so that tables whose definition names it can be made.
///
/// `CHECK` constraints are not evaluated while rows are put back; whatever else calls the function fails.
fn stand_in(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let message = format!("{STAND_IN} {name}");
    connection.create_scalar_function(name, -1, flags, move |_| -> rusqlite::Result<i64> {
        Err(Error::UserFunctionError(message.clone().into()))
    })
}

fn missing_function(error: &Error) -> Option<String> {
    words(error).strip_prefix("no such function: ").map(str::to_owned)
}

/// Whether an index failed for what it is, rather than for a full disk or the like.
fn may_be_left_out(error: &Error) -> bool {
    matches!(error, Error::SqlInputError { .. })
        || matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation))
}
