//! From what was typed, the environment and the configuration to things that operations take.

mod activity;
mod database;
mod hooks;
mod mask;
mod secret;
mod state;
mod store;
mod wanted;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use rowkeep::engine::{Engine, Surroundings};
use rowkeep::{Config, Context};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::ui;

pub(crate) use database::Source;
pub(crate) use secret::{ask_new, new_slot, passphrase_in};
pub(crate) use state::States;
pub(crate) use wanted::{Chosen, Wanted};

/// One run of the command: what was typed everywhere, and what follows from it.
pub(crate) struct Session {
    pub(crate) global: Global,
    pub(crate) context: Context,
    config: OnceLock<Config>,
}

impl Session {
    pub(crate) fn new(global: Global, cancel: CancellationToken) -> Self {
        let observer = ui::progress::observer(global.quiet);
        Self { global, context: Context::new(observer, cancel), config: OnceLock::new() }
    }

    /// A session with a repository and a key file of its own in a folder, without any configuration or progress.
    pub(crate) fn in_folder(&self, folder: &Path) -> Self {
        let repository = folder.join("rowkeep-repository");
        let global = Global {
            repository: Some(repository.to_string_lossy().into_owned()),
            key_file: Some(folder.join("rowkeep-repository.key")),
            config: None,
            passphrase_file: None,
            store_options: Vec::new(),
            ..self.global.clone()
        };
        Self { global, context: Context::silent(), config: OnceLock::from(Config::default()) }
    }

    /// Prints a result for people, unless silence or JSON is asked for.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.global.quiet && !self.global.json {
            println!("{}", text.as_ref());
        }
    }

    /// Prints a result: as JSON where that is asked for, else for people.
    pub(crate) fn result(&self, json: impl FnOnce() -> serde_json::Value, text: impl FnOnce() -> String) {
        if self.global.json {
            println!("{}", json());
        } else if !self.global.quiet {
            println!("{}", text());
        }
    }

    /// The configuration; an empty one when there is no file and none was named.
    pub(crate) fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let path = self.global.config.clone().unwrap_or_else(|| PathBuf::from("rowkeep.toml"));
        let config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::parse(&text, &path, &|name| std::env::var(name).ok())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.global.config.is_none() => {
                Config::default()
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(self.config.get_or_init(|| config))
    }

    /// The folder where reports are kept: the one named, or `rowkeep-reports` beside the configuration.
    pub(crate) fn reports(&self, named: Option<&Path>) -> PathBuf {
        let beside = self.global.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        named.map_or_else(|| beside.join("rowkeep-reports"), Path::to_owned)
    }

    /// The engine for a database.
    pub(crate) fn engine(&self, url: &str) -> Result<std::sync::Arc<dyn Engine>> {
        let url = rowkeep::engine::DatabaseUrl::parse(url).map_err(rowkeep::Error::from)?;
        Ok(rowkeep::engine::connect(&url, &self.surroundings()).map_err(rowkeep::Error::from)?)
    }

    /// What operations need to know of this machine.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let list = |name: &str| -> Vec<PathBuf> {
            std::env::var_os(name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
        };
        let mut postgres_bin = list("ROWKEEP_PG_BIN");
        postgres_bin.extend(list("PATH"));
        let temporary = std::env::var_os("TMPDIR").map(PathBuf::from);
        Surroundings { postgres_bin, temporary, read_all: self.global.read_all }
    }
}

/// The folder of a repository that is one.
pub(crate) fn folder_of(location: &str) -> Option<&Path> {
    match location.split_once("://") {
        None => Some(Path::new(location)),
        Some(("file", path)) => Some(Path::new(path)),
        Some(_) => None,
    }
}
