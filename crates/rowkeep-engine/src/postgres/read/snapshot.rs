//! The snapshot of a view: all tables locked against change, then one instant for every connection.

use std::collections::BTreeSet;

use rowkeep_format::TableName;
use tokio_postgres::error::SqlState;

use crate::postgres::catalog::permissions;
use crate::postgres::catalog::permissions::Access;
use crate::postgres::catalog::planning;
use crate::postgres::catalog::relation::Relation;
use crate::postgres::catalog::tables;
use crate::postgres::connect::row::{only, text};
use crate::postgres::connect::session::Session;
use crate::postgres::connect::{failure, settings};
use crate::postgres::quote;
use crate::{EngineError, Meant};

/// How often it is tried again because tables came or went meanwhile.
const ATTEMPTS: usize = 20;

/// From which attempt on tables that were made meanwhile are locked after the snapshot.
const LATE_LOCKS: usize = 5;

/// What the transactions of a view are.
pub(super) const MODE: &str = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What their settings are; a lock is waited for no longer than that.
pub(super) fn settings(major: u32, wait: &str) -> String {
    format!("{}SET LOCAL lock_timeout = '{wait}'", settings::local(&settings::reading(major)))
}

/// The tables of a snapshot, and the name that it was exported by.
pub(crate) struct Exported {
    /// Those that can be read.
    pub(crate) relations: Vec<Relation>,
    /// Those of which nothing is read.
    pub(crate) passed_over: Vec<Access>,
    /// Its name.
    pub(crate) id: String,
}

/// Begins a transaction that holds a lock on every table, and exports its snapshot.
///
/// The locks come first, so that no table can be rewritten between the snapshot and its lock and then look empty.
/// Where tables come and go all the time, those that are quite new are locked after it in the end. Tables that are not meant
/// and may not be read are passed over.
pub(crate) async fn take(session: &Session, meant: &Meant) -> Result<Exported, EngineError> {
    let mut attempt = 1;
    loop {
        let tables = permissions::access(session).await?;
        permissions::check_tables(&tables, meant)?;
        let (passed_over, tables): (Vec<Access>, Vec<Access>) =
            tables.into_iter().partition(|table| table.is_passed_over(meant));
        let locked = begin(session, &tables).await;
        if !is_gone(locked, attempt)? {
            let (mut relations, id) = export(session).await?;
            let is_passed_over =
                |relation: &Relation| passed_over.iter().any(|table| table.oid == relation.oid);
            relations.retain(|relation| !is_passed_over(relation));
            let missed = missed(&relations, &tables);
            if missed.is_empty() || attempt >= LATE_LOCKS && !is_gone(lock(session, missed).await, attempt)? {
                return Ok(Exported { relations, passed_over, id });
            }
        }
        let ended = session.end("ROLLBACK").await;
        ended.map_err(|error| failure::failed("cannot lock the tables for reading", error))?;
        attempt += 1;
    }
}

/// What the server says of a table that went while its lock was waited for: its name is nothing any more, or in the
/// meantime that of an index or the like, or its schema went with it.
const GONE: [SqlState; 3] =
    [SqlState::UNDEFINED_TABLE, SqlState::WRONG_OBJECT_TYPE, SqlState::INVALID_SCHEMA_NAME];

/// Whether locking failed because a table is not there any more, and may be tried again.
fn is_gone(locked: Result<(), tokio_postgres::Error>, attempt: usize) -> Result<bool, EngineError> {
    match locked {
        Ok(()) => Ok(false),
        Err(error) if attempt < ATTEMPTS && error.code().is_some_and(|code| GONE.contains(code)) => Ok(true),
        Err(error) => Err(failure::failed("cannot lock the tables for reading", error)),
    }
}

async fn begin(session: &Session, tables: &[Access]) -> Result<(), tokio_postgres::Error> {
    session.try_begin(MODE, &settings(session.major, "60s")).await?;
    lock(session, tables.iter().map(|table| &table.name).collect()).await
}

async fn lock(session: &Session, tables: Vec<&TableName>) -> Result<(), tokio_postgres::Error> {
    if tables.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = tables.into_iter().map(|name| format!("ONLY {}", quote::table(name))).collect();
    session.try_run(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "))).await
}

async fn export(session: &Session) -> Result<(Vec<Relation>, String), EngineError> {
    // The first query, which takes the snapshot.
    let demanded = settings::demanded(&settings::NOTHING_PASSED_OVER);
    let export = format!("SELECT pg_export_snapshot(), {demanded}");
    let rows = session.rows("cannot export a snapshot", &export).await?;
    let id = text(only(&rows, "the name of a snapshot")?, 0).to_owned();
    let mut relations = tables::relations(session).await?;
    let tables = relations
        .iter()
        .map(|relation| (relation.oid, format!("ONLY {}", quote::table(&relation.table.name))));
    let failing = planning::failing(session, tables).await?;
    relations.iter_mut().filter(|relation| failing.contains(&relation.oid)).for_each(Relation::avoid_queries);
    Ok((relations, id))
}

/// The tables of the snapshot that were not locked.
fn missed<'a>(relations: &'a [Relation], locked: &[Access]) -> Vec<&'a TableName> {
    let locked: BTreeSet<u32> = locked.iter().map(|table| table.oid).collect();
    let missed = relations.iter().filter(|relation| !locked.contains(&relation.oid));
    missed.map(|relation| &relation.table.name).collect()
}
