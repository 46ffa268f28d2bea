//! Which database is meant.

use std::path::Path;
use std::sync::Arc;

use rowkeep_engine::{DatabaseUrl, Engine, connect};
use secrecy::ExposeSecret;

use super::Workspace;
use crate::config::Database;
use crate::data_checks::Check;
use crate::jobs::DatabaseRef;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::{Error, RequestError};

/// A database with the name its snapshots have.
pub struct Source {
    /// The name.
    pub name: String,
    /// What it was called in the request: a configured name, a URL or a path.
    pub typed: DatabaseRef,
    /// The database.
    pub engine: Arc<dyn Engine>,
    /// Its tables in or out, where it is configured.
    pub selection: Selection,
    /// What must hold of its data, where it is configured.
    pub checks: Vec<Check>,
}

impl Source {
    /// Where the database is, for whoever is not where this process is: its URL without password, or the whole path of its
    /// file.
    pub(crate) fn target(&self) -> String {
        let described = self.engine.describe();
        match DatabaseUrl::parse(&described) {
            Ok(DatabaseUrl::Sqlite(path)) => path.canonicalize().unwrap_or(path).display().to_string(),
            _ => described,
        }
    }
}

impl Workspace {
    /// The databases that are meant: the one named or given by URL, or else all that are configured.
    pub fn sources(&self, database: Option<&str>) -> Result<Vec<Source>, Error> {
        match database {
            Some(database) => Ok(vec![self.source(database)?]),
            None => self.all()?.iter().map(|name| self.source(name)).collect(),
        }
    }

    /// The names of all databases that are configured, of which there must be one.
    pub(crate) fn all(&self) -> Result<Vec<String>, Error> {
        match self.known() {
            none if none.is_empty() => Err(RequestError::NoDatabase.into()),
            names => Ok(names),
        }
    }

    /// The one database that is meant: the one named or given by URL, or else the only one that is configured.
    pub fn only_source(&self, database: Option<&str>) -> Result<Source, Error> {
        let mut sources = self.sources(database)?;
        match (sources.pop(), sources.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(RequestError::SeveralDatabases { known: self.known() }.into()),
        }
    }

    /// The database that snapshots of this name are of, by the configuration.
    pub fn configured(&self, name: &str) -> Result<Source, Error> {
        match self.config.databases.contains_key(name) {
            true => self.source(name),
            false => Err(RequestError::NotConfigured { name: name.to_owned() }.into()),
        }
    }

    /// The database of a configured name, or else of a URL or path.
    pub fn source(&self, database: &str) -> Result<Source, Error> {
        if let Some(configured) = self.config.databases.get(database) {
            let url = configured.url.value().map_err(|problem| RequestError::NotSet {
                database: database.to_owned(),
                problem: problem.to_owned(),
            })?;
            return Ok(Source {
                name: database.to_owned(),
                typed: database.into(),
                engine: self.engine(url.expose_secret())?,
                selection: configured.selection.clone(),
                checks: configured.checks.clone(),
            });
        }
        let url = DatabaseUrl::parse(database)?;
        if let DatabaseUrl::Sqlite(path) = &url
            && !database.contains(['/', '.', ':'])
            && !path.exists()
        {
            let name = database.to_owned();
            return Err(RequestError::NoSuchDatabase { name, known: self.known() }.into());
        }
        Ok(Source {
            name: name_of(&url),
            typed: database.into(),
            engine: self.engine(database)?,
            selection: Selection::default(),
            checks: Vec::new(),
        })
    }

    /// The name that snapshots of a database have: a configured name, one that snapshots have, or that of a URL or path.
    pub fn name(&self, database: &str, known: &[Snapshot]) -> Result<String, Error> {
        let is_known = known.iter().any(|snapshot| snapshot.manifest.database == database);
        if is_known || self.config.databases.contains_key(database) {
            return Ok(database.to_owned());
        }
        Ok(self.source(database)?.name)
    }

    /// The database of the configuration that a name, URL or path means: by its name, or as the same place.
    pub fn configured_as(&self, database: &str) -> Option<(&str, &Database)> {
        let databases = &self.config.databases;
        if let Some((name, known)) = databases.get_key_value(database) {
            return Some((name, known));
        }
        let mut same = databases
            .iter()
            .filter(|(_, known)| known.url.value().is_ok_and(|url| is_same(url.expose_secret(), database)));
        same.next().map(|(name, known)| (name.as_str(), known))
    }

    /// The names that are configured.
    pub(super) fn known(&self) -> Vec<String> {
        self.config.databases.keys().cloned().collect()
    }

    fn engine(&self, url: &str) -> Result<Arc<dyn Engine>, Error> {
        Ok(connect(&DatabaseUrl::parse(url)?, self.surroundings())?)
    }
}

/// Whether two URLs or paths mean one database, as far as can be told without asking it.
fn is_same(configured: &str, typed: &str) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match (DatabaseUrl::parse(configured), DatabaseUrl::parse(typed)) {
        (Ok(DatabaseUrl::Sqlite(one)), Ok(DatabaseUrl::Sqlite(other))) => place(&one) == place(&other),
        (Ok(DatabaseUrl::Postgres(one)), Ok(DatabaseUrl::Postgres(other))) => {
            one.expose_secret() == other.expose_secret()
        }
        _ => false,
    }
}

/// The name that snapshots of a database have which was given by its URL: the database's own, or the file's.
fn name_of(url: &DatabaseUrl) -> String {
    let fallback = "database";
    match url {
        DatabaseUrl::Sqlite(path) => stem(path).unwrap_or(fallback).to_owned(),
        DatabaseUrl::Postgres(url) => {
            let url = url.expose_secret();
            let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
            // A password may hold a slash or a question mark.
            let place = after_scheme.split_once('@').map_or(after_scheme, |(_, place)| place);
            let before_options = place.split('?').next().unwrap_or_default();
            let name = before_options.split_once('/').map(|(_, name)| name).filter(|name| !name.is_empty());
            name.unwrap_or(fallback).to_owned()
        }
    }
}

fn stem(path: &Path) -> Option<&str> {
    path.file_stem().and_then(|stem| stem.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_called_what_they_call_themselves() {
        for (url, name) in [
            ("postgres://u:p@h:5432/shop?sslmode=require", "shop"),
            ("postgres://u:s3/cr?t@h/shop", "shop"),
            ("postgres://h", "database"),
            ("data/app.db", "app"),
            ("sqlite:/var/lib/app.sqlite3", "app"),
        ] {
            assert_eq!(name_of(&DatabaseUrl::parse(url).expect("it is a URL")), name);
        }
    }
}
