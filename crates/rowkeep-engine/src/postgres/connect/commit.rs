//! Commits of which the outcome is known, also when the connection is lost.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_postgres::error::Severity;

use super::failure::{changing_failed, failed};
use super::row::{only, text};
use super::server::Server;
use super::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};

/// How long a server is asked what became of a commit. One that restarts after a crash needs some seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it is waited before it is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// A transaction, as other connections can ask for it.
struct Transaction {
    id: String,
    pid: String,
}

/// Commits the transaction of a session; `what` is what it did, for errors: `the changes`.
///
/// Where the connection is lost at that moment, the server is asked on another what became of the transaction. An error
/// means that it was undone, except [`ErrorKind::OutcomeUnknown`].
pub(crate) async fn commit(server: &Server, session: &Session, what: &str) -> Result<(), EngineError> {
    let cannot = format!("cannot commit {what}");
    // Fails in a transaction in which a statement has failed, which `COMMIT` would undo without an error.
    let query = "SELECT pg_catalog.pg_current_xact_id(), pg_catalog.pg_backend_pid()";
    let rows = session.rows(&cannot, query).await?;
    let row = only(&rows, "the number of the transaction")?;
    let transaction = Transaction { id: text(row, 0).to_owned(), pid: text(row, 1).to_owned() };
    let Err(error) = session.end("COMMIT").await else { return Ok(()) };
    let is_refused = error
        .as_db_error()
        .is_some_and(|said| !matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)));
    if is_refused {
        return Err(changing_failed(cannot, error));
    }
    match transaction.is_committed(server).await {
        Some(true) => Ok(()),
        Some(false) => Err(failed(format!("{cannot}: the connection was lost before"), error)),
        None => {
            let message = format!(
                "the connection was lost while committing {what}; whether that was done is not known: \
                 SELECT pg_xact_status({}) tells, once the server answers",
                quote::literal(&transaction.id)
            );
            let source = failed("the connection was lost", error);
            Err(EngineError::new(ErrorKind::OutcomeUnknown, message).with_source(source))
        }
    }
}

impl Transaction {
    /// Whether it was committed; nothing when the server does not say so in time.
    async fn is_committed(&self, server: &Server) -> Option<bool> {
        let asking = async {
            loop {
                match self.ask(server).await {
                    Some(answer) => break answer,
                    None => sleep(AGAIN).await,
                }
            }
        };
        timeout(PATIENCE, asking).await.ok()
    }

    /// Asks once. A session that goes on without us is ended: what it has not committed by then is undone.
    async fn ask(&self, server: &Server) -> Option<bool> {
        let what = "cannot ask for the state of a transaction";
        let session = server.connect().await.ok()?;
        let (id, pid) = (quote::literal(&self.id), &self.pid);
        let status = session.value(what, &format!("SELECT pg_catalog.pg_xact_status({id})")).await.ok()??;
        match status.as_str() {
            "committed" => Some(true),
            "aborted" => Some(false),
            _ => {
                let end = format!(
                    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a \
                     WHERE a.pid = {pid} AND a.backend_xid = {id}::pg_catalog.xid8::pg_catalog.xid"
                );
                session.value(what, &end).await.ok()?;
                None
            }
        }
    }
}
