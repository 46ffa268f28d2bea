//! Making a database.

use async_trait::async_trait;
use rowkeep_format::{Table, TableName};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{EngineError, RowStream};

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

/// A part of a schema that the database does not have, because the server refused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The statement, as the schema has it.
    pub statement: String,
    /// What the server said.
    pub why: String,
    /// What was done instead: a constraint that is not held against the rows that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What completes it, once what stands in the way is gone.
    pub later: String,
}

impl LeftOut {
    /// Whether it is there, but not held against the rows that are there.
    pub fn is_unchecked(&self) -> bool {
        self.instead.as_ref().is_some_and(|instead| instead.contains("NOT VALID"))
    }

    /// In a sentence.
    pub fn told(&self) -> String {
        let Self { statement, why, instead, .. } = self;
        let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        match instead {
            Some(_) if self.is_unchecked() => {
                format!("{why}: rows that are there are not held against {statement}")
            }
            Some(instead) => format!("{why}: {instead} instead of {statement}"),
            None => format!("{why}: left out {statement}"),
        }
    }
}

/// A database that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// What was not restored exactly, in words for people.
    pub notes: Vec<String>,
    /// What the server refused; nothing unless [`CreateOptions::leaves_out`].
    pub left_out: Vec<LeftOut>,
    /// The tables among that, of which no rows are there.
    pub lacking: Vec<TableName>,
}

impl From<Vec<String>> for Finished {
    fn from(notes: Vec<String>) -> Self {
        Self { notes, ..Self::default() }
    }
}

/// The name of the fact among those of [`View::environment`](crate::View::environment) that [`CreateOptions::file_mode`]
/// comes from, in octal digits.
pub const FILE_MODE: &str = "file_mode";

/// How a database is to be made.
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// The tables that will be loaded; references to tables that will not be are created without being validated.
    /// `None` stands for all.
    pub loaded: Option<Vec<TableName>>,
    /// Whether other connections to a database that is replaced are ended first, where the engine can do that.
    pub end_connections: bool,
    /// Whether the database is only to be tried and then removed, so that nothing in it may act on anything else: event
    /// triggers stay disabled, and what connects to other servers is left out.
    pub is_scratch: bool,
    /// Whether the schema lacks tables that other parts of it may need: those are left out with a note.
    pub lacks_definitions: bool,
    /// Whether parts of the schema that the server refuses, and that no table needs to have its rows, are left out and told of in
    /// the end. Otherwise the first of them ends it.
    pub leaves_out: bool,
    /// Whether the schema was translated from another engine's: an index that its rows do not conform to is left out with a note.
    pub is_translated: bool,
    /// What the owner, the group and others may do with the file that is made (`chmod`), where a database is one and there was
    /// none; nothing stands for the owner alone.
    pub file_mode: Option<u32>,
    /// Asks to stop: [`Engine::create`](crate::Engine::create), [`Engine::replace`](crate::Engine::replace) and
    /// [`Target::finish`] then return [`ErrorKind::Stopped`](crate::ErrorKind::Stopped). Loads are stopped by dropping them.
    pub stop: CancellationToken,
}

/// A database that is being made.
#[async_trait]
pub trait Target: Send + Sync {
    /// How many tables are worth loading at once.
    fn parallelism(&self) -> usize;

    /// How many small tables are worth loading at once, whose rows are not what takes the time.
    fn parallelism_of_small(&self) -> usize {
        self.parallelism()
    }

    /// Loads all rows of a table, and builds what belongs to it alone. Each table of the schema at most once.
    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError>;

    /// Creates what has to come after all rows (constraints, triggers), sets sequences and settings, and makes the
    /// database durable and visible. Returns what was not restored exactly.
    ///
    /// The last step makes all of it visible at once. Asked to stop before that, it returns
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped), and the target is to be abandoned; a last step that has begun is
    /// waited for. An error means that the database is not visible, except
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown). Who drops the future does not learn which it is.
    async fn finish(&self) -> Result<Finished, EngineError>;

    /// Leaves the database as it was before [`Engine::create`](crate::Engine::create). Also done, as well as can be, on drop.
    ///
    /// What a server is still doing is cancelled there and waited for, some seconds at most.
    async fn abandon(&self) -> Result<(), EngineError>;
}
