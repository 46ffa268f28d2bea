//! Which database is meant.

use std::sync::Arc;

use rowkeep_engine::{DatabaseUrl, Engine, completed, connect, place};
use rowkeep_repository::Catalog;
use secrecy::ExposeSecret;

use super::Workspace;
use crate::config::Database;
use crate::data_checks::Check;
use crate::jobs::DatabaseRef;
use crate::state::owner::{Owner, meant};
use crate::state::selection::Selection;
use crate::{Error, RequestError};

/// A database with the name its snapshots have.
pub struct Source {
    /// The name.
    pub name: String,
    /// Whether the configuration gives it that name.
    pub configured: bool,
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
    /// Whose snapshots it has: the database is asked what it is.
    pub(crate) async fn owner(&self) -> Owner {
        Owner::live(&*self.name, self.configured, self.engine.as_ref()).await
    }

    /// Where the database is, for whoever is not where this process is: its URL without password, or the whole path of its
    /// file.
    pub(crate) fn target(&self) -> String {
        let described = self.engine.describe();
        match DatabaseUrl::parse(&described).ok().as_ref().and_then(DatabaseUrl::path) {
            Some(path) => path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string(),
            None => described,
        }
    }
}

impl Workspace {
    /// What the databases that are meant are called: the one named or given by URL, or else all that are configured, of which
    /// there must be one.
    pub(crate) fn named(&self, database: Option<&str>) -> Result<Vec<String>, Error> {
        match (database, self.known()) {
            (Some(database), _) => Ok(vec![database.to_owned()]),
            (None, known) if known.is_empty() => Err(RequestError::NoDatabase.into()),
            (None, known) => Ok(known),
        }
    }

    /// The one database that is meant: the one named or given by URL, or else the only one that is configured.
    pub fn only_source(&self, database: Option<&str>) -> Result<Source, Error> {
        match self.named(database)?.as_slice() {
            [only] => self.source(only),
            several => Err(RequestError::SeveralDatabases { known: several.to_vec() }.into()),
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
                configured: true,
                typed: database.into(),
                engine: self.engine(url.expose_secret())?,
                selection: configured.selection.clone(),
                checks: configured.checks.clone(),
            });
        }
        let url = completed(DatabaseUrl::parse(database)?, self.surroundings())?;
        if let Some(path) = url.path()
            && !database.contains(['/', '.', ':'])
            && !path.exists()
        {
            let name = database.to_owned();
            return Err(RequestError::NoSuchDatabase { name, known: self.known() }.into());
        }
        let configured = self.configured_as(database).map(|(name, _)| name.to_owned());
        Ok(Source {
            configured: configured.is_some(),
            name: configured.unwrap_or_else(|| name_of(&url)),
            typed: database.into(),
            engine: self.engine(database)?,
            selection: Selection::default(),
            checks: Vec::new(),
        })
    }

    /// Whose snapshots are meant by a configured name, a name that snapshots have, or a URL or path. The database is not
    /// asked: it may be gone.
    pub fn owner(&self, database: &str, known: &Catalog) -> Result<Owner, Error> {
        if !self.config.databases.contains_key(database)
            && let Some(owner) = meant(known, database)?
        {
            return Ok(owner);
        }
        let source = self.source(database)?;
        Ok(Owner::unasked(source.name, source.configured, source.engine.as_ref()))
    }

    /// The database of the configuration that a name, URL or path means: by its name, by its URL, or as the only one at the
    /// same place.
    pub fn configured_as(&self, database: &str) -> Option<(&str, &Database)> {
        let databases = &self.config.databases;
        if let Some((name, known)) = databases.get_key_value(database) {
            return Some((name, known));
        }
        let is_same = |known: &Database| known.url.value().is_ok_and(|url| url.expose_secret() == database);
        let mut same = databases.iter().filter(|(_, known)| is_same(known));
        if let Some((name, known)) = same.next() {
            return Some((name, known));
        }
        let place = self.place_of(database)?;
        let at_place = |known: &Database| {
            let there = known.url.value().ok().and_then(|url| self.place_of(url.expose_secret()));
            there.as_ref() == Some(&place)
        };
        let mut there = databases.iter().filter(|(_, known)| at_place(known));
        let (name, known) = there.next()?;
        there.next().is_none().then_some((name, known))
    }

    /// Whose snapshots are those of this configuration, and of what else is named; none where that is nobody's.
    pub(crate) fn ours(&self, database: Option<&str>) -> Option<Vec<Owner>> {
        let known = self.known();
        let sources =
            known.iter().map(String::as_str).chain(database).filter_map(|name| self.source(name).ok());
        let ours: Vec<Owner> = sources
            .map(|source| Owner::unasked(source.name, source.configured, source.engine.as_ref()))
            .collect();
        (!ours.is_empty()).then_some(ours)
    }

    /// The names that are configured.
    pub(super) fn known(&self) -> Vec<String> {
        self.config.databases.keys().cloned().collect()
    }

    fn engine(&self, url: &str) -> Result<Arc<dyn Engine>, Error> {
        Ok(connect(&DatabaseUrl::parse(url)?, self.surroundings())?)
    }

    /// Where a URL or path means a database to be, as far as can be told without asking it.
    fn place_of(&self, database: &str) -> Option<String> {
        place(&completed(DatabaseUrl::parse(database).ok()?, self.surroundings()).ok()?).ok()
    }
}

/// The name that snapshots of a database have which was given by its URL: the database's own, or the file's.
fn name_of(url: &DatabaseUrl) -> String {
    url.name().unwrap_or_else(|| "database".to_owned())
}
