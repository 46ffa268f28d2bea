//! Deciding on a copy what is to be done.

use std::path::Path;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::indexes::{WithoutIndexes, rebuild};
use crate::d1::catalog::changes::Changes;
use crate::d1::catalog::objects::Found;
use crate::d1::compose::difference::{Sides, check_definitions, compare};
use crate::d1::connect::remote::Remote;
use crate::d1::read::copy::{Copied, Oneness, copy};
use crate::sqlite::Sqlite;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::quote::quoted;
use crate::{Applied, ApplyOptions, ChangeSource, Engine, EngineError, ErrorKind, Surroundings};

/// What is to be done.
pub(super) struct Prepared {
    /// What that will have been.
    pub(super) applied: Applied,
    pub(super) statements: Vec<String>,
    /// What stands before the statements of each step, and after them: triggers must not act.
    pub(super) around: (Vec<String>, Vec<String>),
    /// What the database holds, and what it had counted of its changes, when it was copied.
    pub(super) found: Found,
    pub(super) as_of: Changes,
}

/// Copies the database, and decides.
pub(super) async fn prepare(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    changes: &Arc<dyn ChangeSource>,
    options: &ApplyOptions,
) -> Result<Prepared, EngineError> {
    // Nothing can be changed in a state that never was.
    let strictly = Surroundings { allow_moving: false, ..surroundings.clone() };
    let Copied { skeleton, found, as_of, oneness, .. } = copy(remote, &strictly).await?;
    debug_assert!(oneness != Oneness::None);
    let make = move || -> Result<_, EngineError> {
        let (file, notes) = skeleton.into_file()?;
        duplicate(&file.path(), &file.beside(AFTER))?;
        Ok((file, notes))
    };
    let (file, mut notes) = blocking(make).await?;
    let engine = Sqlite::new(file.beside(AFTER), surroundings);
    let without = Arc::new(WithoutIndexes::of(changes, &found.objects));
    let applied = engine.apply(Arc::clone(&without) as Arc<dyn ChangeSource>, options).await;
    let mut applied = without.with_indexes(applied.map_err(|error| error.of(remote.shown()))?);
    let (longest, full_text) = (remote.room().longest, without.full_text());
    let look = move || {
        rebuild(&file.beside(AFTER), &full_text)?;
        decide(&file.path(), &file.beside(AFTER), longest)
    };
    let (statements, around, more) = blocking(look).await?;
    notes.extend(more);
    applied.notes.extend(notes);
    Ok(Prepared { applied, statements, around, found, as_of })
}

const AFTER: &str = "after.db";

/// How often what foreign keys have done is repaired.
const REPAIRS: usize = 4;

fn duplicate(from: &Path, to: &Path) -> Result<(), EngineError> {
    std::fs::copy(from, to).map(|_| ()).map_err(|error| {
        let message = format!("copying {} to {}", from.display(), to.display());
        EngineError::new(ErrorKind::Other, message).with_source(error)
    })
}

/// Statements that take triggers away, and that bring them back in their order.
fn around(triggers: &[Object]) -> (Vec<String>, Vec<String>) {
    let gone = triggers.iter().map(|trigger| format!("DROP TRIGGER main.{}", quoted(&trigger.name)));
    let back = triggers.iter().map(|trigger| trigger.sql.clone());
    (gone.collect(), back.collect())
}

/// The statements, what stands around them, and what people have to know.
type Decided = (Vec<String>, (Vec<String>, Vec<String>), Vec<String>);

/// Finds statements that make a copy what the other is, by doing them as D1 will. Blocks.
///
/// Foreign keys of D1 act, so that rows may change that no statement names: what differs then is added.
fn decide(before: &Path, after: &Path, longest: usize) -> Result<Decided, EngineError> {
    let doing = || "trying the changes on a copy";
    let connection = as_d1(before, after).map_err(when(doing()))?;
    let (sides, run) = (Sides { old: "main", new: "goal" }, |sql: &String| {
        connection.execute_batch(sql).map_err(|error| {
            let start: String = sql.chars().take(120).collect();
            failure(format!("{}, {start:?}", doing()), &error)
        })
    });
    check_definitions(&connection, sides)?;
    let mut all = compare(&connection, sides, longest)?;
    let (before, after) = around(&all.triggers);
    before.iter().chain(&all.statements).try_for_each(run)?;
    for _ in 0..REPAIRS {
        let mut more = compare(&connection, sides, longest)?;
        if more.changed.is_empty() {
            after.iter().try_for_each(run)?;
            connection.execute_batch("COMMIT").map_err(when(doing()))?;
            return Ok((all.statements, (before, after), all.notes));
        }
        more.statements.iter().try_for_each(run)?;
        all.statements.append(&mut more.statements);
    }
    let message = "the changes cannot be made by statements alone, as D1 wants them: foreign keys of its tables do more";
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// Opens a copy for changes by the rules of D1, and what it is to become beside it.
fn as_d1(before: &Path, after: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(before, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute("ATTACH ?1 AS goal", [after.to_string_lossy()])?;
    connection.execute_batch(
        "PRAGMA main.journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN; PRAGMA defer_foreign_keys = on;",
    )?;
    Ok(connection)
}
