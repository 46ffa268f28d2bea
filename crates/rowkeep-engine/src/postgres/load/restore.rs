//! A restore that is under way: where its work is done, and what is left to do.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rowkeep_format::TableName;

use super::notes::Notes;
use super::plan::Plan;
use super::statement_runner::Runner;
use super::transaction_scope::TransactionScope;
use crate::EngineError;
use crate::postgres::connect::failure;
use crate::postgres::connect::pool::Pool;
use crate::postgres::connect::row::text;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::schema::script::Statement;

/// A restore that is under way.
pub(crate) struct Restore {
    /// The machine that answered.
    pub(crate) server: Server,
    /// Where everything is done.
    pub(crate) pool: Arc<Pool>,
    /// What a piece of it is to the whole.
    pub(crate) scope: TransactionScope,
    /// The statements of the schema, without those of single tables.
    pub(crate) plan: Plan,
    /// What could not be restored exactly.
    pub(crate) notes: Notes,
    /// The tables that have or will have their rows.
    pub(crate) loaded: HashSet<TableName>,
    roles: HashSet<String>,
    of_tables: Mutex<HashMap<TableName, Vec<Statement>>>,
}

impl Restore {
    /// Begins with nothing done; `control` is asked which roles there are.
    pub(crate) async fn new(
        server: Server,
        control: &Session,
        pool: Arc<Pool>,
        scope: TransactionScope,
        mut plan: Plan,
        notes: Notes,
        loaded: HashSet<TableName>,
    ) -> Result<Self, EngineError> {
        let roles = roles(control).await?;
        let of_tables = Mutex::new(std::mem::take(&mut plan.of_tables));
        Ok(Self { server, pool, scope, plan, notes, loaded, roles, of_tables })
    }

    /// What runs statements on a session.
    pub(crate) fn runner<'a>(&'a self, session: &'a Session) -> Runner<'a> {
        Runner { session, roles: &self.roles, scope: self.scope, notes: &self.notes }
    }

    /// Takes the statements that build what belongs to a table alone.
    pub(crate) fn take_own(&self, table: &TableName) -> Vec<Statement> {
        self.of_tables.lock().unwrap_or_else(PoisonError::into_inner).remove(table).unwrap_or_default()
    }

    /// Takes those of all tables for which nobody did.
    pub(crate) fn take_rest(&self) -> Vec<Statement> {
        let rest = std::mem::take(&mut *self.of_tables.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tables: Vec<_> = rest.into_iter().collect();
        tables.sort_by(|a, b| a.0.cmp(&b.0));
        tables.into_iter().flat_map(|(_, statements)| statements).collect()
    }

    /// Commits the one transaction of a replacement.
    pub(crate) async fn commit(&self) -> Result<(), EngineError> {
        let session = self.pool.lend().await?;
        session.try_run("SET LOCAL synchronous_commit = on; COMMIT").await.map_err(|error| {
            let what = match error.as_db_error() {
                Some(_) => "the new content of the database cannot be committed",
                None => "the connection was lost while the database was being replaced; look whether it was",
            };
            failure::failed(what, error)
        })?;
        session.give_back();
        Ok(())
    }

    /// Undoes everything that the one transaction of a replacement did. A connection that is gone has undone it.
    pub(crate) async fn roll_back(&self) -> Result<(), EngineError> {
        let Ok(session) = self.pool.lend().await else { return Ok(()) };
        session.prepare("ROLLBACK").await
    }
}

async fn roles(session: &Session) -> Result<HashSet<String>, EngineError> {
    let rows = session.rows("cannot list the roles", "SELECT rolname FROM pg_catalog.pg_roles").await?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}
