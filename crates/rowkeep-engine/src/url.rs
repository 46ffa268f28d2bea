use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Where a database is: what people type after `backup` or `--to`.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    engine: &'static str,
    location: Location,
}

/// In which form it says so.
#[derive(Debug, Clone)]
pub enum Location {
    /// A URL. It may hold a password, so its debug form does not show it.
    Url(SecretString),
    /// The path of a file.
    File(PathBuf),
}

impl DatabaseUrl {
    /// A database of an engine, by its URL.
    pub fn of_url(engine: &'static str, url: impl Into<SecretString>) -> Self {
        Self { engine, location: Location::Url(url.into()) }
    }

    /// A database of an engine that keeps each in a file, by the path of that.
    pub fn of_path(engine: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { engine, location: Location::File(path.into()) }
    }

    /// The engine that it is of.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The path of its file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.location {
            Location::Url(_) => None,
            Location::File(path) => Some(path),
        }
    }
}
