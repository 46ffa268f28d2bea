//! Checks of references that were added without one.

use std::collections::BTreeMap;

use futures::{TryStreamExt, stream};
use rowkeep_format::TableName;
use tokio_postgres::error::SqlState;

use super::computed::{NO_PATH, USUAL_PATH};
use super::restore::Restore;
use super::statement_runner::{is_unknown, refused};
use crate::EngineError;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::postgres::quote;

/// How many references are checked at once.
const CHECKS: usize = 3;

/// How much memory the hash table of a check is given at least: what a processor holds in a cache of its own.
const LEAST_HASH_BYTES: u64 = 2 << 20;

/// Into how many parts a hash table is split at most, roughly, for each of them has open files.
const MOST_HASH_PARTS: u64 = 64;

/// A check of a reference that was added without one.
pub(crate) struct Check {
    /// The table that refers.
    pub(crate) table: TableName,
    /// The constraint's name, as SQL.
    pub(crate) constraint: String,
    /// The statement that adds it with the check, and the one that was run.
    pub(crate) sql: String,
    pub(crate) unchecked: String,
}

/// Checks references, those of different tables at once.
///
/// Unlike adding a reference, checking one lets others read and check the table it refers to. Those of one table can
/// only be checked one after the other, because each locks it.
pub(crate) async fn run(restore: &Restore, checks: Vec<Check>) -> Result<(), EngineError> {
    let mut by_table: BTreeMap<TableName, Vec<Check>> = BTreeMap::new();
    for check in checks {
        by_table.entry(check.table.clone()).or_default().push(check);
    }
    stream::iter(by_table.into_values().map(Ok))
        .try_for_each_concurrent(CHECKS, |checks| async move {
            let session = restore.pool.lend().await?;
            for check in checks {
                let Err(error) = validate(restore, &session, &check).await else { continue };
                if is_unknown(&error) && in_usual_path(restore, &session, &check).await {
                    continue;
                }
                let Check { table, constraint, sql, unchecked } = check;
                match refused(&error).filter(|_| restore.leaves_out) {
                    Some(why) => {
                        let table = quote::table(&table);
                        let later = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};");
                        restore.notes.missing(&sql, &why, Some(unchecked), Some(later));
                    }
                    None => {
                        let what = format!("the rows of table {table} do not conform to {constraint}");
                        return Err(failed(what, error));
                    }
                }
            }
            session.give_back();
            Ok(())
        })
        .await
}

/// Whether a reference is checked where names are found as the database's users find them: functions of indexes, which planning puts in
/// their place, may name others without a schema.
async fn in_usual_path(restore: &Restore, session: &Session, check: &Check) -> bool {
    let Check { table, constraint, .. } = check;
    let validate = format!(
        "{USUAL_PATH}; ALTER TABLE {} VALIDATE CONSTRAINT {constraint}; {NO_PATH}",
        quote::table(table)
    );
    restore.scope.run(session, &validate).await.is_ok()
}

/// Has the server check a reference; it plans that as a join of the two tables.
async fn validate(
    restore: &Restore,
    session: &Session,
    Check { table, constraint, .. }: &Check,
) -> Result<(), tokio_postgres::Error> {
    let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint}", quote::table(table));
    if restore.plan.validation_hints.is_ordered(table, constraint) {
        // Both sides come out of their indexes in order, yet the server would rather build a hash table.
        let by_merging = format!("SET enable_hashjoin = off; {validate}; RESET enable_hashjoin");
        return restore.scope.run(session, &by_merging).await;
    }
    let memory = session.try_rows(&hash_memory(table, constraint)).await?;
    let memory = memory.first().map_or("", |row| text(row, 0));
    let in_parts = format!("SET maintenance_work_mem = '{memory}kB'; {validate}");
    let usual = settings::LOADING_MEMORY;
    // What the server refuses must not end the one transaction of a replacement.
    match restore.scope.run(session, &in_parts).await {
        // Parts are temporary files, of which a server may have only so many.
        Err(error) if error.code() == Some(&SqlState::CONFIGURATION_LIMIT_EXCEEDED) => {
            restore.scope.run(session, &format!("SET maintenance_work_mem = '{usual}'; {validate}")).await
        }
        Err(error) => Err(error),
        Ok(()) => session.try_run(&format!("SET maintenance_work_mem = '{usual}'")).await,
    }
}

/// Asks how many kilobytes of memory the check of a reference should have.
///
/// With all that it may have, the server builds one hash table, and every row that refers waits for main memory. With
/// little it splits both sides into parts first, which takes half of the time.
fn hash_memory(table: &TableName, constraint: &str) -> String {
    format!(
        "SELECT least(greatest(pg_relation_size(confrelid) / {MOST_HASH_PARTS}, {LEAST_HASH_BYTES}) / 1024, \
         (SELECT setting::bigint FROM pg_settings WHERE name = 'maintenance_work_mem')) \
         FROM pg_constraint WHERE conrelid = {}::regclass AND conname = (parse_ident({}))[1]",
        quote::literal(&quote::table(table)),
        quote::literal(constraint),
    )
}
