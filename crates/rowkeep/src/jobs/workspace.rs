//! What jobs work in: a configuration, a repository, and what the caller found out about the machine.

mod around;
mod databases;
mod files;
mod first_use;
mod known;
mod other;
mod probing;
mod repository;
mod several;
mod states;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use rowkeep_engine::Surroundings;
use rowkeep_repository::{ObjectStore, Passphrase, Repository, StoreRates, at_rates};
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::config::NamedRepository;
use crate::jobs::outcome::UnreadableSnapshot;
use crate::without_secrets::without_secrets;
use crate::{Config, Error, Observer};

pub(crate) use around::{ActivityRow, within_hooks};
pub use databases::Source;
pub use files::Masked;
pub use repository::{Made, MadeBy, passphrase_in};
pub(crate) use states::Found;

/// Where a repository is when neither a caller nor a configuration says otherwise: here, or beside the configuration.
const DEFAULT_LOCATION: &str = "./rowkeep-repository";

/// What a caller found out, for jobs do not look at terminal or environment themselves.
#[derive(Default)]
pub struct Circumstances {
    /// Where the repository is, in place of the configured location.
    pub repository: Option<String>,
    /// What the repository is called for whoever is asked for its passphrase, where there are several.
    pub called: Option<String>,
    /// Who watches, for what is to be said when a repository is opened.
    pub observer: Option<Observer>,
    /// Options of object stores, by the scheme of a location: those that the environment has, and those that a caller gave,
    /// which are stronger than configured ones.
    pub store: StoreOptions,
    /// What opens the repository.
    pub secrets: Secrets,
    /// The same of another repository, for jobs that work with two.
    pub other: Other,
    /// What engines need to know.
    pub surroundings: Surroundings,
    /// What `${NAME}` stands for in files that requests name.
    pub variable: Option<Variable>,
    /// The user on whose behalf jobs run, as rows in an application's own log name them.
    pub user: String,
    /// The machine that they run on.
    pub host: String,
    /// The folder where reports of drills are kept.
    pub reports: PathBuf,
    /// Folders of which one remembers which repository is where, the best first; nothing is remembered when there is none, or
    /// none can be written to.
    pub memory: Vec<PathBuf>,
    /// The program that runs the jobs, with its version, as snapshots name it.
    pub program: String,
}

/// What a caller was given for another repository than that of the workspace.
#[derive(Default)]
pub struct Other {
    /// Options of its object store, which are stronger than those that the environment has.
    pub store: Vec<(String, SecretString)>,
    /// What opens it.
    pub secrets: Secrets,
}

/// Looks up what a variable stands for.
pub type Variable = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Options of object stores.
#[derive(Default)]
pub struct StoreOptions {
    /// Weaker than configured ones: scheme, name and value.
    pub found: Vec<(String, String, SecretString)>,
    /// Stronger than configured ones.
    pub given: Vec<(String, SecretString)>,
    /// How fast bytes go to the store and come from it at most, in place of what is configured.
    pub rates: StoreRates,
}

/// What opens a repository: what a caller was given, in place of what is configured, and who can be asked.
#[derive(Clone, Default)]
pub struct Secrets {
    /// A key file.
    pub key_file: Option<PathBuf>,
    /// A file with a passphrase in its first line.
    pub passphrase_file: Option<PathBuf>,
    /// A passphrase.
    pub passphrase: Option<Passphrase>,
    /// Whoever can be asked for a passphrase; nobody when not given.
    pub person: Option<Arc<dyn AskPassphrase>>,
}

/// Somebody who can be asked for a passphrase.
pub trait AskPassphrase: Send + Sync {
    /// Asks for the passphrase of a repository, which has a name where there are several; none when nothing is typed or nobody is
    /// there.
    fn present(&self, repository: Option<&str>) -> std::io::Result<Option<Passphrase>>;

    /// Asks, twice, for the passphrase of a repository that is to be made; none when nothing is typed or nobody is there.
    fn chosen(&self, repository: Option<&str>) -> std::io::Result<NewPassphrase>;

    /// Asks, twice, for another passphrase of a repository; none when nothing is typed or nobody is there.
    fn another(&self, repository: Option<&str>) -> std::io::Result<NewPassphrase>;
}

/// What somebody typed for a new passphrase.
pub enum NewPassphrase {
    /// The same passphrase twice.
    Given(Passphrase),
    /// Two that differ.
    Differs,
    /// Nothing.
    None,
}

/// What jobs work in.
///
/// Names of databases are resolved by its configuration; its repository is opened once, when a job first needs it.
///
/// ```no_run
/// use rowkeep::jobs::workspace::{Circumstances, Workspace};
/// use rowkeep::{Config, Context};
///
/// # async fn example() -> Result<(), rowkeep::Error> {
/// let circumstances = Circumstances { program: "example 1.0".to_owned(), ..Circumstances::default() };
/// let workspace = Workspace::new(Config::default(), circumstances);
/// let repository = workspace.repository().await?;
/// assert!(repository.is_encrypted());
/// # Ok(())
/// # }
/// ```
pub struct Workspace {
    config: Config,
    /// The configuration with all repositories that it names.
    named: Arc<Config>,
    circumstances: Circumstances,
    location: String,
    repository: OnceCell<Repository>,
    /// Held by whoever makes it, where there is none.
    making: tokio::sync::Mutex<()>,
    /// Each of several repositories; none where there is one.
    places: Vec<Place>,
    /// Which of them is worked with.
    answering: OnceLock<usize>,
    /// Why those before it are not, until somebody has dealt with that.
    passed_over: Mutex<Vec<(String, Error)>>,
}

impl Workspace {
    /// A workspace whose repository is not opened yet.
    ///
    /// Where the configuration has several repositories, it is the one that the circumstances name, or else the first that can be
    /// opened.
    pub fn new(config: Config, mut circumstances: Circumstances) -> Self {
        circumstances.surroundings.withheld.extend_from_slice(&config.store_variables);
        let named = Arc::new(config.clone());
        let (mut config, mut places) = (config, Vec::new());
        match (&circumstances.repository, named.repositories.as_slice()) {
            (_, []) => {}
            (Some(name), _) => match named.repository_named(name) {
                Some(repository) => {
                    config = named.with_repository(repository);
                    circumstances.repository = None;
                }
                None => config = named.without_repository(),
            },
            (None, [only]) => config = named.with_repository(only),
            (None, [first, ..]) => {
                config = Config { repository: Some(first.location.clone()), ..named.without_repository() };
                let place = |repository| Place::new(&named, repository, &circumstances);
                places = named.repositories.iter().map(place).collect();
            }
        }
        let location = circumstances.repository.clone().or_else(|| config.repository.clone());
        let location = location.unwrap_or_else(|| default_location(config.folder.as_deref()));
        let (repository, answering) = (OnceCell::new(), OnceLock::new());
        let passed_over = Mutex::default();
        let making = tokio::sync::Mutex::default();
        Self { config, named, circumstances, location, repository, making, places, answering, passed_over }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What engines need to know of this machine.
    pub fn surroundings(&self) -> &Surroundings {
        &self.circumstances.surroundings
    }

    /// The program that runs the jobs, as snapshots name it.
    pub fn program(&self) -> &str {
        &self.circumstances.program
    }

    /// The folder where reports are kept.
    pub fn reports(&self) -> &Path {
        &self.circumstances.reports
    }

    /// Whether somebody said where the repository is: a caller, or the configuration.
    pub fn is_located(&self) -> bool {
        let is_configured = self.config.repository.is_some() || !self.named.repositories.is_empty();
        self.circumstances.repository.is_some() || is_configured
    }

    /// Whether a caller or the configuration gives what opens the repository.
    pub fn has_secret(&self) -> bool {
        let (given, config) = (&self.circumstances.secrets, &self.config);
        let is_given =
            given.key_file.is_some() || given.passphrase_file.is_some() || given.passphrase.is_some();
        is_given
            || config.key_file.is_some()
            || config.passphrase_file.is_some()
            || config.passphrase.is_some()
    }

    /// Where the repository is.
    pub fn location(&self) -> &str {
        let answering = self.answering.get().and_then(|at| self.places.get(*at));
        answering.map_or(&self.location, |place| place.workspace.location())
    }

    /// Where the repository is, as errors show it. No location holds a password, but one that is refused may.
    pub(crate) fn shown_location(&self) -> String {
        without_secrets(self.location())
    }

    /// A store to and from which bytes go as fast as is configured, or was given.
    pub(crate) fn at_rates(&self, store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        let (given, configured) = (self.circumstances.store.rates, self.config.store_rates);
        let rates = StoreRates {
            upload: given.upload.or(configured.upload),
            download: given.download.or(configured.download),
        };
        at_rates(store, rates, &self.surroundings().clock)
    }

    /// The names of the configured repositories that are not worked with, where there are several; copies can be made into them.
    pub fn other_repositories(&self) -> Vec<String> {
        let own = self.location();
        let others = self.named.repositories.iter().filter(|repository| repository.location != own);
        others.map(|repository| repository.name.clone()).collect()
    }

    /// What was found harmed in the repository, where it was opened: nothing is looked for.
    pub async fn harmed(&self) -> Vec<UnreadableSnapshot> {
        let Some(repository) = self.opened() else { return Vec::new() };
        let harmed = repository.harmed().await.into_iter();
        harmed.map(|harmed| UnreadableSnapshot { id: harmed.id, error: harmed.error.to_string() }).collect()
    }

    /// The folder of the repository, where it is one.
    pub fn repository_folder(&self) -> Option<&Path> {
        folder_of(self.location())
    }
}

/// One of several repositories.
struct Place {
    name: String,
    workspace: Workspace,
}

impl Place {
    /// A workspace with this repository alone. Secrets that were not given for it in particular count where it has none of its
    /// own.
    fn new(config: &Config, repository: &NamedRepository, circumstances: &Circumstances) -> Self {
        let is_own = repository.key_file.is_some()
            || repository.passphrase_file.is_some()
            || repository.passphrase.is_some();
        let person = circumstances.secrets.person.clone();
        let secrets = match is_own {
            true => Secrets { person, ..Secrets::default() },
            false => circumstances.secrets.clone(),
        };
        let store = StoreOptions {
            found: circumstances.store.found.clone(),
            given: circumstances.store.given.clone(),
            rates: circumstances.store.rates,
        };
        let called = Some(repository.name.clone());
        let circumstances = Circumstances { called, store, secrets, ..circumstances.alike() };
        let workspace = Workspace::new(config.with_repository(repository), circumstances);
        Self { name: repository.name.clone(), workspace }
    }
}

/// Where a repository is when nobody says otherwise.
fn default_location(beside: Option<&Path>) -> String {
    let folder = beside.filter(|folder| !folder.as_os_str().is_empty()).and_then(Path::to_str);
    folder.map_or_else(|| DEFAULT_LOCATION.to_owned(), |folder| format!("{folder}/rowkeep-repository"))
}

/// The folder that a location means, where it means one.
fn folder_of(location: &str) -> Option<&Path> {
    match location.split_once("://") {
        None => Some(Path::new(location)),
        Some(("file", path)) => Some(Path::new(path)),
        Some(_) => None,
    }
}
