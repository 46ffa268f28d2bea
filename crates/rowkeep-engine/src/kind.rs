//! Kinds of databases.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::dialect::Dialect;
use crate::scratch::{ScratchPlace, ScratchWanted};
use crate::{DatabaseUrl, Engine, EngineError, Surroundings};

/// A kind of databases: what is known of an engine before any of its databases is.
pub trait Kind: Send + Sync {
    /// The engine's name as manifests keep it: that of [`Engine::name`].
    fn name(&self) -> &'static str;

    /// What the values, names and statements of its databases mean.
    fn dialect(&self) -> &'static dyn Dialect;

    /// How URLs of its databases begin, the best known first; of databases that are on a server or another service, with `//` at
    /// the end.
    fn schemes(&self) -> &'static [&'static str];

    /// Reads what people type. Nothing where it is no URL of this engine; an error where it was meant as one.
    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError>;

    /// The engine for a database of it.
    fn connect(&self, url: &DatabaseUrl, surroundings: &Surroundings)
    -> Result<Arc<dyn Engine>, EngineError>;

    /// A URL with what it leaves to its surroundings, as the engine's own programs would have it.
    fn completed(&self, url: DatabaseUrl, _surroundings: &Surroundings) -> Result<DatabaseUrl, EngineError> {
        Ok(url)
    }

    /// The variable of the environment whose secret would be sent to a database, because its URL has none; nothing where none would.
    fn secret_of_environment(
        &self,
        _url: &DatabaseUrl,
        _surroundings: &Surroundings,
    ) -> Option<&'static str> {
        None
    }

    /// Whether states of its databases arrive by themselves, so that none can be fetched.
    fn arrives(&self) -> bool {
        false
    }

    /// What a database calls itself, by its URL; nothing where that does not say it.
    fn name_of(&self, url: &DatabaseUrl) -> Option<String>;

    /// A URL for a new database beside another, whose name is the other's with a suffix.
    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String;

    /// What a file is that is a database of this engine, in words with an article; nothing where databases are no files.
    fn file(&self) -> Option<&'static str> {
        None
    }

    /// Whether a file is such a database.
    fn recognise(&self, _file: &Path) -> bool {
        false
    }

    /// A server's place for scratch databases, by a URL of any database of the server; nothing where the engine has no servers.
    fn scratch_on(
        &self,
        _server: &SecretString,
        _surroundings: &Surroundings,
    ) -> Result<Option<Box<dyn ScratchPlace>>, EngineError> {
        Ok(None)
    }

    /// A place for scratch databases in a folder of its own; blocks.
    fn scratch_in(
        &self,
        folder: &Path,
        wanted: &ScratchWanted,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError>;

    /// Ends what such a place left running whose maker is dead; blocks.
    fn end_scratch(&self, _folder: &Path, _surroundings: &Surroundings) {}
}
