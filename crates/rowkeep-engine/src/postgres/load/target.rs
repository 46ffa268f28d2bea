//! A database that is being made.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rowkeep_format::{Schema, Table, TableKind, TableName};

use super::copy_in::{Destination, Source};
use super::notes::Notes;
use super::plan::Plan;
use super::restore_lock::{RestoreLock, compare_encoding};
use super::statement_runner::Runner;
use super::transaction_scope::TransactionScope;
use super::{binary, copy_freeze, database, finish, large_objects, marker, replace};
use crate::postgres::catalog::large_objects::OBJECTS;
use crate::postgres::catalog::{objects, sequences};
use crate::postgres::connect::address::Address;
use crate::postgres::connect::pool::Pool;
use crate::postgres::connect::session::{Server, Session, text};
use crate::postgres::connect::{failure, settings, terminate};
use crate::postgres::quote;
use crate::postgres::schema::ddl;
use crate::postgres::schema::script::Statement;
use crate::{Contents, CreateOptions, EngineError, ErrorKind, RowStream, Target};

/// How many tables are loaded at once.
const TABLES: usize = 2;

/// How many connections there are besides the one that holds the lock.
const CONNECTIONS: usize = 4;

/// The size from which it is worth the while to load a table in a transaction that empties it first.
const LARGE_BYTES: usize = 1 << 20;

/// A database that is being made.
pub(crate) struct PostgresTarget {
    pub(crate) server: Server,
    /// Holds the lock that says that a restore is under way.
    pub(crate) control: tokio::sync::Mutex<Option<Session>>,
    /// Where everything is done.
    pub(crate) pool: Arc<Pool>,
    /// What a piece of it is to the whole.
    pub(crate) scope: TransactionScope,
    pub(crate) plan: Plan,
    pub(crate) roles: HashSet<String>,
    pub(crate) notes: Notes,
    /// The tables that have or will have their rows.
    pub(crate) loaded: HashSet<TableName>,
    of_tables: Mutex<HashMap<TableName, Vec<Statement>>>,
    large_objects: tokio::sync::Mutex<()>,
    made: bool,
}

impl PostgresTarget {
    /// Makes the database, or takes it when it is empty, and creates everything that has to be there before rows.
    ///
    /// When that fails, the database is as it was.
    pub(crate) async fn create(
        address: &Arc<Address>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let lock = RestoreLock::new(address, schema).await?;
        match database::contents(&lock.control).await? {
            Contents::Occupied(names) => {
                return Err(EngineError::new(
                    ErrorKind::NotEmpty,
                    format!("{address} is not empty: it holds {}", names.join(", ")),
                ));
            }
            Contents::Unfinished => objects::clear_unfinished(&lock.control).await?,
            Contents::Empty | Contents::Missing => {}
        }
        let prepare = settings::loading(lock.control.major);
        let pool = Pool::new(lock.server.clone(), prepare, CONNECTIONS);
        Self::of(lock, pool, TransactionScope::Transaction, schema, options).await
    }

    /// Makes the database again in place of what it holds, up to what has to be there before rows; see
    /// [`replace`](super::replace).
    pub(crate) async fn replace(
        address: &Arc<Address>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let lock = RestoreLock::new(address, schema).await?;
        if options.end_connections {
            terminate::end(&lock.control).await?.into_iter().for_each(|note| lock.notes.add(note));
        }
        if marker::is_there(&lock.control).await? {
            objects::end_others(&lock.control).await?;
        }
        let session = lock.server.connect().await?;
        session.prepare(&settings::replacing(session.major)).await?;
        session.prepare(TransactionScope::Transaction.begin()).await?;
        let pool = Pool::of_one(lock.server.clone(), session);
        Self::of(lock, pool, TransactionScope::Savepoint, schema, options).await
    }

    async fn of(
        lock: RestoreLock,
        pool: Arc<Pool>,
        scope: TransactionScope,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let RestoreLock { server, control, notes, made } = lock;
        compare_encoding(&control, schema.ddl(ddl::DATABASE), &notes).await?;
        let tables = schema.tables.iter().map(|table| &table.name);
        let loaded = match &options.loaded {
            Some(names) => names.iter().cloned().collect(),
            None => tables.cloned().collect(),
        };
        let mut target = Self {
            roles: roles(&control).await?,
            server,
            control: tokio::sync::Mutex::new(Some(control)),
            pool,
            scope,
            plan: Plan::new(schema),
            notes,
            loaded,
            of_tables: Mutex::default(),
            large_objects: tokio::sync::Mutex::default(),
            made,
        };
        target.of_tables = Mutex::new(std::mem::take(&mut target.plan.of_tables));
        if let Err(error) = target.create_before().await {
            // What went wrong first is what matters; the marker stays for the next attempt if this fails too.
            let _ = target.abandon().await;
            return Err(error);
        }
        Ok(target)
    }

    async fn create_before(&mut self) -> Result<(), EngineError> {
        let session = self.pool.lend().await?;
        match self.scope {
            TransactionScope::Transaction => marker::create(&session).await?,
            TransactionScope::Savepoint => replace::clear(&session, &mut self.plan).await?,
        }
        marker::create_aside(&session, self.scope).await?;
        let statements: Vec<&Statement> = self.plan.before.iter().collect();
        self.runner(&session).run(&statements).await?;
        session.give_back();
        Ok(())
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

    async fn load_table(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        let name = quote::table(&table.name);
        let mut destination = destination(table, &name);
        destination.forms = binary::forms(&table.columns);
        let session = self.pool.lend().await?;
        let (mut source, is_large) = Source::begin(rows, LARGE_BYTES).await?;
        destination.freeze =
            is_large && copy_freeze::begin(&session, self.scope, &destination.what, &name).await?;
        destination.fill(&session, &mut source).await?;
        if destination.freeze {
            copy_freeze::keep(&session, self.scope, &destination.what).await?;
        }
        let own = self.take_own(&table.name);
        for statement in &own {
            self.runner(&session).run(&[statement]).await?;
        }
        if let Some(columns) = self.plan.validation_hints.to_analyze(&table.name).filter(|_| is_large) {
            // It only helps: what is wrong with the table or the connection, the next statement tells.
            let _ = self.scope.run(&session, &format!("ANALYZE {name} ({columns})")).await;
        }
        session.give_back();
        Ok(())
    }

    /// Keeps the rows of a table that stands for something else; what they say is done in the end.
    async fn load_aside(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        let name = table.name.name.as_str();
        if ![sequences::NAME, OBJECTS].contains(&name) {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                format!("{} is nothing that this version of rowkeep can put back", table.name),
            ));
        }
        let destination =
            destination(table, &format!("{}.{}", marker::aside(self.scope), quote::ident(name)));
        let session = self.pool.lend().await?;
        let (mut source, _) = Source::begin(rows, 0).await?;
        destination.fill(&session, &mut source).await?;
        session.give_back();
        Ok(())
    }
}

#[async_trait]
impl Target for PostgresTarget {
    fn parallelism(&self) -> usize {
        TABLES
    }

    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        match table.kind {
            TableKind::Table | TableKind::Shadow => self.load_table(table, rows).await,
            TableKind::Settings => self.load_aside(table, rows).await,
            TableKind::LargeObjects => {
                let _alone = self.large_objects.lock().await;
                let session = self.pool.lend().await?;
                large_objects::load(&session, self.scope, rows).await?;
                session.give_back();
                Ok(())
            }
        }
    }

    async fn finish(&self) -> Result<Vec<String>, EngineError> {
        let mut control = self.control.lock().await;
        if control.is_none() {
            return Err(ended());
        }
        finish::finish(self).await?;
        if self.scope == TransactionScope::Savepoint {
            self.commit().await?;
        }
        *control = None;
        self.pool.close();
        Ok(self.notes.words())
    }

    async fn abandon(&self) -> Result<(), EngineError> {
        let Some(control) = self.control.lock().await.take() else { return Ok(()) };
        let left = match self.scope {
            TransactionScope::Savepoint => self.roll_back().await,
            TransactionScope::Transaction => Ok(()),
        };
        self.pool.close();
        if self.made {
            drop(control);
            return database::drop(&self.server).await;
        }
        match self.scope {
            TransactionScope::Savepoint => left,
            // What was being loaded may still hold locks until the server notices that nobody is there any more.
            TransactionScope::Transaction => objects::clear_unfinished(&control).await,
        }
    }
}

/// What begins and ends the one transaction of a replacement.
impl PostgresTarget {
    async fn commit(&self) -> Result<(), EngineError> {
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

    /// Undoes everything. A connection that is gone has undone it.
    async fn roll_back(&self) -> Result<(), EngineError> {
        let Ok(session) = self.pool.lend().await else { return Ok(()) };
        session.prepare("ROLLBACK").await
    }
}

fn ended() -> EngineError {
    EngineError::new(ErrorKind::Other, "the restore has ended already")
}

/// Where rows of a table go.
fn destination(table: &Table, name: &str) -> Destination {
    let columns = quote::idents(table.columns.iter().map(|column| column.name.as_str()));
    let columns = if columns.is_empty() { columns } else { format!(" ({columns})") };
    Destination {
        what: format!("table {}", table.name),
        into: format!("{name}{columns}"),
        forms: None,
        freeze: false,
    }
}

async fn roles(session: &Session) -> Result<HashSet<String>, EngineError> {
    let rows = session.rows("cannot list the roles", "SELECT rolname FROM pg_catalog.pg_roles").await?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// What is in the database that an address names, if there is one.
pub(crate) async fn contents(address: &Arc<Address>) -> Result<Contents, EngineError> {
    match Server::reach(address).await {
        Ok((_, session)) => database::contents(&session).await,
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Contents::Missing),
        Err(error) => Err(error),
    }
}
