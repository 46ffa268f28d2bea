//! A restore that is under way: where its work is done, and what is left to do.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rowkeep_format::TableName;
use tokio::time::timeout;

use super::marker;
use super::notes::Notes;
use super::plan::Plan;
use super::prepare::Prepared;
use super::statement_runner::Runner;
use super::transaction_scope::TransactionScope;
use crate::EngineError;
use crate::postgres::connect::commit::commit;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::pool::Pool;
use crate::postgres::connect::row::text;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::terminate::Backend;
use crate::postgres::schema::script::Statement;

/// How long a connection may take to undo its transaction before it is ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// The query for the statements after which no event trigger fires but those that extensions need.
const ENABLED_EVENT_TRIGGERS: &str = "SELECT format('ALTER EVENT TRIGGER %I DISABLE', e.evtname) \
    FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d \
      WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')";

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
    /// The tables of which columns are computed by functions that are not the server's own.
    pub(crate) computed: HashSet<TableName>,
    /// Partitions whose rows go through a table that they are part of, which the server divides again.
    pub(crate) roots: HashMap<TableName, TableName>,
    /// Whether the database is only to be tried.
    pub(crate) is_scratch: bool,
    lacks_definitions: bool,
    /// Whether parts of the schema that the server refuses are left out.
    pub(crate) leaves_out: bool,
    roles: HashSet<String>,
    /// The connection of the one transaction of a replacement.
    transaction: Option<Backend>,
    of_tables: Mutex<HashMap<TableName, Vec<Statement>>>,
}

impl Restore {
    /// Begins with nothing done.
    pub(crate) fn new(server: Server, prepared: Prepared, notes: Notes, mut plan: Plan) -> Self {
        let Prepared {
            pool,
            scope,
            transaction,
            roles,
            storage,
            loaded,
            is_scratch,
            lacks_definitions,
            leaves_out,
        } = prepared;
        if is_scratch {
            plan.keep_apart();
        }
        if leaves_out {
            plan.store_in(&storage).into_iter().for_each(|lack| notes.add(lack));
        }
        let of_tables = Mutex::new(std::mem::take(&mut plan.of_tables));
        Self {
            server,
            pool,
            scope,
            transaction,
            plan,
            notes,
            loaded,
            computed: HashSet::new(),
            roots: HashMap::new(),
            is_scratch,
            lacks_definitions,
            leaves_out,
            roles,
            of_tables,
        }
    }

    /// What runs statements on a session.
    pub(crate) fn runner<'a>(&'a self, session: &'a Session) -> Runner<'a> {
        Runner {
            session,
            roles: &self.roles,
            scope: self.scope,
            lacks_definitions: self.lacks_definitions,
            leaves_out: self.leaves_out,
            notes: &self.notes,
        }
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

    /// Makes what was made visible, at once and for good. Not to be dropped: nobody would know how it ended.
    pub(crate) async fn decide(&self) -> Result<(), EngineError> {
        let session = self.pool.lend().await?;
        if self.scope == TransactionScope::Transaction {
            session.prepare(self.scope.begin()).await?;
            marker::remove(&session).await?;
        }
        self.create_event_triggers(&session).await?;
        session.prepare("SET LOCAL synchronous_commit = on").await?;
        commit(&self.server, &session, "the new content of the database").await?;
        session.give_back();
        Ok(())
    }

    /// Makes the event triggers, in the transaction whose end makes them visible: nothing of ours comes after them.
    async fn create_event_triggers(&self, session: &Session) -> Result<(), EngineError> {
        let runner = Runner { scope: TransactionScope::Savepoint, ..self.runner(session) };
        runner.run(&self.plan.event_triggers.iter().collect::<Vec<_>>()).await?;
        if !self.is_scratch {
            return Ok(());
        }
        let what = "cannot disable the event triggers of a scratch database";
        let disabling = session.rows(what, ENABLED_EVENT_TRIGGERS).await?;
        let disabling: Vec<&str> = disabling.iter().map(|row| text(row, 0)).collect();
        session.try_run(&disabling.join(";")).await.map_err(|error| failed(what, error))
    }

    /// Undoes everything that the one transaction of a replacement did, and waits for that; `control` ends it where its
    /// connection was cut.
    pub(crate) async fn roll_back(&self, control: &Session) -> Result<(), EngineError> {
        let rolled_back = async {
            let session = self.pool.lend().await?;
            session.prepare("ROLLBACK").await?;
            session.give_back();
            Ok::<_, EngineError>(())
        };
        if let Ok(Ok(())) = timeout(PATIENCE, rolled_back).await {
            return Ok(());
        }
        match &self.transaction {
            Some(transaction) => transaction.end(control).await,
            None => Ok(()),
        }
    }
}
