//! Making tables, indexes, views and triggers as they were, to the letter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rowkeep_format::{Schema, Table};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use rusqlite::{Connection, Error, ErrorCode};

use super::ddl::{DATABASE, ENGINE, POST_DATA, PRE_DATA};
use super::entries::{Entries, SEQUENCES};
use super::relaxed::{is_own_collation, made_again, plain};
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::{failure, when, words};
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind, LeftOut};

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
    gives_null: GivesNull,
    /// Whether tables have their rows by now, so that one without any is empty.
    is_filled: bool,
}

/// Whether functions that only the application has give NULL; they fail otherwise.
pub(crate) type GivesNull = Arc<AtomicBool>;

impl Maker {
    /// One for a database that is filled between tables and indexes, whose functions for those of the application do as is said.
    pub(crate) fn new(gives_null: &GivesNull) -> Self {
        Self { gives_null: Arc::clone(gives_null), is_filled: true, ..Self::default() }
    }

    /// Creates a table, so that it has the same SQL as before.
    ///
    /// A virtual table gets nothing but its definition: what it keeps is in tables beside it, which are restored as they
    /// were. So its module need not even be known.
    ///
    /// The table can be used once [`finish`](Self::finish) was called. Where SQLite refuses it, and it is given as `plain`, it is made
    /// of the columns alone that its rows have, which is told.
    pub(crate) fn create_table(
        &mut self,
        connection: &Connection,
        object: &Object,
        plainly: Option<&Table>,
    ) -> Result<Option<LeftOut>, EngineError> {
        let named = || format!("creating table {}", object.name);
        if !object.stored {
            self.set_aside(connection).map_err(when(named()))?;
            self.entries.define(object);
            return Ok(None);
        }
        let mut made = object.clone();
        let (mut left_out, mut last) = (None, None);
        // That comes with the first AUTOINCREMENT.
        if object.name != SEQUENCES || !is_known(connection, SEQUENCES).map_err(when(named()))? {
            while let Err(error) = run(connection, &made.sql) {
                match (missing_function(&error), plainly) {
                    (Some(name), _) if last.as_ref() != Some(&name) => {
                        stand_in(connection, &name, &self.gives_null).map_err(when(named()))?;
                        last = Some(name);
                    }
                    (_, Some(table)) if left_out.is_none() && may_be_left_out(&error) => {
                        made.sql = plain(table);
                        left_out = Some(LeftOut {
                            statement: object.sql.clone(),
                            why: words(&error),
                            instead: Some(made.sql.clone()),
                            later: made_again(table, &object.sql, false),
                        });
                    }
                    _ => return Err(failure(named(), &error)),
                }
            }
        }
        self.created.push(made);
        if self.created.len() >= TABLES_AT_ONCE {
            self.forget(connection).map_err(when(named()))?;
        }
        Ok(left_out)
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

    /// Creates an index, view or trigger. An index that cannot be created is left out and told.
    pub(crate) fn create_after(
        &mut self,
        connection: &Connection,
        object: &Object,
    ) -> Result<Option<LeftOut>, EngineError> {
        let named = || format!("creating {} {}", object.kind, object.name);
        self.set_aside(connection).map_err(when(named()))?;
        if !object.stored {
            self.entries.define(object);
            return Ok(None);
        }
        let left_out = |why: String| {
            let (statement, later) = (object.sql.clone(), format!("{};", object.sql));
            Ok(Some(LeftOut { statement, why, instead: None, later }))
        };
        match run(connection, &object.sql) {
            Ok(()) => {}
            Err(error) if may_be_left_out(&error) => return left_out(words(&error)),
            Err(error) => return Err(failure(named(), &error)),
        }
        if let Some(collation) = foreign_collation(connection, &object.table).map_err(when(named()))?
            && !(self.is_filled && is_empty(connection, &object.table).map_err(when(named()))?)
        {
            self.finish(connection)?;
            let drop = format!("DROP INDEX main.{}", quoted(&object.name));
            run(connection, &drop).map_err(when(named()))?;
            return left_out(format!("it is in the order of {collation}, which only its application knows"));
        }
        self.entries.take(connection).map_err(when(named()))?;
        self.entries.keep_sql(object);
        Ok(None)
    }

    /// The same, with words for what is left out.
    pub(crate) fn create_after_or_note(
        &mut self,
        connection: &Connection,
        object: &Object,
    ) -> Result<Option<String>, EngineError> {
        let left_out = self.create_after(connection, object)?;
        Ok(left_out.map(|left_out| note(object, &left_out.why)))
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

/// Words for an index that is left out.
pub(crate) fn note(index: &Object, why: &str) -> String {
    let Object { name, table, sql, .. } = index;
    format!("index {name} of table {table} was left out: {why}; its definition is: {sql}")
}

/// Has SQLite read `sqlite_schema` instead of what it knows of it.
pub(crate) fn read_schema_again(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA writable_schema = RESET; PRAGMA writable_schema = ON")
}

/// Whether SQLite knows a table.
fn is_known(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main'))";
    connection.query_row(sql, [table], |row| row.get(0))
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare(sql)?.raw_execute().map(|_| ())
}

/// A collation that SQLite does not have itself, in an index of a table.
pub(crate) fn foreign_collation(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT x.coll FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x WHERE x.key";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let collation: Option<String> = row.get(0)?;
        if let Some(collation) = collation.filter(|collation| !is_own_collation(collation)) {
            return Ok(Some(collation));
        }
    }
    Ok(None)
}

fn is_empty(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM main.{} NOT INDEXED)", quoted(table));
    connection.query_row(&sql, [], |row| row.get(0))
}

/// The words with which a [`stand_in`] refuses.
pub(crate) const STAND_IN: &str = "only its application has the function";

/// Takes the place of a function that only the application has, so that tables whose definition names it can be made.
///
/// `CHECK` constraints are not evaluated while rows are put back; whatever else calls the function fails, or gets NULL.
fn stand_in(connection: &Connection, name: &str, gives_null: &GivesNull) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let message = format!("{STAND_IN} {name}");
    let gives_null = Arc::clone(gives_null);
    connection.create_scalar_function(name, -1, flags, move |_| match gives_null.load(Ordering::Relaxed) {
        true => Ok(Null),
        false => Err(Error::UserFunctionError(message.clone().into())),
    })
}

/// The function that is not there, or not with so many arguments.
fn missing_function(error: &Error) -> Option<String> {
    let words = words(error);
    let other = || words.strip_prefix("wrong number of arguments to function ")?.strip_suffix("()");
    words.strip_prefix("no such function: ").or_else(other).map(str::to_owned)
}

/// Whether an index failed for what it is, rather than for a full disk or the like.
fn may_be_left_out(error: &Error) -> bool {
    matches!(error, Error::SqlInputError { .. })
        || matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation))
}
