//! From what was typed, the environment and the configuration to what jobs work in.

mod machine;
mod passphrase;
mod state_place;
mod store;
mod wanted;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use rowkeep::config::{Addition, Combined};
use rowkeep::jobs::workspace::{Circumstances, Other, Secrets, Workspace};
use rowkeep::repository::Passphrase;
use rowkeep::units::plain;
use rowkeep::{Config, Context, Observer};
use rowkeep_server::{Configuration, StatePlace};
use secrecy::SecretString;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::fail;
use crate::out;
use crate::wrap::{width_of_results, wrapped};

pub(crate) use machine::withheld;
pub(crate) use state_place::StateOptions;
pub(crate) use wanted::{Chosen, Wanted, masked};

/// What was typed of another repository.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) store_options: Vec<(String, SecretString)>,
}

/// One run of the command: what was typed everywhere, and what follows from it.
pub(crate) struct Session {
    pub(crate) global: Global,
    pub(crate) context: Context,
    stop: CancellationToken,
    /// Whether it has nothing to do with what else is on this machine.
    is_apart: bool,
    config: OnceLock<Config>,
    /// The text that it was made of.
    config_text: OnceLock<SecretString>,
    workspace: OnceLock<Workspace>,
}

impl Session {
    /// A session whose jobs are watched by `observer` and stopped by `cancel`.
    pub(crate) fn new(global: Global, observer: Observer, cancel: CancellationToken) -> Self {
        let context = Context::new(observer, cancel.clone());
        Self {
            global,
            context,
            stop: cancel,
            is_apart: false,
            config: OnceLock::new(),
            config_text: OnceLock::new(),
            workspace: OnceLock::new(),
        }
    }

    /// A session with a repository and a key file of its own in a folder, without progress, and without what configuration
    /// and environment say of another.
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
        let config = OnceLock::from(Config::default());
        Self {
            global,
            context: Context::silent(),
            stop: self.stop.clone(),
            is_apart: true,
            config,
            config_text: OnceLock::new(),
            workspace: OnceLock::new(),
        }
    }

    /// A session with a repository at another place. `config` counts where it is given, else what is in the file.
    pub(crate) fn at_repository(&self, location: &str, config: Option<Config>) -> Self {
        let global = Global { repository: Some(location.to_owned()), ..self.global.clone() };
        let config = config.map_or_else(OnceLock::new, OnceLock::from);
        Self { global, config, ..self.again() }
    }

    /// The file of the configuration, which may not be there.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.global.config.clone().unwrap_or_else(|| PathBuf::from("rowkeep.toml"))
    }

    /// Goes on as if nothing were configured where there is no file: one that was typed has to be there.
    pub(crate) fn may_lack_config(&self) {
        let file = self.config_file();
        if !self.global.names_config && !file.exists() {
            let folder = file.parent().map(Path::to_owned);
            self.config.get_or_init(|| Config { folder, ..Config::default() });
        }
    }

    /// The text of the configuration, as it was read.
    pub(crate) fn config_text(&self) -> Result<Option<SecretString>> {
        self.config()?;
        Ok(self.config_text.get().cloned())
    }

    /// Prints a result for people, unless silence or JSON is asked for.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.global.quiet && !self.global.json {
            out::line(wrapped(text.as_ref(), width_of_results()));
        }
    }

    /// Prints a result: as JSON where that is asked for, else for people.
    pub(crate) fn result<J: Serialize>(&self, json: impl FnOnce() -> J, text: impl FnOnce() -> String) {
        self.result_to_copy(json, || wrapped(&text(), width_of_results()));
    }

    /// The same of a text that goes into a file as it is.
    pub(crate) fn result_to_copy<J: Serialize>(
        &self,
        json: impl FnOnce() -> J,
        text: impl FnOnce() -> String,
    ) {
        if self.global.json {
            out::json(&json());
        } else if !self.global.quiet {
            out::line(text());
        }
    }

    /// What jobs work in.
    pub(crate) fn workspace(&self) -> Result<&Workspace> {
        self.workspace_beside(Beside::default())
    }

    /// The same, with what was typed of another repository.
    pub(crate) fn workspace_beside(&self, beside: Beside) -> Result<&Workspace> {
        if let Some(workspace) = self.workspace.get() {
            return Ok(workspace);
        }
        let config = self.config()?.clone();
        let passphrase = self.passphrase(machine::OTHER_PASSPHRASE);
        let secrets = Secrets {
            key_file: beside.key_file,
            passphrase_file: beside.passphrase_file,
            passphrase,
            person: Some(Arc::new(passphrase::Prompt)),
        };
        let other = Other { store: beside.store_options, secrets };
        let circumstances = self.circumstances(config.folder.as_deref());
        let workspace = Workspace::new(config, Circumstances { other, ..circumstances });
        Ok(self.workspace.get_or_init(|| workspace))
    }

    /// The same, for as long as whoever has it needs it.
    pub(crate) fn shared_workspace(&self) -> Result<Workspace> {
        let config = self.config()?.clone();
        let circumstances = self.circumstances(config.folder.as_deref());
        Ok(Workspace::new(config, circumstances))
    }

    /// From where the service has its configuration, and what it makes of it. Nobody is there to be asked for a passphrase.
    pub(crate) fn configuration(&self) -> Configuration {
        let (path, session) = (self.config_file(), self.again());
        Configuration::new(path, Arc::new(variable), move |config| {
            let mut circumstances = session.circumstances(config.folder.as_deref());
            circumstances.secrets.person = None;
            Workspace::new(config, circumstances)
        })
    }

    /// The same session, with nothing read yet.
    fn again(&self) -> Self {
        Self {
            global: self.global.clone(),
            context: self.context.clone(),
            stop: self.stop.clone(),
            is_apart: self.is_apart,
            config: OnceLock::new(),
            config_text: OnceLock::new(),
            workspace: OnceLock::new(),
        }
    }

    /// Where the state of the service is: what was typed, or what the configuration says, or beside that.
    pub(crate) fn state_place(&self, typed: &StateOptions) -> Result<StatePlace> {
        self.state_place_by(typed, self.config()?)
    }

    /// The same with another configuration.
    pub(crate) fn state_place_by(&self, typed: &StateOptions, config: &Config) -> Result<StatePlace> {
        let surroundings = self.circumstances(config.folder.as_deref()).surroundings;
        Ok(state_place::state_place(typed, config, &surroundings)?)
    }

    /// What is cancelled when the command is to stop.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// A passphrase in the environment.
    fn passphrase(&self, variable: &str) -> Option<Passphrase> {
        let passphrase = std::env::var(variable).ok();
        passphrase.filter(|passphrase| !self.is_apart && !passphrase.is_empty()).map(Into::into)
    }

    /// Leaves the repository, where one was opened, so that the next process has little to read.
    pub(crate) async fn settle(&self) {
        if let Some(workspace) = self.workspace.get() {
            workspace.settle().await;
        }
    }

    /// Names what was found harmed in the repository on the way: what was asked for was done without it.
    pub(crate) async fn warn_of_damage(&self) {
        let Some(workspace) = self.workspace.get() else { return };
        for harmed in workspace.harmed().await {
            let (id, error) = (harmed.id, plain(&harmed.error));
            fail::say(&format!(
                "warning: cannot read snapshot {id}: {error}; see `rowkeep check` and `rowkeep repair`"
            ));
        }
    }

    /// `beside` is the folder of the configuration.
    fn circumstances(&self, beside: Option<&Path>) -> Circumstances {
        Circumstances {
            repository: self.global.repository.clone(),
            called: None,
            observer: Some(self.context.observer()),
            store: store::options(&self.global),
            secrets: Secrets {
                key_file: self.global.key_file.clone(),
                passphrase_file: self.global.passphrase_file.clone(),
                passphrase: self.passphrase(machine::PASSPHRASE),
                person: Some(Arc::new(passphrase::Prompt)),
            },
            other: Other::default(),
            surroundings: machine::surroundings(
                Arc::clone(self.context.clock()),
                self.global.read_all,
                self.global.allow_moving,
            ),
            variable: Some(Arc::new(variable)),
            user: machine::user(),
            host: machine::host(),
            reports: self.reports(),
            memory: self.memory(beside),
            program: concat!("rowkeep ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The configuration; an empty one when there is no file and none was named.
    pub(crate) fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let path = self.config_file();
        let config = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let config = parsed(&text, &path)?;
                self.config_text.get_or_init(|| text.into());
                config
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.global.config.is_none() => {
                Config::default()
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(self.config.get_or_init(|| config))
    }

    /// The folders that may remember which repository is where: the user's, or else one beside the configuration.
    fn memory(&self, beside: Option<&Path>) -> Vec<PathBuf> {
        if self.is_apart {
            return Vec::new();
        }
        machine::state().into_iter().chain(beside.map(|folder| folder.join(".rowkeep-state"))).collect()
    }

    /// The folder where reports are kept unless a command names another: what the environment says, else `rowkeep-reports` beside the
    /// configuration.
    fn reports(&self) -> PathBuf {
        if let Some(folder) = machine::reports().filter(|_| !self.is_apart) {
            return folder;
        }
        let beside = self.global.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        beside.join("rowkeep-reports")
    }
}

/// What the text of a configuration says, with the variables of the environment.
pub(crate) fn parsed(text: &str, path: &Path) -> Result<Config, rowkeep::Error> {
    Config::parse(text, path, &variable)
}

/// The same with what was changed on pages of the service.
pub(crate) fn combined(text: &str, path: &Path, additions: &[Addition]) -> Result<Combined, rowkeep::Error> {
    Combined::read(text, path, additions, &variable)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
