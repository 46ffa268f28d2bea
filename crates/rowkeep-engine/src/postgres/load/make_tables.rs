//! Creating what has to be there before rows.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::restore::Restore;
use super::statement_runner::script;
use super::transaction_scope::TransactionScope;
use crate::EngineError;
use crate::postgres::schema::script::Statement;
use crate::postgres::schema::table_statements::{self, Part};

/// Runs the statements that come before rows, in their order; tables are made over several connections.
pub(crate) async fn create_before(restore: &Restore, connections: usize) -> Result<(), EngineError> {
    let statements: Vec<&Statement> = restore.plan.before.iter().collect();
    let session = restore.pool.lend().await?;
    let possible = restore.runner(&session).possible(&statements);
    session.give_back();
    for part in table_statements::parts(&possible) {
        match part {
            Part::InOrder(part) => run(restore, &part).await?,
            Part::Tables(slices) if slices.len() == 1 || restore.scope == TransactionScope::Savepoint => {
                run(restore, &slices.concat()).await?;
            }
            Part::Tables(slices) => run_at_once(restore, slices, connections).await?,
        }
    }
    Ok(())
}

async fn run(restore: &Restore, statements: &[&Statement]) -> Result<(), EngineError> {
    let session = restore.pool.lend().await?;
    restore.runner(&session).run_possible(statements).await?;
    session.give_back();
    Ok(())
}

/// Runs each slice as a transaction, several at once: to make a table the server waits for its disk.
async fn run_at_once(
    restore: &Restore,
    slices: Vec<Vec<&Statement>>,
    connections: usize,
) -> Result<(), EngineError> {
    let scripts: Vec<String> = slices.iter().map(|slice| script(slice)).collect();
    let done: Vec<bool> = stream::iter(scripts)
        .map(|script| async move {
            let session = restore.pool.lend().await?;
            let done = restore.scope.run(&session, &script).await.is_ok();
            session.give_back();
            Ok::<_, EngineError>(done)
        })
        .buffered(connections)
        .try_collect()
        .await?;
    // What was wrong may have been that another was not done yet.
    let failed = slices.into_iter().zip(done).filter(|(_, done)| !done);
    run(restore, &failed.flat_map(|(slice, _)| slice).collect::<Vec<_>>()).await
}
