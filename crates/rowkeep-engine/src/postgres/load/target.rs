//! A database that is being made.

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Schema, Table, TableKind};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::computed;
use super::copy_in::{Destination, Source};
use super::plan::Plan;
use super::prepare::{CONNECTIONS, Prepared};
use super::restore::Restore;
use super::restore_lock::RestoreLock;
use super::transaction_scope::TransactionScope;
use super::{
    binary, clear, copy_freeze, database, deferred_checks, extension_versions, finish, large_objects,
    make_tables, marker, partition_roots, replace,
};
use crate::apply::stopped;
use crate::postgres::catalog::large_objects::OBJECTS;
use crate::postgres::catalog::sequences;
use crate::postgres::connect::address::Address;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{Contents, CreateOptions, EngineError, ErrorKind, Finished, RowStream, Target};

/// How many tables are loaded at once.
const TABLES: usize = 2;

/// The size from which it is worth the while to load a table in a transaction that empties it first.
const LARGE_BYTES: usize = 1 << 20;

/// A database that is being made.
pub(crate) struct PostgresTarget {
    restore: Restore,
    /// Holds the lock that says that a restore is under way.
    control: Mutex<Option<Session>>,
    large_objects: Mutex<()>,
    made: bool,
    stop: CancellationToken,
}

impl PostgresTarget {
    /// Makes the database, or takes it when it is empty, and creates everything that has to be there before rows.
    ///
    /// When that fails or it is to stop, the database is as it was.
    pub(crate) async fn create(
        address: &Arc<Address>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let lock = RestoreLock::new(address, schema, &options.stop).await?;
        let preparing = Prepared::to_create(&lock, address, schema, options);
        let prepared = unless_stopped(&options.stop, preparing).await;
        Self::of(lock, prepared, schema, options).await
    }

    /// Makes the database again in place of what it holds, up to what has to be there before rows; see
    /// [`replace`].
    pub(crate) async fn replace(
        address: &Arc<Address>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let lock = RestoreLock::new(address, schema, &options.stop).await?;
        let preparing = Prepared::to_replace(&lock, schema, options);
        let prepared = unless_stopped(&options.stop, preparing).await;
        Self::of(lock, prepared, schema, options).await
    }

    async fn of(
        lock: RestoreLock,
        prepared: Result<Prepared, EngineError>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                lock.undo().await;
                return Err(error);
            }
        };
        let RestoreLock { server, control, notes, made } = lock;
        let mut plan = Plan::new(schema);
        if let Some(charset) = control.charset() {
            plan.write_in(charset);
        }
        let restore = Restore::new(server, prepared, notes, plan);
        let (control, stop) = (Mutex::new(Some(control)), options.stop.clone());
        let mut target = Self { restore, control, large_objects: Mutex::default(), made, stop };
        if let Err(error) = unless_stopped(&options.stop, target.create_before()).await {
            // What went wrong first is what matters; the marker stays for the next attempt if this fails too.
            let _ = target.abandon().await;
            return Err(error);
        }
        Ok(target)
    }

    async fn create_before(&mut self) -> Result<(), EngineError> {
        let restore = &mut self.restore;
        let session = restore.pool.lend().await?;
        extension_versions::request(&session, &mut restore.plan, &restore.notes).await?;
        match restore.scope {
            TransactionScope::Transaction => marker::create(&session).await?,
            TransactionScope::Savepoint => replace::clear(&session, &mut restore.plan).await?,
        }
        marker::create_aside(&session, restore.scope).await?;
        session.give_back();
        make_tables::create_before(restore, CONNECTIONS).await?;
        restore.computed = computed::tables(restore).await?;
        let session = restore.pool.lend().await?;
        restore.roots = partition_roots::read(&session).await?;
        session.give_back();
        if restore.leaves_out {
            deferred_checks::defer(restore).await?;
        }
        Ok(())
    }

    async fn load_table(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        if self.restore.notes.lacking_tables().contains(&table.name) {
            return Ok(());
        }
        let root = self.restore.roots.get(&table.name);
        let name = quote::table(root.unwrap_or(&table.name));
        let mut destination = destination(table, &name);
        destination.forms = binary::forms(&table.columns);
        let session = self.restore.pool.lend().await?;
        let (mut source, is_large) = Source::begin(rows, LARGE_BYTES).await?;
        destination.freeze = is_large
            && root.is_none()
            && copy_freeze::begin(&session, self.restore.scope, &destination.what, &name).await?;
        let is_computed = self.restore.computed.contains(&table.name);
        if is_computed {
            session.prepare(computed::USUAL_PATH).await?;
        }
        destination.fill(&session, &mut source).await?;
        if is_computed {
            session.prepare(computed::NO_PATH).await?;
        }
        if root.is_some() {
            // Rows of others may still come into it, so what belongs to it alone is built in the end.
            session.give_back();
            return Ok(());
        }
        if destination.freeze {
            copy_freeze::keep(&session, self.restore.scope, &destination.what).await?;
        }
        let own = self.restore.take_own(&table.name);
        if is_large {
            for statement in &own {
                self.restore.runner(&session).run(&[statement]).await?;
            }
        } else {
            self.restore.runner(&session).run(&own.iter().collect::<Vec<_>>()).await?;
        }
        if let Some(columns) = self.restore.plan.validation_hints.to_analyze(&table.name).filter(|_| is_large)
        {
            // It only helps: what is wrong with the table or the connection, the next statement tells.
            let _ = self.restore.scope.run(&session, &format!("ANALYZE {name} ({columns})")).await;
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
            destination(table, &format!("{}.{}", marker::aside(self.restore.scope), quote::ident(name)));
        let session = self.restore.pool.lend().await?;
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

    fn parallelism_of_small(&self) -> usize {
        CONNECTIONS
    }

    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        match table.kind {
            TableKind::Table | TableKind::Shadow => self.load_table(table, rows).await,
            TableKind::Settings => self.load_aside(table, rows).await,
            TableKind::LargeObjects => {
                let _alone = self.large_objects.lock().await;
                let session = self.restore.pool.lend().await?;
                large_objects::load(&session, self.restore.scope, rows).await?;
                session.give_back();
                Ok(())
            }
        }
    }

    async fn finish(&self) -> Result<Finished, EngineError> {
        let mut control = self.control.lock().await;
        if control.is_none() {
            return Err(ended());
        }
        unless_stopped(&self.stop, finish::finish(&self.restore)).await?;
        self.restore.decide().await?;
        *control = None;
        self.restore.pool.close();
        let notes = &self.restore.notes;
        let lacking: Vec<_> = notes.lacking_tables().into_iter().collect();
        if !lacking.is_empty() {
            let names = lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            notes.add(format!(
                "the rows of {names} are not there, for what these tables are made of is not: once it is and they are made, a \
                 restore of these tables brings their rows"
            ));
        }
        Ok(Finished { notes: notes.words(), left_out: notes.left_out_of_schema(), lacking })
    }

    async fn abandon(&self) -> Result<(), EngineError> {
        let Some(control) = self.control.lock().await.take() else { return Ok(()) };
        let rolled_back = match self.restore.scope {
            TransactionScope::Savepoint => self.restore.roll_back(&control).await,
            TransactionScope::Transaction => Ok(()),
        };
        self.restore.pool.close();
        if self.made {
            drop(control);
            return database::drop(&self.restore.server).await;
        }
        match self.restore.scope {
            TransactionScope::Savepoint => rolled_back,
            // What was being loaded may still hold locks until the server notices that nobody is there any more.
            TransactionScope::Transaction => clear::clear_unfinished(&control).await,
        }
    }
}

/// Does something until it has ended or is to stop; then nothing comes after it.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let done = stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(stopped()))?;
    if stop.is_cancelled() { Err(stopped()) } else { Ok(done) }
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

/// What is in the database that an address names, if there is one.
pub(crate) async fn contents(address: &Arc<Address>) -> Result<Contents, EngineError> {
    match Server::reach(address).await {
        Ok((_, session)) => database::contents(&session).await,
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Contents::Missing),
        Err(error) => Err(error),
    }
}
