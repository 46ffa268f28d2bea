//! A database while it is being made.

use std::path::{Path, PathBuf};

use rowkeep_format::{RowBatch, Schema, Table, TableName, Value};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::contents::contents;
use super::filling::{Filling, Told};
use super::replace;
use super::unfinished_file::Unfinished;
use crate::sqlite::catalog::properties::{SETTINGS, SETTINGS_TABLE};
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::collations;
use crate::sqlite::connect::connection::refuse_special;
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::connect::patience::Patience;
use crate::sqlite::schema::definitions::{Definitions, GivesNull, Maker, note};
use crate::{Contents, CreateOptions, EngineError, ErrorKind, Finished, LeftOut};

/// What SQLite keeps of the new file's pages.
const CACHE_KIB: u32 = 32 * 1024;

/// How many columns a table may have in the SQLite of others.
const MOST_COLUMNS: i32 = 2000;

/// The table of the highest keys that AUTOINCREMENT has given. Inserting rows changes it.
const SEQUENCES: &str = "sqlite_sequence";

/// All of a database that is being made.
pub(crate) struct NewDatabase {
    /// Closed before the file is removed.
    connection: Connection,
    unfinished: Unfinished,
    path: PathBuf,
    patience: Patience,
    definitions: Definitions,
    /// Rows of [`SEQUENCES`], which come last.
    sequences: Option<(Table, Vec<RowBatch>)>,
    settings: Vec<RowBatch>,
    destination: Destination,
    all_tables: bool,
    told: Told,
    /// Whether an index that is left out is no more than a note.
    notes_indexes: bool,
    gives_null: GivesNull,
    /// The permissions of a file that is new.
    mode: Option<u32>,
}

/// What is to become of what is there.
enum Destination {
    /// There is no file.
    New,
    /// There is a file with nothing in it, which the new one takes the place of.
    Empty,
    /// The content of the new file goes into the file that is there.
    Occupied,
}

impl NewDatabase {
    /// Begins a database with empty tables where there is none.
    pub(crate) fn begin(
        path: PathBuf,
        schema: &Schema,
        options: &CreateOptions,
        patience: &Patience,
        interrupt: &Interrupt,
    ) -> Result<Self, EngineError> {
        let definitions = Definitions::of(schema)?;
        refuse_occupied(&path, patience)?;
        let destination = if path.exists() { Destination::Empty } else { Destination::New };
        Self::begin_in(destination, path, schema, definitions, options, patience, interrupt)
    }

    /// Begins a database with empty tables, which is to take the place of what there is.
    pub(crate) fn begin_again(
        path: PathBuf,
        schema: &Schema,
        options: &CreateOptions,
        patience: &Patience,
        interrupt: &Interrupt,
    ) -> Result<Self, EngineError> {
        let mut definitions = Definitions::of(schema)?;
        refuse_special(&path)?;
        if !path.exists() {
            return Self::begin(path, schema, options, patience, interrupt);
        }
        definitions.properties.page_size = replace::page_size(&path, patience, &definitions.properties)?;
        Self::begin_in(Destination::Occupied, path, schema, definitions, options, patience, interrupt)
    }

    fn begin_in(
        destination: Destination,
        path: PathBuf,
        schema: &Schema,
        definitions: Definitions,
        options: &CreateOptions,
        patience: &Patience,
        interrupt: &Interrupt,
    ) -> Result<Self, EngineError> {
        let unfinished = Unfinished::begin(&path)?;
        let connection =
            connect(unfinished.path(), &definitions).map_err(when(unfinished.path().display()))?;
        if !definitions.before.iter().any(|object| object.stored) {
            // SQLite notes the encoding of a database when it makes a table. What is only entered would be read in another.
            let first = "CREATE TABLE main.rowkeep_first (a); DROP TABLE main.rowkeep_first";
            connection.execute_batch(first).map_err(when(unfinished.path().display()))?;
        }
        let (gives_null, mut told) =
            (GivesNull::default(), Told { leaves_out: options.leaves_out, ..Told::default() });
        let mut maker = Maker::new(&gives_null);
        let by_name = schema.by_name();
        let limit = |columns| {
            connection
                .set_limit(Limit::SQLITE_LIMIT_COLUMN, columns)
                .map_err(when(unfinished.path().display()))
        };
        let most = limit(MOST_COLUMNS)?;
        for object in &definitions.before {
            interrupt.check()?;
            let plainly = by_name.get(&TableName::plain(&object.name)).filter(|_| options.leaves_out);
            told.left_out.extend(maker.create_table(&connection, object, plainly.copied())?);
        }
        limit(most)?;
        maker.finish(&connection)?;
        let is_replaced = matches!(destination, Destination::Occupied);
        Ok(Self {
            connection,
            unfinished,
            destination,
            path,
            patience: patience.clone(),
            definitions,
            sequences: None,
            settings: Vec::new(),
            all_tables: options.loaded.is_none(),
            told,
            notes_indexes: options.is_scratch || options.is_translated || is_replaced,
            gives_null,
            mode: options.file_mode,
        })
    }

    /// Begins to put rows into a table.
    pub(crate) fn loading<'m>(&'m mut self, table: &'m Table) -> Result<TableLoad<'m>, EngineError> {
        let utf16 = self.definitions.properties.utf16();
        let into = match table.name.name.as_str() {
            SETTINGS_TABLE => Into::Kept(&mut self.settings),
            SEQUENCES => Into::Kept(&mut self.sequences.insert((table.clone(), Vec::new())).1),
            _ => Into::Table(Box::new(Filling::begin(
                &self.connection,
                table,
                utf16,
                &self.gives_null,
                &mut self.told,
            )?)),
        };
        Ok(TableLoad { into, table })
    }

    /// Creates what comes after rows, and gives the database its name, unless it is to stop before that. Returns what is not
    /// as it was.
    pub(crate) fn finish(mut self, interrupt: &Interrupt) -> Result<Finished, EngineError> {
        interrupt.interrupt(&mut self.connection).map_err(when(self.unfinished.path().display()))?;
        self.create_after(interrupt)?;
        self.set_sequences()?;
        let named = || self.unfinished.path().display().to_string();
        for (name, value) in self.settings.iter().flat_map(settings) {
            self.connection.pragma_update(None, name, value).map_err(when(named()))?;
        }
        self.connection.execute_batch("COMMIT").map_err(when(named()))?;
        self.connection.close().map_err(|(_, error)| failure(named(), &error))?;

        let again = Connection::open_with_flags(self.unfinished.path(), OpenFlags::SQLITE_OPEN_READ_WRITE);
        let again = again.map_err(when(named()))?;
        let replace = matches!(self.destination, Destination::Occupied);
        let wal = self.definitions.properties.journal == "wal";
        let Told { mut notes, left_out, .. } = self.told;
        notes.extend(last_look(&again, wal && !replace, self.all_tables).map_err(when(named()))?);
        interrupt.check()?;
        if replace {
            let (path, patience, wanted) = (&self.path, &self.patience, &self.definitions.properties);
            notes.extend(replace::put_into(&again, path, patience, wanted, interrupt)?);
            // What is left of the new file is removed.
            drop(again);
        } else {
            again.close().map_err(|(_, error)| failure(named(), &error))?;
            refuse_occupied(&self.path, &self.patience)?;
            interrupt.check()?;
            let is_there = matches!(self.destination, Destination::Empty);
            notes.extend(self.unfinished.publish(is_there, self.mode)?);
        }
        Ok(Finished { notes, left_out, lacking: Vec::new() })
    }

    /// Creates indexes, views and triggers, all that can be.
    fn create_after(&mut self, interrupt: &Interrupt) -> Result<(), EngineError> {
        let mut maker = Maker::new(&self.gives_null);
        for object in &self.definitions.after {
            interrupt.check()?;
            match maker.create_after(&self.connection, object)? {
                Some(left_out) if self.told.leaves_out => self.told.left_out.push(left_out),
                Some(LeftOut { why, .. }) if !self.notes_indexes => {
                    let message = format!("creating {} {}: {why}", object.kind, object.name);
                    return Err(EngineError::new(ErrorKind::Unsupported, message));
                }
                Some(LeftOut { why, .. }) => self.told.notes.push(note(object, &why)),
                // Who makes the table again makes all again that goes with it.
                None => {
                    let made = |left_out: &&mut LeftOut| {
                        let of =
                            |table: &Object| table.name == object.table && table.sql == left_out.statement;
                        left_out.later.contains("DROP TABLE") && self.definitions.before.iter().any(of)
                    };
                    if let Some(table) = self.told.left_out.iter_mut().find(made) {
                        table.later += &format!("\n{};", object.sql);
                    }
                }
            }
        }
        maker.finish(&self.connection)
    }

    fn set_sequences(&mut self) -> Result<(), EngineError> {
        let Some((table, batches)) = &self.sequences else { return Ok(()) };
        let sql = format!("DELETE FROM main.{SEQUENCES}");
        self.connection.execute_batch(&sql).map_err(when(format!("filling table {SEQUENCES}")))?;
        let utf16 = self.definitions.properties.utf16();
        let mut filling = Filling::begin(&self.connection, table, utf16, &self.gives_null, &mut self.told)?;
        batches.iter().try_for_each(|batch| filling.add(batch))?;
        filling.end()
    }
}

/// A table that is being filled.
pub(crate) struct TableLoad<'m> {
    into: Into<'m>,
    table: &'m Table,
}

enum Into<'m> {
    Table(Box<Filling<'m>>),
    /// Rows that are few and come last.
    Kept(&'m mut Vec<RowBatch>),
}

impl TableLoad<'_> {
    /// Adds rows.
    pub(crate) fn add(&mut self, batch: RowBatch) -> Result<(), EngineError> {
        if batch.columns().len() != self.table.columns.len() {
            let message =
                format!("filling table {}: rows of {} values", self.table.name, batch.columns().len());
            return Err(EngineError::new(ErrorKind::Other, message));
        }
        match &mut self.into {
            Into::Kept(batches) => batches.push(batch),
            Into::Table(filling) => filling.add(&batch)?,
        }
        Ok(())
    }

    /// Ends it: these were all rows.
    pub(crate) fn end(self) -> Result<(), EngineError> {
        match self.into {
            Into::Kept(_) => Ok(()),
            Into::Table(filling) => filling.end(),
        }
    }
}

fn refuse_occupied(path: &Path, patience: &Patience) -> Result<(), EngineError> {
    let Contents::Occupied(names) = contents(path, patience)? else { return Ok(()) };
    Err(EngineError::new(
        ErrorKind::NotEmpty,
        format!("{} is not empty, it holds {}", path.display(), names.join(", ")),
    ))
}

/// Opens the new file and begins the one transaction in which everything happens.
///
/// A crash costs the file anyway, so nothing is synchronized before the end. The journal is in memory, and stays small as
/// there was no page before; without any, a statement that fails would leave the half of what it did.
fn connect(path: &Path, definitions: &Definitions) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    definitions.properties.set(&connection)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA ignore_check_constraints = ON; PRAGMA writable_schema = ON;"
    ))?;
    collations::stand_in(&connection)?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

/// The settings in rows of the table of settings, as pragmas and their values.
fn settings(batch: &RowBatch) -> impl Iterator<Item = (&'static str, i64)> + '_ {
    (0..batch.rows()).filter_map(|row| match (batch.value(row, 0), batch.value(row, 1)) {
        (Value::Text(name), Value::Integer(value)) => {
            let known = SETTINGS.into_iter().find(|known| known.as_bytes() == name)?;
            Some((known, value))
        }
        _ => None,
    })
}

/// Opens the finished schema anew, as its application will, and sets the journal mode. When not all tables were loaded, says
/// which references lead nowhere for that reason.
fn last_look(connection: &Connection, wal: bool, all_tables: bool) -> rusqlite::Result<Vec<String>> {
    connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?;
    if wal {
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    }
    if all_tables {
        return Ok(Vec::new());
    }
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2";
    let mut statement = connection.prepare(sql)?;
    let notes = statement.query_map([], |row| {
        let (table, parent, rows): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!("{rows} rows of table {table} refer to rows of {parent} that are not there"))
    })?;
    notes.collect()
}
