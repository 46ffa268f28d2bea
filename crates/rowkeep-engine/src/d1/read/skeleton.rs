//! A database like that which is read, in a temporary file: first without rows.

use std::path::Path;
use std::sync::Arc;

use rowkeep_format::{Identity, RowBatch};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::table::ReadTable;
use crate::file_source::FileOptions;
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::{Object, tables};
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::dump_file::{Said, Scratch, ScratchFile};
use crate::sqlite::full_text::FullText;
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::definitions::Maker;
use crate::sqlite::schema::readable_tables::readable_tables;
use crate::{EngineError, View};

/// The table of the highest keys that AUTOINCREMENT has given. Inserting rows changes it.
const SEQUENCES: &str = "sqlite_sequence";

/// Such a database with its tables, and what else it has.
pub(crate) struct Skeleton {
    scratch: Scratch,
    pub(crate) tables: Arc<[ReadTable]>,
    after: Vec<Object>,
}

/// What is done to it.
pub(crate) enum Step {
    /// A table is read again.
    Clear(usize),
    /// Rows of a table.
    Rows(usize, RowBatch),
    /// Everything was read. Without it the reading has ended early.
    End,
}

impl Skeleton {
    /// Makes the tables; blocks.
    pub(crate) fn make(objects: &[Object], temporary: Option<&Path>) -> Result<Self, EngineError> {
        let scratch = Scratch::new(temporary)?;
        let connection = scratch.connection();
        connection
            .execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA writable_schema = ON; BEGIN;")
            .map_err(when("making a temporary copy"))?;
        let (before, after): (Vec<&Object>, Vec<&Object>) =
            objects.iter().partition(|object| object.kind == "table");
        let mut maker = Maker::default();
        for object in &before {
            maker.create_table(connection, object, None)?;
        }
        maker.finish(connection)?;
        let facts = tables(connection, objects)?;
        let readable = readable_tables(&facts, &Properties::default());
        let tables =
            readable.iter().zip(&facts).map(|(readable, facts)| ReadTable::of(&readable.table, facts));
        let tables: Arc<[ReadTable]> = tables.collect();
        let after = after.into_iter().cloned().collect();
        Ok(Self { scratch, tables, after })
    }

    /// Puts rows into it as they come, until all were read, and counts those that each table has then; nothing when they ended
    /// early. Blocks.
    ///
    /// A row that was read twice, for it moved between two pages, is there once.
    pub(crate) fn fill(&self, mut steps: mpsc::Receiver<Step>) -> Result<Option<Vec<u64>>, EngineError> {
        let connection = self.scratch.connection();
        let mut insert: Option<(usize, Statement<'_>)> = None;
        let mut sequences = Vec::new();
        let mut stored = vec![0; self.tables.len()];
        while let Some(step) = steps.blocking_recv() {
            match step {
                Step::Clear(at) => {
                    insert = None;
                    stored[at] = 0;
                    match self.is_sequences(at) {
                        true => sequences.clear(),
                        false => clear(connection, &self.tables[at])?,
                    }
                }
                Step::Rows(at, batch) if self.is_sequences(at) => sequences.push(batch),
                Step::Rows(at, batch) => {
                    let statement = match &mut insert {
                        Some((prepared, statement)) if *prepared == at => statement,
                        other => {
                            *other = None;
                            let statement = prepare(connection, &self.tables[at])?;
                            &mut other.insert((at, statement)).1
                        }
                    };
                    stored[at] += add(connection, statement, &self.tables[at], &batch)?;
                }
                Step::End => {
                    drop(insert);
                    if let Some(at) = (0..self.tables.len()).find(|at| self.is_sequences(*at)) {
                        stored[at] = set_sequences(connection, &self.tables[at], &sequences)?;
                    }
                    return Ok(Some(stored));
                }
            }
        }
        Ok(None)
    }

    fn is_sequences(&self, at: usize) -> bool {
        self.tables[at].table.name.name == SEQUENCES
    }

    /// The database as far as it is filled.
    pub(crate) fn connection(&self) -> &Connection {
        self.scratch.connection()
    }

    /// Makes what comes after rows, and opens the state; says what could not be made. Blocks.
    pub(crate) fn finish(
        self,
        with_ddl: bool,
        temporary: Option<&Path>,
        identity: Identity,
    ) -> Result<(Arc<dyn View>, Vec<String>), EngineError> {
        let connection = self.scratch.connection();
        let (mut maker, mut notes) = (Maker::default(), Vec::new());
        for object in &self.after {
            notes.extend(maker.create_after_or_note(connection, object)?);
        }
        maker.finish(connection)?;
        connection.execute_batch("COMMIT").map_err(when("making a temporary copy"))?;
        let options = FileOptions {
            with_ddl,
            temporary: temporary.map(Path::to_owned),
            identity,
            ..FileOptions::default()
        };
        Ok((self.scratch.into_view(&options, Said::default())?, notes))
    }

    /// The same, as a file; says what could not be made. Blocks.
    pub(crate) fn into_file(self) -> Result<(ScratchFile, Vec<String>), EngineError> {
        let connection = self.scratch.connection();
        let (mut maker, mut notes) = (Maker::default(), Vec::new());
        for object in &self.after {
            notes.extend(maker.create_after_or_note(connection, object)?);
        }
        maker.finish(connection)?;
        connection.execute_batch("COMMIT").map_err(when("making a temporary copy"))?;
        Ok((self.scratch.into_file()?, notes))
    }

    /// The same, as a database in which statements can be prepared, but that holds nothing. Blocks.
    pub(crate) fn with_connection<T>(
        self,
        use_it: impl FnOnce(&mut Connection) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let Self { mut scratch, after, .. } = self;
        let mut maker = Maker::default();
        for object in &after {
            maker.create_after(scratch.connection(), object)?;
        }
        maker.finish(scratch.connection())?;
        let connection = scratch.connection_mut();
        connection
            .execute_batch("COMMIT; PRAGMA writable_schema = RESET;")
            .map_err(when("making a temporary copy"))?;
        usable(connection).map_err(when("making a temporary copy"))?;
        use_it(connection)
    }
}

/// Lets full-text tables be used that hold nothing, not even what they are of.
fn usable(connection: &Connection) -> rusqlite::Result<()> {
    let mut tables = connection
        .prepare("SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0")?;
    let tables = tables.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for table in tables {
        let (name, sql) = table?;
        if FullText::of(&name, &sql).is_some() {
            let config = quoted(&format!("{name}_config"));
            connection.execute(&format!("INSERT OR IGNORE INTO main.{config} VALUES ('version', 4)"), [])?;
        }
    }
    Ok(())
}

fn clear(connection: &Connection, table: &ReadTable) -> Result<(), EngineError> {
    let name = &table.table.name;
    let sql = format!("DELETE FROM main.{}", quoted(&name.name));
    connection.execute_batch(&sql).map_err(when(format!("copying table {name}")))
}

fn prepare<'c>(connection: &'c Connection, table: &ReadTable) -> Result<Statement<'c>, EngineError> {
    let ReadTable { table, .. } = table;
    let names = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let marks = vec!["?"; table.columns.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO main.{} ({names}) VALUES ({marks})", quoted(&table.name.name));
    Statement::prepare(connection, &sql).map_err(when(format!("copying table {}", table.name)))
}

/// Adds rows and counts those that were not there.
fn add(
    connection: &Connection,
    insert: &mut Statement<'_>,
    table: &ReadTable,
    batch: &RowBatch,
) -> Result<u64, EngineError> {
    let mut added = 0;
    for row in 0..batch.rows() {
        let values = batch.columns().iter().map(|column| column.value(row));
        insert
            .insert(values, None)
            .map_err(|error| failure(format!("copying table {}", table.table.name), &error))?;
        added += connection.changes();
    }
    Ok(added)
}

/// Puts rows into the table that inserting other rows has changed.
fn set_sequences(
    connection: &Connection,
    table: &ReadTable,
    batches: &[RowBatch],
) -> Result<u64, EngineError> {
    clear(connection, table)?;
    let mut insert = prepare(connection, table)?;
    batches.iter().try_fold(0, |sum, batch| Ok(sum + add(connection, &mut insert, table, batch)?))
}
