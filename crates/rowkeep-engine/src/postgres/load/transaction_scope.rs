//! What makes a piece of a restore all or nothing.

use crate::postgres::connect::session::Session;

/// How a piece of work is kept or undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionScope {
    /// In a transaction of its own.
    Transaction,
    /// Within the transaction in which everything is done.
    Savepoint,
}

impl TransactionScope {
    /// The statement that begins a piece.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            // A stricter level, which a role may have by default, would keep an older view than `FREEZE` allows.
            TransactionScope::Transaction => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            TransactionScope::Savepoint => "SAVEPOINT rowkeep",
        }
    }

    /// The statement that keeps it.
    pub(crate) fn keep(self) -> &'static str {
        match self {
            TransactionScope::Transaction => "COMMIT",
            TransactionScope::Savepoint => "RELEASE SAVEPOINT rowkeep",
        }
    }

    /// The statements that undo it.
    pub(crate) fn undo(self) -> &'static str {
        match self {
            TransactionScope::Transaction => "ROLLBACK",
            TransactionScope::Savepoint => "ROLLBACK TO SAVEPOINT rowkeep; RELEASE SAVEPOINT rowkeep",
        }
    }

    /// Runs statements, all of them or none; after a failure the session is ready for others.
    pub(crate) async fn run(self, session: &Session, script: &str) -> Result<(), tokio_postgres::Error> {
        if self == TransactionScope::Transaction {
            // The server takes statements that come together for one transaction.
            return session.try_run(script).await;
        }
        let done = session.try_run(&format!("{}; {script}\n; {}", self.begin(), self.keep())).await;
        if done.is_err() {
            // Fails only with the connection, of which the error tells already.
            let _ = session.try_run(self.undo()).await;
        }
        done
    }
}
