//! Where a state is, and where its key is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rowkeep::clock::Clock;
use rowkeep::engine::Surroundings;
use rowkeep::engine::postgres::OwnDatabase;

use crate::Error;

/// Where the state of a service is: a file of SQLite, or a schema of a PostgreSQL database; and the file of its key.
#[derive(Debug, Clone)]
pub struct StatePlace {
    pub(super) of: Of,
    key: PathBuf,
}

/// In what it is.
#[derive(Debug, Clone)]
pub(super) enum Of {
    File(PathBuf),
    Database { database: OwnDatabase, clock: Arc<dyn Clock> },
}

impl StatePlace {
    /// A file; its key is beside it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { key: beside(&path, ".key"), of: Of::File(path) }
    }

    /// A PostgreSQL database, by a URL as libpq reads it. The schema is `rowkeep`, or what `options=-csearch_path=NAME` says.
    pub fn database(url: &str, key: impl Into<PathBuf>, surroundings: &Surroundings) -> Result<Self, Error> {
        let database = OwnDatabase::new(url, surroundings).map_err(rowkeep::Error::from)?;
        let clock = Arc::clone(&surroundings.clock);
        Ok(Self { of: Of::Database { database, clock }, key: key.into() })
    }

    /// The same with its key in another file.
    pub fn with_key(self, key: impl Into<PathBuf>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// The file of its key.
    pub(crate) fn key_file(&self) -> &Path {
        &self.key
    }

    /// The file that it is, if it is one.
    pub fn as_file(&self) -> Option<&Path> {
        match &self.of {
            Of::File(path) => Some(path),
            Of::Database { .. } => None,
        }
    }

    /// A file for a while, beside it or its key.
    pub(crate) fn beside(&self, more: &str) -> PathBuf {
        beside(self.as_file().unwrap_or(&self.key), more)
    }
}

/// The path, or the URL without password and settings.
impl fmt::Display for StatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Of::File(path) => path.display().fmt(f),
            Of::Database { database, .. } => database.fmt(f),
        }
    }
}

/// A file beside another: its name with more behind it.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
