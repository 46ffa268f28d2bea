use std::sync::Arc;

use async_trait::async_trait;

use crate::Engine;

/// What an engine can beside what every engine can; what is asked for of others is left out of the cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Whether rows between two others can be read without all others, where keys are numbers.
    pub reads_between: bool,
}

/// All of it.
impl Default for Abilities {
    fn default() -> Self {
        Self { reads_between: true }
    }
}

/// A kind of database that the cases run on.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Makes a database with nothing in it, another one at each call.
    async fn empty(&self) -> Box<dyn Sandbox>;

    /// The engine for a database that does not exist (but whose server, if it has one, does).
    async fn missing(&self) -> Arc<dyn Engine>;

    /// What its engine can.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// The type of a column of bytes: `bytea`, `blob`.
    fn blob_type(&self) -> &'static str;

    /// A literal of bytes.
    fn blob_literal(&self, bytes: &[u8]) -> String;

    /// Statements that make triggers: after each row that is inserted, updated or deleted in one table, the text `row` is
    /// inserted into the only column of another.
    fn logging_trigger(&self, table: &str, log: &str) -> String;
}

/// One database, gone when it is dropped.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// The engine for it.
    fn engine(&self) -> Arc<dyn Engine>;

    /// Runs one or more statements on a connection of its own, as an application would, and commits. Waits for locks for
    /// some seconds; panics when a statement fails.
    async fn run(&self, sql: &str);

    /// All of the database as its own dump tool prints it; equal databases give equal text.
    async fn dump(&self) -> String;
}
