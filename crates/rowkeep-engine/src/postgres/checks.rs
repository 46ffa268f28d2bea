//! Checks of references that were added without one.

use std::collections::BTreeMap;

use futures::{TryStreamExt, stream};
use rowkeep_format::TableName;

use super::failure::failed;
use super::sql;
use super::target::PostgresTarget;
use crate::EngineError;

/// How many references are checked at once.
const CHECKS: usize = 3;

/// A check of a reference that was added without one.
pub(super) struct Check {
    /// The table that refers.
    pub(super) table: TableName,
    /// The constraint's name, as SQL.
    pub(super) constraint: String,
}

/// Checks references, those of different tables at once.
///
/// Unlike adding a reference, checking one lets others read and check the table it refers to. Those of one table can
/// only be checked one after the other, because each locks it.
pub(super) async fn run(target: &PostgresTarget, checks: Vec<Check>) -> Result<(), EngineError> {
    let mut by_table: BTreeMap<TableName, Vec<Check>> = BTreeMap::new();
    for check in checks {
        by_table.entry(check.table.clone()).or_default().push(check);
    }
    stream::iter(by_table.into_values().map(Ok))
        .try_for_each_concurrent(CHECKS, |checks| async move {
            let session = target.pool.lend().await?;
            for Check { table, constraint } in checks {
                let mut statement =
                    format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint}", sql::table(&table));
                if target.plan.joins.is_ordered(&table, &constraint) {
                    // Both sides come out of their indexes in order, yet the server would rather build a hash table.
                    statement = format!("SET enable_hashjoin = off; {statement}; RESET enable_hashjoin");
                }
                session.try_run(&statement).await.map_err(|error| {
                    failed(format!("the rows of table {table} do not conform to {constraint}"), error)
                })?;
            }
            session.give_back();
            Ok(())
        })
        .await
}
