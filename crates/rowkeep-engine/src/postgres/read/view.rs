//! One consistent state of a database: an exported snapshot that several connections read at once.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};
use tokio::sync::Mutex;

use super::changed_since::ChangeHistory;
use super::copy_out::{self, ReadingEnd};
use super::find;
use super::large_objects::{read_data, read_objects};
use super::reading::{Reading, Sender};
use super::relation_reading::Order;
use super::sequences::read_values;
use super::snapshot::{self, Exported};
use super::xmin_horizon::XminHorizon;
use crate::postgres::catalog::facts::{self, Database};
use crate::postgres::catalog::relation::Relation;
use crate::postgres::catalog::sequences::{self, Sequence};
use crate::postgres::catalog::tables as catalog_tables;
use crate::postgres::catalog::{identity, large_objects, permissions, unread};
use crate::postgres::connect::pool::{Lent, Pool};
use crate::postgres::connect::pooling::Pooling;
use crate::postgres::connect::row::{number, only, text};
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::postgres::quote;
use crate::postgres::schema::pg_dump::PgDump;
use crate::postgres::schema::{ddl, dump, passed_over};
use crate::rows::keys_alone;
use crate::sort::{SortOptions, sort};
use crate::{
    ChangeCount, Consistency, EngineError, ErrorKind, Estimate, Meant, RowStream, Surroundings, View,
};

/// How many tables are read at once.
const CONNECTIONS: usize = 3;

/// How long a reader waits for its lock. Who is in its way waits for the whole view, so there is nothing to wait for.
const LOCK_WAIT: &str = "100ms";

/// A PostgreSQL database as it was at one instant.
pub(crate) struct PostgresView {
    schema: Schema,
    identity: Identity,
    environment: Vec<(String, String)>,
    roles: Option<HashSet<String>>,
    position: Option<String>,
    history: ChangeHistory,
    relations: HashMap<TableName, Relation>,
    sequences: Vec<Sequence>,
    unread: Vec<Unread>,
    large_objects: Estimate,
    standby: bool,
    reads_all: bool,
    temporary: Option<PathBuf>,
    snapshot: Arc<Snapshot>,
    parallelism: usize,
}

/// What keeps the instant: the connection that holds the snapshot and all locks, and those that share it. Behind a pooler that
/// lends connections for transactions there is only one, which reads too.
struct Snapshot {
    holder: Option<Mutex<Session>>,
    readers: Arc<Pool>,
}

impl Snapshot {
    /// Runs a reading on a reader that was lent for it.
    async fn read_by(&self, reader: Lent, reading: &Reading, to: &Sender) -> Result<(), EngineError> {
        match copy_out::read(&reader, reading, to).await? {
            ReadingEnd::Complete => {
                reader.give_back();
                return Ok(());
            }
            ReadingEnd::Unwanted => return Ok(()),
            ReadingEnd::Locked => {}
        }
        // Somebody waits to change the table, and new readers queue behind. The holder of the snapshot has its lock
        // already.
        drop(reader);
        let locked = || {
            EngineError::new(
                ErrorKind::Busy,
                format!("cannot read {}: another session holds a lock on it", reading.what),
            )
        };
        let holder = self.holder.as_ref().ok_or_else(locked)?.lock().await;
        match copy_out::read_without_interceptor(&holder, reading, to).await? {
            ReadingEnd::Complete | ReadingEnd::Unwanted => Ok(()),
            ReadingEnd::Locked => Err(locked()),
        }
    }
}

impl PostgresView {
    /// Opens a view of the state that the database has now; what is not meant need not be readable.
    pub(crate) async fn open(
        server: Server,
        session: Session,
        surroundings: &Surroundings,
        with_ddl: bool,
        meant: &Meant,
    ) -> Result<Self, EngineError> {
        let pg_dump = match with_ddl {
            true => Some(PgDump::find(surroundings, session.major).await?),
            false => None,
        };
        let run = XminHorizon::run(&session).await;
        let identity = identity::read(&session, server.address.place()).await?;
        let Exported { relations, passed_over, id } = snapshot::take(&session, meant).await?;
        let is_meant = |sequence: &Sequence| {
            let owner = relations.iter().find(|relation| Some(relation.oid) == sequence.owner);
            let is_of_passed_over = passed_over.iter().any(|table| Some(table.oid) == sequence.owner);
            let is_of_meant = owner.is_none_or(|owner| meant.is(&owner.table.name));
            !is_of_passed_over && is_of_meant && meant.is(&sequences::table().name)
        };
        let (sequences, denied): (Vec<Sequence>, Vec<Sequence>) =
            sequences::list(&session).await?.into_iter().partition(|one| one.readable || is_meant(one));
        let unreadable: Vec<&TableName> =
            sequences.iter().filter(|sequence| !sequence.readable).map(|sequence| &sequence.name).collect();
        permissions::refuse("sequence", &unreadable)?;
        let standby = session.value("cannot ask for recovery", "SELECT pg_is_in_recovery()").await?;
        let standby = standby.as_deref() == Some("t");
        let (position, ended) = position(&session, standby).await?;
        let large_objects = estimate_large_objects(&session).await?;
        let database = Database::read(&session).await?;
        let mut environment = facts::environment(&session, &database).await?;
        if standby {
            environment.extend(sequences::steps(&sequences));
        }
        let without = match with_ddl {
            true => passed_over::names(&session, &passed_over, meant).await?,
            false => Vec::new(),
        };
        let denied = (passed_over.as_slice(), without.as_slice(), denied.as_slice());
        let unread = unread::list(&session, standby, &relations, &sequences, denied).await?;

        let mut tables: Vec<Table> = relations.iter().map(|relation| relation.table.clone()).collect();
        if !sequences.is_empty() {
            tables.push(sequences::table());
        }
        if large_objects.rows > 0 {
            tables.extend([large_objects::objects(), large_objects::data()]);
        }
        let inherits = catalog_tables::inherits(&session, &tables).await?;
        let roles = match with_ddl {
            true => Some(facts::roles(&session).await?),
            false => None,
        };
        let ddl = match &pg_dump {
            Some(pg_dump) => dump::read(&server, &session, pg_dump, &id, &database, &without).await?,
            None => Vec::new(),
        };
        let prepare = format!(
            "BEGIN {}; SET TRANSACTION SNAPSHOT {}; {}; SELECT {}",
            snapshot::MODE,
            quote::literal(&id),
            snapshot::settings(session.major, LOCK_WAIT),
            settings::demanded(&settings::NOTHING_PASSED_OVER),
        );
        let (holder, readers, parallelism) = match server.pooling {
            Pooling::None | Pooling::Session => {
                (Some(Mutex::new(session)), Pool::new(server, prepare, CONNECTIONS), CONNECTIONS)
            }
            // Each further one would be one less for applications.
            Pooling::Transaction => {
                session.avoid_prepared().await?;
                session.prepare("SAVEPOINT rowkeep_view").await?;
                (None, Pool::shared(server, session, "rowkeep_view"), 1)
            }
        };
        Ok(Self {
            schema: Schema { engine: ddl::ENGINE.to_owned(), tables, inherits, ddl },
            identity,
            environment,
            roles,
            position,
            history: ChangeHistory::new(
                run.and_then(|run| XminHorizon::of(&ended, &run)),
                surroundings.read_all,
            ),
            relations: relations
                .into_iter()
                .map(|relation| (relation.table.name.clone(), relation))
                .collect(),
            sequences,
            unread,
            large_objects,
            standby,
            reads_all: surroundings.read_all,
            temporary: surroundings.temporary.clone(),
            snapshot: Arc::new(Snapshot { holder, readers }),
            parallelism,
        })
    }

    /// Fails for a table whose rows are not there, which must not be taken for an empty one.
    fn refuse_unlogged(&self, relation: &Relation) -> Result<(), EngineError> {
        if !(relation.unlogged && self.standby) {
            return Ok(());
        }
        let name = &relation.table.name;
        let message =
            format!("rows of {name} cannot be read: it is unlogged, and a standby does not have them");
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }

    fn sort_options(&self) -> SortOptions {
        SortOptions { folder: self.temporary.clone(), ..SortOptions::default() }
    }

    async fn read(&self, reading: Reading) -> Result<RowStream, EngineError> {
        let reader = self.snapshot.readers.lend().await?;
        let snapshot = self.snapshot.clone();
        Ok(copy_out::stream(|to| async move { snapshot.read_by(reader, &reading, &to).await }))
    }

    async fn read_sequences(&self) -> Result<RowStream, EngineError> {
        let reader = self.snapshot.readers.lend().await?;
        let sequences: Vec<Sequence> =
            self.sequences.iter().filter(|sequence| !(self.standby && sequence.unlogged)).cloned().collect();
        Ok(copy_out::stream(|to| async move {
            let batch: RowBatch = read_values(&reader, &sequences).await?;
            reader.give_back();
            if !batch.is_empty() {
                let _ = to.send(batch).await;
            }
            Ok(())
        }))
    }
}

#[async_trait]
impl View for PostgresView {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        self.roles.as_ref()
    }

    fn unread(&self) -> &[Unread] {
        &self.unread
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        self.position.clone()
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        if let Some(relation) = self.relations.get(table) {
            return relation.estimate;
        }
        match (&table.schema, table.name.as_str()) {
            (None, sequences::NAME) => Estimate { rows: self.sequences.len() as u64, bytes: 0 },
            (None, large_objects::OBJECTS) => Estimate { bytes: 0, ..self.large_objects },
            (None, large_objects::DATA) => self.large_objects,
            _ => Estimate::default(),
        }
    }

    fn parallelism(&self) -> usize {
        self.parallelism
    }

    async fn rows_in_physical_order(&self, table: &Table) -> Result<Option<RowStream>, EngineError> {
        match self.relations.get(&table.name) {
            Some(relation) if relation.is_in_physical_order => {
                Ok(Some(self.read(relation.reading(Order::Physical)).await?))
            }
            _ => Ok(None),
        }
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        if let Some(relation) = self.relations.get(&table.name) {
            self.refuse_unlogged(relation)?;
            let rows = self.read(relation.reading(Order::Key)).await?;
            if relation.order_by.is_some() {
                return Ok(rows);
            }
            return Ok(sort(rows, &relation.table, &self.sort_options()));
        }
        match (&table.name.schema, table.name.name.as_str()) {
            (None, sequences::NAME) => self.read_sequences().await,
            (None, large_objects::OBJECTS) => self.read(read_objects()).await,
            (None, large_objects::DATA) => self.read(read_data()).await,
            _ => Err(EngineError::new(ErrorKind::NotFound, format!("there is no table {}", table.name))),
        }
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        let Some(relation) = self.relations.get(&table.name).filter(|known| known.order_by.is_some()) else {
            return Ok(None);
        };
        self.refuse_unlogged(relation)?;
        let key: Vec<usize> = relation.table.key.columns.iter().map(|part| part.column).collect();
        let reader = self.snapshot.readers.lend().await?;
        let types = find::types(&reader, relation, &key).await?;
        reader.give_back();
        match find::statement_between(relation, &types, after, before) {
            Some(copy) => Ok(Some(self.read(relation.reading_by(copy)).await?)),
            None => Ok(None),
        }
    }

    fn reads_all(&self) -> bool {
        self.reads_all
    }

    fn horizon(&self) -> Option<String> {
        self.history.horizon()
    }

    async fn changed_since(&self, table: &Table, horizon: &str) -> Result<Option<ChangeCount>, EngineError> {
        match self.relations.get(&table.name) {
            Some(relation) => self.history.changed(&self.snapshot.readers, relation, horizon).await,
            None => Ok(None),
        }
    }

    async fn ask_changed_since(&self, tables: &[&Table], horizon: &str) {
        let relations: Vec<&Relation> =
            tables.iter().filter_map(|table| self.relations.get(&table.name)).collect();
        self.history.ask(&self.snapshot.readers, &relations, horizon).await;
    }

    async fn rows_changed_since(&self, table: &Table, horizon: &str) -> Result<RowStream, EngineError> {
        match (self.relations.get(&table.name), self.history.earlier(horizon)) {
            // The server would go through an index to give them in order, and they are few.
            (Some(relation), Some(earlier)) => {
                let rows = self.read(relation.reading_by(relation.copy_of_changed_rows(&earlier))).await?;
                Ok(sort(rows, &relation.table, &self.sort_options()))
            }
            _ => Err(EngineError::new(
                ErrorKind::Unsupported,
                format!("the server does not tell which rows of table {} changed", table.name),
            )),
        }
    }

    async fn keys(&self, table: &Table) -> Result<RowStream, EngineError> {
        // Where the server cannot give their order, they are taken out of the sorted rows.
        match self.relations.get(&table.name) {
            Some(relation) if relation.order_by.is_some() => {
                self.refuse_unlogged(relation)?;
                let columns = relation.table.key.columns.len();
                self.read(Reading { columns, ..relation.reading_by(relation.copy_of_keys()) }).await
            }
            _ => Ok(keys_alone(self.rows(table).await?, table)),
        }
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let Some(relation) = self.relations.get(&table.name).filter(|relation| relation.is_queried) else {
            return Ok(find::among(self.rows(table).await?, columns.to_vec(), values));
        };
        if columns.len() != values.columns().len()
            || columns.iter().any(|column| *column >= relation.table.columns.len())
        {
            return Err(EngineError::new(
                ErrorKind::Other,
                format!("the values to find in table {} are not of its columns", table.name),
            ));
        }
        if values.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        self.refuse_unlogged(relation)?;
        let reader = self.snapshot.readers.lend().await?;
        let types = find::types(&reader, relation, columns).await?;
        let statements = find::statements(relation, columns, &types, values);
        reader.give_back();
        let readings: Vec<Reading> = statements.into_iter().map(|copy| relation.reading_by(copy)).collect();
        let snapshot = self.snapshot.clone();
        Ok(copy_out::stream(|to| async move {
            for reading in readings {
                let reader = snapshot.readers.lend().await?;
                snapshot.read_by(reader, &reading, &to).await?;
            }
            Ok(())
        }))
    }
}

/// The position in the log, and which transactions have ended in the session's snapshot.
async fn position(session: &Session, standby: bool) -> Result<(Option<String>, String), EngineError> {
    let function = if standby { "pg_last_wal_replay_lsn" } else { "pg_current_wal_lsn" };
    let query = format!("SELECT pg_current_snapshot(), {function}()");
    let rows = session.rows("cannot read the position in the log", &query).await?;
    let row = only(&rows, "the position in the log")?;
    Ok((row[1].clone(), text(row, 0).to_owned()))
}

async fn estimate_large_objects(session: &Session) -> Result<Estimate, EngineError> {
    let rows = session
        .rows(
            "cannot count the large objects",
            "SELECT count(*), pg_table_size('pg_largeobject') FROM pg_largeobject_metadata",
        )
        .await?;
    let row = only(&rows, "the number of large objects")?;
    Ok(Estimate {
        rows: number(row, 0, "the number of large objects")?,
        bytes: number(row, 1, "the size of the large objects")?,
    })
}
