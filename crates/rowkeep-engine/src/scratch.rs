//! Databases that are made to be tried and then removed.

use async_trait::async_trait;
use rowkeep_format::Schema;
use secrecy::SecretString;

use crate::{Engine, EngineError};

/// Where scratch databases of an engine are made. What it keeps running ends when this is dropped, which may block.
#[async_trait]
pub trait ScratchPlace: Send + Sync {
    /// Where the databases are, in words that show no secret.
    fn describe(&self) -> String;

    /// Removes databases whose makers are dead; `seconds` is the time since 1970.
    async fn clear(&self, _seconds: u64) -> Result<Cleared, EngineError> {
        Ok(Cleared::default())
    }

    /// Makes a place for a database; of a server, an empty one like that which the schema is of. `random` tells it from others.
    async fn make(
        &self,
        schema: &Schema,
        seconds: u64,
        random: u64,
    ) -> Result<Box<dyn ScratchDatabase>, EngineError>;
}

/// A scratch database.
#[async_trait]
pub trait ScratchDatabase: Send + Sync {
    /// The engine for it.
    fn engine(&self) -> &dyn Engine;

    /// Removes it, whoever is connected.
    async fn remove(self: Box<Self>) -> Result<(), EngineError>;
}

/// What was left by makers that are dead, in words.
#[derive(Debug, Clone, Default)]
pub struct Cleared {
    /// What was removed.
    pub removed: Vec<String>,
    /// What could not be, each with why.
    pub left: Vec<String>,
}

/// What has to be known to make a place for scratch databases in a folder.
#[derive(Debug, Clone)]
pub struct ScratchWanted {
    /// The version of the server that the databases came from, where they came from one.
    pub server_version: Option<String>,
    /// A password that nobody else knows.
    pub secret: SecretString,
}
