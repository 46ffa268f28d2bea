//! Changing rows of a database that is in use.
//!
//! Everything happens in one transaction that writes from its beginning, so that no row changes between being looked at
//! and being changed. First it is decided about every row, and only when that went well is anything changed: deletes,
//! then updates, then inserts, so that no unique index sees two rows that are never there together. An update of
//! a column that is unique is a delete and an insert for the same reason; with triggers, theirs act then.
//!
//! Where rows have another identity than the rowid, that is a value: a row that comes gets the one that it had unless another
//! row has it by now, and a row whose rowid differs is the same row.
//!
//! Foreign keys are off on our connection, so referential actions do not act; that none is broken is proven before the
//! commit (`foreign_keys.rs`). `CHECK`, `NOT NULL` and unique indexes hold as for any application; only where a `CHECK`
//! calls a function that its application alone has, none is checked, and that is noted.

mod bit_set;
mod changed_table;
mod conflicts;
mod decide;
mod duplicate_rows;
mod each_change;
mod execute;
mod foreign_keys;
mod located;
mod refusal;
mod row_locator;
mod sequences;
mod settings;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::catalog::properties::Properties;
use super::catalog::tables;
use super::connect::connection::writable;
use super::connect::error::{commit_failure, when};
use super::connect::interrupt::Interrupt;
use super::connect::patience::{Patience, patiently};
use crate::{Applied, AppliedTable, ApplyOptions, ChangeSource, EngineError, ErrorKind, OnConflict};
use changed_table::{Kind, changed_tables};
use conflicts::Conflicts;
use execute::Executor;
use foreign_keys::References;
use refusal::{refused, shortened};
use sequences::Sequences;

/// What SQLite keeps of pages before it writes some of them, for which nobody may read in rollback mode.
const CACHE_KIB: u32 = 64 * 1024;

/// Changes rows; blocks.
pub(super) fn apply(
    path: &Path,
    patience: &Patience,
    source: &Arc<dyn ChangeSource>,
    options: &ApplyOptions,
    interrupt: &Interrupt,
) -> Result<Applied, EngineError> {
    let mut connection = writable(path, patience)?;
    let named = || path.display();
    let prepare = || -> rusqlite::Result<()> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, options.fire_triggers)?;
        connection.execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = FILE;"))
    };
    prepare().map_err(when(named()))?;
    interrupt.interrupt(&mut connection).map_err(when(named()))?;
    let begin = || if interrupt.is_wanted() { Ok(()) } else { connection.execute_batch("BEGIN IMMEDIATE") };
    patiently(patience, begin).map_err(when(named()))?;
    interrupt.check()?;

    let applied = change(&connection, source, options, interrupt).and_then(|applied| {
        interrupt.check()?;
        // In rollback mode, whoever still reads is waited for.
        patiently(patience, || connection.execute_batch("COMMIT"))
            .map_err(|error| commit_failure(named(), &error))?;
        Ok(applied)
    });
    if let Err(error) = &applied
        && !connection.is_autocommit()
    {
        let rolled_back = connection.execute_batch("ROLLBACK");
        if error.kind() != ErrorKind::OutcomeUnknown {
            rolled_back.map_err(when(named()))?;
        }
    }
    applied
}

fn change(
    connection: &Connection,
    source: &Arc<dyn ChangeSource>,
    options: &ApplyOptions,
    interrupt: &Interrupt,
) -> Result<Applied, EngineError> {
    let properties = Properties::read(connection).map_err(when("reading the database's properties"))?;
    let objects = tables::objects(connection)?;
    let facts = tables::tables(connection, &objects)?;
    let mut changed_tables = changed_tables(connection, source.tables(), &facts, &properties)?;
    let mut notes = Vec::new();
    if options.end_connections {
        notes.push(
            "SQLite has no connections that could be terminated; other programs keep the file open".into(),
        );
    }

    let all = options.fire_triggers || !options.statements.is_empty();
    let mut references = References::of(connection, &facts, &changed_tables, all)?;
    let mut conflicts = Conflicts::default();
    let mut sequences = Sequences::read(connection, &facts)?;
    for changed in &mut changed_tables {
        match changed.kind {
            Kind::Rows => decide::decide(connection, source, changed, &mut conflicts, interrupt)?,
            Kind::Sequences => sequences.decide(source, changed, interrupt)?,
            Kind::Settings => settings::decide(connection, source, changed, &mut conflicts, interrupt)?,
        }
    }
    let stop = options.on_conflict == OnConflict::Stop;
    conflicts.check(stop)?;

    let mut acting = Executor::new(connection, source, interrupt, &properties, options.fire_triggers);
    acting.all(&mut changed_tables, &mut references, &mut conflicts, stop)?;
    for changed in &mut changed_tables {
        match changed.kind {
            Kind::Rows => {}
            Kind::Sequences => sequences.write(connection, changed)?,
            Kind::Settings => settings::write(connection, source, changed, interrupt)?,
        }
    }
    notes.extend(acting.into_notes());
    notes.extend(sequences.settle(connection, &changed_tables)?);
    interrupt.check()?;
    run(connection, &options.statements)?;
    notes.extend(references.prove(connection, &options.may_dangle)?);

    let mut tables: Vec<AppliedTable> =
        source.tables().iter().map(|changes| AppliedTable::untouched(&changes.table.name)).collect();
    for changed in changed_tables {
        let table = &mut tables[changed.index];
        (table.done, table.already, table.skipped) = (changed.done, changed.already, changed.skipped);
        table.left = changed.left.iter().collect();
    }
    Ok(Applied { tables, notes })
}

/// Runs what was asked for beside the changes, with triggers as for any application.
fn run(connection: &Connection, statements: &[String]) -> Result<(), EngineError> {
    if statements.is_empty() {
        return Ok(());
    }
    let named = |sql: &str| format!("the statement {:?}", shortened(sql, 200));
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)
        .map_err(when("turning triggers on"))?;
    for sql in statements {
        connection.execute_batch(sql).map_err(|error| match refused(named(sql), &error) {
            found if found.kind() == ErrorKind::Other => {
                EngineError::new(ErrorKind::Statement, found.to_string())
            }
            found => found,
        })?;
        if connection.is_autocommit() {
            let message = format!("{} ends the transaction that it is to be a part of", named(sql));
            return Err(EngineError::new(ErrorKind::Statement, message));
        }
    }
    Ok(())
}
