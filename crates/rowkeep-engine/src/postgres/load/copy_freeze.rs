//! Rows that are written as visible to everybody.
//!
//! `COPY ... FREEZE` saves the server from marking every row once more when it is first read, and lets it check
//! references by reading indexes alone, because it knows of every page that all of it is visible (manual, "COPY").
//! It also means that no vacuum has to freeze the rows later. The server allows it to a transaction that has made or
//! emptied the table; where its log is minimal it then does not log the rows either.

use tokio_postgres::error::SqlState;

use super::transaction_scope::TransactionScope;
use crate::EngineError;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::session::Session;

/// Begins a piece of work in which a table can be loaded so; false, and none, when the table holds rows or the role may add
/// rows but not empty it.
///
/// Both are so for tables of extensions, whose own rows must stay.
pub(crate) async fn begin(
    session: &Session,
    scope: TransactionScope,
    what: &str,
    table: &str,
) -> Result<bool, EngineError> {
    let failed = |error| failed(format!("cannot prepare {what} for its rows"), error);
    match empty(session, scope, table).await {
        Ok(true) => return Ok(true),
        Err(error) if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) => return Err(failed(error)),
        Ok(false) | Err(_) => {}
    }
    session.try_run(scope.undo()).await.map_err(failed)?;
    Ok(false)
}

/// Begins a piece of work and empties a table, unless it holds rows.
async fn empty(
    session: &Session,
    scope: TransactionScope,
    table: &str,
) -> Result<bool, tokio_postgres::Error> {
    session.try_run(scope.begin()).await?;
    session.try_run(&format!("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")).await?;
    if !session.try_rows(&format!("SELECT FROM ONLY {table} LIMIT 1")).await?.is_empty() {
        return Ok(false);
    }
    session.try_run(&format!("TRUNCATE ONLY {table}")).await?;
    Ok(true)
}

/// Commits the piece of work.
pub(crate) async fn keep(session: &Session, scope: TransactionScope, what: &str) -> Result<(), EngineError> {
    let kept = session.try_run(scope.keep()).await;
    kept.map_err(|error| failed(format!("cannot keep the rows of {what}"), error))
}
