//! Where the state of the service is, from what was typed, the environment and the configuration.

use std::path::{Path, PathBuf};

use rowkeep::Config;
use rowkeep::engine::Surroundings;
use rowkeep_server::{Error, StatePlace};
use secrecy::ExposeSecret;

/// What was typed of the state of the service.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StateOptions {
    /// What keeps the service's jobs, tokens and audit: a file, or a PostgreSQL database as postgres://… [default: what [service] says, else
    /// rowkeep-state.db beside rowkeep.toml]
    #[arg(long, env = super::machine::STATE, hide_env_values = true, value_name = "FILE|URL")]
    state: Option<PathBuf>,
    /// The file of the key that seals secrets in the state [default: beside the state, or rowkeep-state.key beside rowkeep.toml]
    #[arg(long, value_name = "FILE")]
    state_key: Option<PathBuf>,
}

impl StateOptions {
    /// Whether it was said which state is meant.
    pub(crate) fn is_named(&self) -> bool {
        self.state.is_some()
    }
}

/// Where the state is.
pub(super) fn state_place(
    typed: &StateOptions,
    config: &Config,
    surroundings: &Surroundings,
) -> Result<StatePlace, Error> {
    let folder = config.folder.clone().unwrap_or_default();
    let typed_state = typed.state.as_ref().filter(|state| !state.as_os_str().is_empty());
    let configured = config.service.state.as_ref().map(|state| PathBuf::from(state.expose_secret()));
    let state = typed_state.cloned().or(configured).unwrap_or_else(|| folder.join("rowkeep-state.db"));
    let place = match url(&state) {
        Some(url) => StatePlace::database(url, folder.join("rowkeep-state.key"), surroundings)?,
        None => StatePlace::file(state),
    };
    let key = typed.state_key.clone().or_else(|| config.service.state_key.clone());
    Ok(match key {
        Some(key) => place.with_key(key),
        None => place,
    })
}

/// The URL of a database, if that is one. What begins like one is none of a file: it may hold a password.
fn url(state: &Path) -> Option<&str> {
    state.to_str().filter(|text| text.starts_with("postgres:") || text.starts_with("postgresql:"))
}
