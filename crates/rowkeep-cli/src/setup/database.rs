//! Which database is meant.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rowkeep::data_checks::Check;
use rowkeep::engine::{DatabaseUrl, Engine};
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;

use super::Session;
use crate::fail::CommandError;

/// A database with the name its snapshots have.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) selection: Selection,
    pub(crate) checks: Vec<Check>,
}

impl Session {
    /// The databases that were meant: the one named or given by URL, or else all that are configured.
    pub(crate) fn sources(&self, database: Option<&str>) -> Result<Vec<Source>> {
        let config = self.config()?;
        match database {
            Some(database) => Ok(vec![self.source(database)?]),
            None if config.databases.is_empty() => Err(CommandError::usage("no database is named")
                .with_hint("give a URL or a path, or name databases in rowkeep.toml")
                .into()),
            None => config.databases.keys().map(|name| self.source(name)).collect(),
        }
    }

    /// The one database that was meant: the one named or given by URL, or else the only one that is configured.
    pub(crate) fn only_source(&self, database: Option<&str>) -> Result<Source> {
        let mut sources = self.sources(database)?;
        match (sources.pop(), sources.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => {
                let known: Vec<&str> = self.config()?.databases.keys().map(String::as_str).collect();
                Err(CommandError::usage("several databases are configured")
                    .with_hint(format!("say which: {}", known.join(", ")))
                    .into())
            }
        }
    }

    /// The database that snapshots of this name are of, by the configuration.
    pub(crate) fn configured(&self, name: &str) -> Result<Source> {
        if self.config()?.databases.contains_key(name) {
            return self.source(name);
        }
        let message = format!("rowkeep.toml has no database {name}, so it is not known where to restore to");
        Err(CommandError::usage(message).with_hint("give the URL or path with --to").into())
    }

    /// The database of a configured name, or else of a URL or path.
    pub(crate) fn source(&self, database: &str) -> Result<Source> {
        if let Some(configured) = self.config()?.databases.get(database) {
            let engine = self.engine(&configured.url)?;
            return Ok(Source {
                name: database.to_owned(),
                engine,
                selection: configured.selection.clone(),
                checks: configured.checks.clone(),
            });
        }
        let url = DatabaseUrl::parse(database).map_err(rowkeep::Error::from)?;
        if let DatabaseUrl::Sqlite(path) = &url
            && !database.contains(['/', '.', ':'])
            && !path.exists()
        {
            let known: Vec<&str> = self.config()?.databases.keys().map(String::as_str).collect();
            let hint = match known.as_slice() {
                [] => "there is no rowkeep.toml with names; give a URL or the path of a file".to_owned(),
                known => format!("rowkeep.toml names {}", known.join(", ")),
            };
            let message = format!("no database {database}: no such file, and no such name in rowkeep.toml");
            return Err(CommandError::usage(message).with_hint(hint).into());
        }
        Ok(Source {
            name: name_of(&url),
            engine: self.engine(database)?,
            selection: Selection::default(),
            checks: Vec::new(),
        })
    }

    /// The name that snapshots of a database have: a configured name, one that snapshots have, or that of a URL or path.
    pub(crate) fn name(&self, database: &str, known: &[Snapshot]) -> Result<String> {
        let is_known = known.iter().any(|snapshot| snapshot.manifest.database == database);
        if is_known || self.config()?.databases.contains_key(database) {
            return Ok(database.to_owned());
        }
        Ok(self.source(database)?.name)
    }
}

/// The name that snapshots of a database have which was given by its URL: the database's own, or the file's.
fn name_of(url: &DatabaseUrl) -> String {
    let fallback = "database";
    match url {
        DatabaseUrl::Sqlite(path) => stem(path).unwrap_or(fallback).to_owned(),
        DatabaseUrl::Postgres(url) => {
            let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let before_options = after_scheme.split('?').next().unwrap_or_default();
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
            ("postgres://h", "database"),
            ("data/app.db", "app"),
            ("sqlite:/var/lib/app.sqlite3", "app"),
        ] {
            assert_eq!(name_of(&DatabaseUrl::parse(url).expect("it is a URL")), name);
        }
    }
}
