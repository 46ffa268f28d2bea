//! One consistent state of a database: an exported snapshot that several connections read at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use rowkeep_format::schema::Ddl;
use rowkeep_format::{RowBatch, Schema, Table, TableName};
use tokio::sync::Mutex;

use super::catalog::Relation;
use super::facts::{self, Database};
use super::pg_dump::PgDump;
use super::pool::{Lent, Pool};
use super::reader::{self, Outcome, Reading, Sender};
use super::sequences::{self, Sequence};
use super::session::{Server, Session, text};
use super::{access, ddl, find, large_objects, settings, snapshot, sql};
use crate::sort::{SortOptions, sort};
use crate::{EngineError, ErrorKind, Estimate, RowStream, Surroundings, View};

/// How many tables are read at once.
const CONNECTIONS: usize = 3;

/// How long a reader waits for its lock. Who is in its way waits for the whole view, so there is nothing to wait for.
const LOCK_WAIT_MS: u32 = 100;

/// A PostgreSQL database as it was at one instant.
pub(super) struct PostgresView {
    schema: Schema,
    environment: Vec<(String, String)>,
    position: Option<String>,
    relations: HashMap<TableName, Relation>,
    sequences: Vec<Sequence>,
    large_objects: Estimate,
    standby: bool,
    temporary: Option<PathBuf>,
    snapshot: Arc<Snapshot>,
}

/// What keeps the instant: the connection that holds the snapshot and all locks, and those that share it.
struct Snapshot {
    holder: Mutex<Session>,
    readers: Arc<Pool>,
}

impl Snapshot {
    /// Runs a reading on a reader that was lent for it.
    async fn read_by(&self, reader: Lent, reading: &Reading, to: &Sender) -> Result<(), EngineError> {
        if reader::read(&reader, reading, to).await? == Outcome::Complete {
            reader.give_back();
            return Ok(());
        }
        // Somebody waits to change the table, and new readers queue behind. The holder of the snapshot has its lock
        // already.
        drop(reader);
        let holder = self.holder.lock().await;
        match reader::read(&holder, reading, to).await? {
            Outcome::Complete => Ok(()),
            Outcome::Locked => Err(EngineError::new(
                ErrorKind::Busy,
                format!("cannot read {}: another session holds a lock on it", reading.what),
            )),
        }
    }
}

impl PostgresView {
    /// Opens a view of the state that the database has now.
    pub(super) async fn open(
        server: Server,
        session: Session,
        surroundings: &Surroundings,
        with_ddl: bool,
    ) -> Result<Self, EngineError> {
        let pg_dump = match with_ddl {
            true => Some(PgDump::find(surroundings, session.major).await?),
            false => None,
        };
        let (relations, id) = snapshot::take(&session).await?;
        let sequences = sequences::list(&session).await?;
        let unreadable: Vec<&TableName> =
            sequences.iter().filter(|sequence| !sequence.readable).map(|sequence| &sequence.name).collect();
        access::refuse("sequence", &unreadable)?;
        let standby = session.value("cannot ask for recovery", "SELECT pg_is_in_recovery()").await?;
        let standby = standby.as_deref() == Some("t");
        let position = position(&session, standby).await?;
        let large_objects = estimate_large_objects(&session).await?;
        let database = Database::read(&session).await?;
        let environment = facts::environment(&session, &database).await?;

        let mut tables: Vec<Table> = relations.iter().map(|relation| relation.table.clone()).collect();
        if !sequences.is_empty() {
            tables.push(sequences::table());
        }
        if large_objects.rows > 0 {
            tables.extend([large_objects::objects(), large_objects::data()]);
        }
        let ddl = match &pg_dump {
            Some(pg_dump) => read_ddl(&server, &session, pg_dump, &id, &database).await?,
            None => Vec::new(),
        };
        let prepare = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; {} SET lock_timeout = {LOCK_WAIT_MS}",
            sql::literal(&id),
            settings::reading(session.major)
        );
        let readers = Pool::new(server, prepare, CONNECTIONS);
        Ok(Self {
            schema: Schema { engine: super::NAME.to_owned(), tables, ddl },
            environment,
            position,
            relations: relations
                .into_iter()
                .map(|relation| (relation.table.name.clone(), relation))
                .collect(),
            sequences,
            large_objects,
            standby,
            temporary: surroundings.temporary.clone(),
            snapshot: Arc::new(Snapshot { holder: Mutex::new(session), readers }),
        })
    }

    async fn read(&self, reading: Reading) -> Result<RowStream, EngineError> {
        let reader = self.snapshot.readers.lend().await?;
        let snapshot = self.snapshot.clone();
        Ok(reader::stream(|to| async move { snapshot.read_by(reader, &reading, &to).await }))
    }

    async fn read_sequences(&self) -> Result<RowStream, EngineError> {
        let reader = self.snapshot.readers.lend().await?;
        let sequences: Vec<Sequence> =
            self.sequences.iter().filter(|sequence| !(self.standby && sequence.unlogged)).cloned().collect();
        Ok(reader::stream(|to| async move {
            let batch: RowBatch = sequences::read(&reader, &sequences).await?;
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

    fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
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
        CONNECTIONS
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        if let Some(relation) = self.relations.get(&table.name) {
            if relation.unlogged && self.standby {
                return Ok(futures::stream::empty().boxed());
            }
            let rows = self.read(relation.reading()).await?;
            if relation.order_by.is_some() {
                return Ok(rows);
            }
            let options = SortOptions { folder: self.temporary.clone(), ..SortOptions::default() };
            return Ok(sort(rows, &relation.table, &options));
        }
        match (&table.name.schema, table.name.name.as_str()) {
            (None, sequences::NAME) => self.read_sequences().await,
            (None, large_objects::OBJECTS) => self.read(large_objects::read_objects()).await,
            (None, large_objects::DATA) => self.read(large_objects::read_data()).await,
            _ => Err(EngineError::new(ErrorKind::NotFound, format!("there is no table {}", table.name))),
        }
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let Some(relation) = self.relations.get(&table.name) else {
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
        if values.is_empty() || relation.unlogged && self.standby {
            return Ok(futures::stream::empty().boxed());
        }
        let reader = self.snapshot.readers.lend().await?;
        let types = find::types(&reader, relation, columns).await?;
        let statements = find::statements(relation, columns, &types, values);
        reader.give_back();
        let readings: Vec<Reading> = statements.into_iter().map(|copy| relation.reading_by(copy)).collect();
        let snapshot = self.snapshot.clone();
        Ok(reader::stream(|to| async move {
            for reading in readings {
                let reader = snapshot.readers.lend().await?;
                snapshot.read_by(reader, &reading, &to).await?;
            }
            Ok(())
        }))
    }
}

impl Relation {
    /// How its rows are read, in key order where the server can.
    fn reading(&self) -> Reading {
        let table = sql::table(&self.table.name);
        let columns = sql::idents(self.table.columns.iter().map(|column| column.name.as_str()));
        let plain = self.order_by.is_none() && self.condition.is_none() && !columns.is_empty();
        let copy = if plain {
            format!("COPY {table} ({columns}) TO STDOUT")
        } else {
            let condition = self.condition.as_deref().unwrap_or_default();
            let order = self.order_by.as_ref().map(|order| format!("ORDER BY {order}")).unwrap_or_default();
            format!("COPY (SELECT {columns} FROM ONLY {table} {condition} {order}) TO STDOUT")
        };
        self.reading_by(copy)
    }

    fn reading_by(&self, copy: String) -> Reading {
        Reading {
            what: format!("table {}", self.table.name),
            copy,
            columns: self.table.columns.len(),
            blobs: false,
        }
    }
}

async fn position(session: &Session, standby: bool) -> Result<Option<String>, EngineError> {
    let function = if standby { "pg_last_wal_replay_lsn" } else { "pg_current_wal_lsn" };
    session.value("cannot read the position in the log", &format!("SELECT {function}()")).await
}

async fn estimate_large_objects(session: &Session) -> Result<Estimate, EngineError> {
    let rows = session
        .rows(
            "cannot count the large objects",
            "SELECT count(*), pg_table_size('pg_largeobject') FROM pg_largeobject_metadata",
        )
        .await?;
    let value = |at| rows.first().and_then(|row| text(row, at).parse().ok()).unwrap_or(0);
    Ok(Estimate { rows: value(0), bytes: value(1) })
}

/// The parts of the DDL, in the order in which they run.
async fn read_ddl(
    server: &Server,
    session: &Session,
    pg_dump: &PgDump,
    snapshot: &str,
    database: &Database,
) -> Result<Vec<Ddl>, EngineError> {
    let (before, after) = tokio::try_join!(
        pg_dump.section(server, "pre-data", snapshot, &session.encoding),
        pg_dump.section(server, "post-data", snapshot, &session.encoding),
    )?;
    let has_public = session
        .value("cannot list the schemas", "SELECT 1 FROM pg_namespace WHERE nspname = 'public'")
        .await?;
    let prologue = if has_public.is_some() { "" } else { "DROP SCHEMA IF EXISTS public;\n" };
    let parts = [
        (ddl::DATABASE, database.options()),
        (ddl::PROLOGUE, prologue.to_owned()),
        (ddl::BEFORE, before),
        (ddl::AFTER, after),
        (ddl::REFRESH, facts::refreshes(session).await?),
    ];
    let parts = parts.into_iter().filter(|(_, sql)| !sql.is_empty());
    Ok(parts.map(|(part, sql)| Ddl { part: part.to_owned(), sql }).collect())
}
