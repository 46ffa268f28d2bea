//! Database engines: what rowkeep reads rows from and writes rows to.
//!
//! An [`Engine`] opens a [`View`], one consistent state of a live database, and a [`Target`], a database that is being
//! made from nothing. Both speak of rows in batches; neither knows of chunks, repositories or terminals.

mod apply;
pub mod conformance;
mod definitions;
mod error;
pub mod postgres;
pub mod sort;
pub mod sql;
pub mod sqlite;
pub mod translate;
mod url;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use rowkeep_format::{RowBatch, Schema, Table, TableName};
use serde::{Deserialize, Serialize};

pub use apply::{Applied, AppliedTable, ApplyOptions, ChangeSource, ChangeStream, OnConflict, QueryRows};
pub use definitions::definitions;
pub use error::{EngineError, ErrorKind};
pub use url::{DatabaseUrl, Surroundings, connect};

/// Rows of one table, in batches.
pub type RowStream = BoxStream<'static, Result<RowBatch, EngineError>>;

/// A database that rowkeep can protect, by its URL. Nothing is opened before it is asked for.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine's name as manifests keep it: `postgresql`, `sqlite`.
    fn name(&self) -> &'static str;

    /// The database in words that show no secret: its URL without password, or its path.
    fn describe(&self) -> String;

    /// Looks at the database without changing it and says what would stand in the way of a backup.
    ///
    /// Fails only when it cannot even connect; everything found after that is a [`Finding`].
    async fn examine(&self) -> Result<Examination, EngineError>;

    /// Opens one consistent state of the database; everything read through the view is of one instant.
    ///
    /// Writers are not held up. Dropping the view releases all that it holds.
    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError>;

    /// Whether the database is there and has something in it.
    async fn contents(&self) -> Result<Contents, EngineError>;

    /// Begins to make the database from nothing: creates it where it is missing, refuses it where it is not empty, and
    /// creates everything of the schema that has to be there before rows.
    ///
    /// Until [`Target::finish`] the database is not to be used; a target that is abandoned or dropped, or whose
    /// process is killed, leaves nothing that would stop the next attempt.
    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError>;

    /// Begins to make the database again in place of what it holds, schema included.
    ///
    /// What is there stays as it is until [`Target::finish`] puts the new in its place at once; until then others go on
    /// or are held up, as the engine can. A target that is abandoned or dropped, or whose process is killed, leaves the
    /// database as it was. A database that is missing is made.
    async fn replace(&self, schema: &Schema, options: &CreateOptions)
    -> Result<Arc<dyn Target>, EngineError>;

    /// Changes rows in one transaction: all of the changeset or nothing, also when the process is killed.
    ///
    /// A row that is to be updated or deleted must be as the changeset says it was, and one that is to be inserted
    /// must not be there; a row that already is as it is to become is left alone. Foreign keys hold at the end, or
    /// nothing is changed. Referential actions (`ON DELETE CASCADE`) do not reach rows that the changeset does not
    /// name. Sequences and counters end up past the highest value that was put in.
    ///
    /// Writers of other rows are held up as little as that allows.
    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError>;

    /// Runs one statement that only reads, in a transaction that cannot write, and returns its first rows.
    ///
    /// Dropping the future ends the statement.
    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError>;
}

/// How a consistent state is to be opened.
#[derive(Debug, Clone, Default)]
pub struct ViewOptions {
    /// Whether the DDL is wanted too; it may need tools that reading rows does not.
    pub with_ddl: bool,
}

/// One consistent state of a live database.
#[async_trait]
pub trait View: Send + Sync {
    /// What the database is made of, at this view's instant.
    fn schema(&self) -> &Schema;

    /// Facts about the database and its server worth keeping: version, encoding, size on disk; names in snake case.
    fn environment(&self) -> Vec<(String, String)>;

    /// Where in the database's own history this state lies, such as an LSN.
    fn position(&self) -> Option<String>;

    /// Guesses how many rows and bytes each table has, for progress only.
    fn estimate(&self, table: &TableName) -> Estimate;

    /// How many tables are worth reading at once.
    fn parallelism(&self) -> usize;

    /// Reads all rows of a table in the order of its key (see [`rowkeep_format::key`]).
    ///
    /// May wait for other readings of this view to end. Dropping the stream stops the reading.
    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError>;

    /// Finds the rows whose values in some columns are one of these, without reading the whole table where an index
    /// helps.
    ///
    /// `columns` are indexes into the table's; `values` has one column for each of them. NULL equals NULL here. The rows
    /// come in no particular order, each once, with all columns of the table.
    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError>;

    /// Reads all rows of a table in their physical order, if that is cheaper and probably that of its key.
    ///
    /// Nobody promises that order: who needs it looks at every key (as [`rowkeep_format::cut::Cutter`] does), and at the
    /// first row out of order drops the stream, forgets what it gave and begins again with [`View::rows`]. Nothing
    /// where there is no such way or no such probability.
    async fn rows_in_physical_order(&self, _table: &Table) -> Result<Option<RowStream>, EngineError> {
        Ok(None)
    }

    /// What has to be stored of this view for [`View::changed_since`] to tell later what changed after it, such as an
    /// xmin horizon; nothing where the database cannot tell. To others it means nothing.
    fn horizon(&self) -> Option<String> {
        None
    }

    /// Counts the rows of a table, and those among them that may have changed since an earlier horizon.
    ///
    /// All others were in the table then, each value as it is now; what is not there any more is in neither count.
    /// Nothing where the database cannot tell for sure: the horizon may be another database's, or the table may have
    /// been made, renamed or altered since.
    async fn changed_since(
        &self,
        _table: &Table,
        _horizon: &str,
    ) -> Result<Option<ChangeCount>, EngineError> {
        Ok(None)
    }

    /// Reads the rows that [`View::changed_since`] counts as changed, in no particular order.
    async fn rows_changed_since(&self, table: &Table, _horizon: &str) -> Result<RowStream, EngineError> {
        let message = format!("the database does not tell which rows of table {} changed", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }

    /// Reads of all rows of a table only the columns of its key, in the order of the key's columns and of the key.
    async fn keys(&self, table: &Table) -> Result<RowStream, EngineError> {
        Ok(keys_alone(self.rows(table).await?, table))
    }
}

/// Of rows of a table only the columns of its key.
fn keys_alone(rows: RowStream, table: &Table) -> RowStream {
    let columns: Vec<usize> = table.key.columns.iter().map(|part| part.column).collect();
    rows.map_ok(move |batch| {
        let columns = columns.iter().map(|column| batch.columns()[*column].clone()).collect();
        RowBatch::from_columns(columns, batch.rows()).expect("every column has the batch's number of rows")
    })
    .boxed()
}

/// How much of a table may have changed since an earlier horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeCount {
    /// All rows that there are.
    pub rows: u64,
    /// Those of them that may have changed since.
    pub changed: u64,
}

/// How much there is to read, as far as the database knows without reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What is in a database that is to become the target of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// It does not exist; `create` makes it.
    Missing,
    /// It exists and holds nothing of anybody's.
    Empty,
    /// It holds the remains of a restore that was killed; `create` clears it first.
    Unfinished,
    /// It holds something: some names of what was found.
    Occupied(Vec<String>),
}

/// How a database is to be made.
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// The tables that will be loaded; references to tables that will not be are created without being validated.
    /// `None` stands for all.
    pub loaded: Option<Vec<TableName>>,
    /// Whether other connections to a database that is replaced are ended first, where the engine can do that.
    pub end_connections: bool,
}

/// A database that is being made.
#[async_trait]
pub trait Target: Send + Sync {
    /// How many tables are worth loading at once.
    fn parallelism(&self) -> usize;

    /// Loads all rows of a table, and builds what belongs to it alone. Each table of the schema at most once.
    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError>;

    /// Creates what has to come after all rows (constraints, triggers), sets sequences and settings, and makes the
    /// database durable and visible. Returns what was not restored exactly, in words for people.
    async fn finish(&self) -> Result<Vec<String>, EngineError>;

    /// Leaves the database as it was before [`Engine::create`]. Also done, as well as can be, on drop.
    async fn abandon(&self) -> Result<(), EngineError>;
}

/// What [`Engine::examine`] found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Examination {
    /// Facts: server, version, encoding, size, number of tables.
    pub facts: Vec<(String, String)>,
    /// What was looked at, in order, and how it is.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, such as `read every table`.
    pub what: String,
    /// How grave it is.
    pub level: Level,
    /// What was seen, and what to do about it when it is not well.
    pub detail: String,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; a backup works.
    Warning,
    /// A backup would fail or be incomplete.
    Error,
    /// The same, for the database is damaged.
    Damage,
}
