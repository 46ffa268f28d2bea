//! `rowkeep.toml`: the databases to protect, by name.

mod addition;
mod beside;
pub mod channels;
mod combined;
mod compatibility;
mod database;
mod exported;
mod file;
mod keep_state;
mod oidc;
mod pings;
mod refresh;
mod repositories;
mod room;
mod schedules;
mod secret;
mod service;
mod store;
mod suspicion;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rowkeep_repository::StoreRates;
use secrecy::SecretString;

use crate::Error;
use crate::capture::suspicion::Threshold;
use crate::hooks::{Hook, Hooks, Operation, read_all as read_hooks};
use crate::moments;
use crate::retention::{Rules, StatedRules};
use crate::sizes::bytes;
use crate::toml_problem::toml_problem;
use crate::variables::{Expanded, expand};
pub use addition::{AddedDatabase, Addition, Subject};
use channels::{Channel, Surroundings};
pub use combined::{Combined, LeftOut};
pub use compatibility::{AdminBackupAddress, BackupAddress, Compatibility};
pub use database::{Database, Objectives};
pub use exported::Exported;
use file::File;
pub use keep_state::{KeepState, SERVICE_DATABASE};
pub use oidc::{Grant, Oidc};
pub use pings::Pings;
pub use refresh::Refresh;
use refresh::Said;
pub use repositories::NamedRepository;
pub use room::Room;
pub use schedules::{Promise, Schedules, Work};
pub use secret::Secret;
pub use service::{ServiceSettings, TlsFiles};
use suspicion::FileSuspicion;

/// What `rowkeep.toml` says.
///
/// Relative paths in it are relative to its folder, not to where a command happens to run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The folder of the file; none where there is no file.
    pub folder: Option<PathBuf>,
    /// Where backups live, unless the command says otherwise.
    pub repository: Option<String>,
    /// Whether a backup may make the repository where there is none.
    pub create: bool,
    /// The file that opens the repository, in place of a passphrase.
    pub key_file: Option<String>,
    /// The file that holds the passphrase.
    pub passphrase_file: Option<String>,
    /// The passphrase, which counts where neither a caller nor a file gives one.
    pub passphrase: Option<Expanded>,
    /// Options of the object store, such as `aws_endpoint`.
    pub store: BTreeMap<String, SecretString>,
    /// How fast bytes go to the store and come from it at most.
    pub store_rates: StoreRates,
    /// The variables of the environment that those options were made of.
    pub store_variables: Vec<String>,
    /// Several repositories, in place of one: a backup goes to all, and what is read comes from the first that can be opened.
    pub repositories: Vec<NamedRepository>,
    /// What the databases serve: `production`, `development`; kept with every snapshot.
    pub environment: Option<String>,
    /// The time zone of databases that have none of their own; UTC when not given.
    pub timezone: Option<TimeZone>,
    /// When a backup is suspicious of databases that do not say it themselves.
    pub suspicion: Option<Threshold>,
    /// Which snapshots are kept of databases that have no rules of their own; all when not given.
    pub keep: Option<Rules>,
    /// What runs before and after operations on every database.
    pub hooks: Vec<Hook>,
    /// What runs by itself for databases that do not say it themselves, and for the repository.
    pub schedules: Schedules,
    /// How people reach the service, and how it keeps its state.
    pub service: ServiceSettings,
    /// How many bytes the repository may hold: where it is not on a disk of its own.
    pub capacity: Option<u64>,
    /// Where alerts go.
    pub channels: Vec<Channel>,
    /// Where the service answers as the backup interfaces of applications did.
    pub compatibility: Compatibility,
    /// The databases by name.
    pub databases: BTreeMap<String, Database>,
}

/// What a name stands for that no database and no snapshot can have.
pub(crate) fn taken_name(name: &str) -> Option<&'static str> {
    match name.split(':').next()? {
        "latest" => Some("it stands for the newest snapshot"),
        "live" => Some("it stands for the database as it is now"),
        SERVICE_DATABASE => Some("it stands for the state of the service"),
        _ if moments::at(name).is_some() => Some("it stands for the newest snapshot at that time"),
        _ => None,
    }
}

impl Config {
    /// One of several repositories, by its name or its place.
    pub fn repository_named(&self, named: &str) -> Option<&NamedRepository> {
        let by_name = self.repositories.iter().find(|repository| repository.name == named);
        by_name.or_else(|| self.repositories.iter().find(|repository| repository.location == named))
    }

    /// The same configuration with this repository alone.
    pub(crate) fn with_repository(&self, repository: &NamedRepository) -> Self {
        Self {
            repository: Some(repository.location.clone()),
            create: repository.create,
            key_file: repository.key_file.clone(),
            passphrase_file: repository.passphrase_file.clone(),
            passphrase: repository.passphrase.clone(),
            store: repository.store.clone(),
            store_rates: repository.rates,
            repositories: Vec::new(),
            ..self.clone()
        }
    }

    /// The same configuration without what it says of any repository but what must be kept from others.
    pub(crate) fn without_repository(&self) -> Self {
        Self {
            repository: None,
            create: false,
            key_file: None,
            passphrase_file: None,
            passphrase: None,
            store: BTreeMap::new(),
            store_rates: StoreRates::default(),
            capacity: None,
            repositories: Vec::new(),
            ..self.clone()
        }
    }

    /// The groups of tables of all databases.
    pub fn groups(&self) -> BTreeMap<String, Vec<String>> {
        self.databases.values().flat_map(|database| database.selection.groups.clone()).collect()
    }

    /// The time zone of a database by its name: its days, and times that name no zone, are of that.
    pub fn zone(&self, database: &str) -> TimeZone {
        let own = self.databases.get(database).and_then(|known| known.timezone.clone());
        own.or_else(|| self.timezone.clone()).unwrap_or(TimeZone::UTC)
    }

    /// Whether a name is that of a database whose states arrive by themselves.
    pub fn has_arriving(&self, database: &str) -> bool {
        self.databases.get(database).is_some_and(Database::arrives)
    }

    /// When a backup of a database is suspicious.
    pub fn suspicion(&self, database: &str) -> Threshold {
        let own = self.databases.get(database).and_then(|known| known.suspicion);
        own.or(self.suspicion).unwrap_or_default()
    }

    /// The rules by which snapshots of a database are kept: its own, else those for all; none where all are.
    pub fn keep(&self, database: &str) -> Option<&Rules> {
        let own = self.databases.get(database).and_then(|known| known.keep.as_ref());
        own.or(self.keep.as_ref())
    }

    /// The hooks around an operation on a database that it names, or on any other.
    pub fn hooks(&self, operation: Operation, database: Option<&str>) -> Hooks {
        let own = database.and_then(|name| self.databases.get(name)).map_or(&[][..], |known| &known.hooks);
        Hooks::around(operation, &self.hooks, own)
    }

    /// Reads the text of a configuration; `variable` looks up what `${NAME}` in a value stands for.
    ///
    /// `path` is named in errors. An unknown field or an unset variable is an error: a misspelt setting must not
    /// silently leave a database unprotected. A variable in a database's URL is an error when the database is used, so that
    /// the others can be.
    pub fn parse(text: &str, path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let file = toml::from_str(text)
            .map_err(|error| Error::Config { path: path.to_owned(), message: toml_problem(text, &error) })?;
        Self::of_file(file, path, variable)
    }

    /// The text of a configuration as a table.
    fn table(text: &str, path: &Path) -> Result<toml::Table, Error> {
        text.parse()
            .map_err(|error| Error::Config { path: path.to_owned(), message: toml_problem(text, &error) })
    }

    /// Reads what such a table says.
    fn of_table(
        table: toml::Table,
        path: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let file = table.try_into().map_err(|error: toml::de::Error| Error::Config {
            path: path.to_owned(),
            message: toml_problem("", &error),
        })?;
        Self::of_file(file, path, variable)
    }

    fn of_file(file: File, path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let fail = |message: String| Error::Config { path: path.to_owned(), message };
        file.check_repositories().map_err(fail)?;
        let schedules = Schedules::read(file.schedule, false).map_err(fail)?;
        schedules.check(file.repositories.len()).map_err(fail)?;
        let expand = |value: String| expand(&value, variable).map_err(fail);
        let optional = |value: Option<String>| value.map(expand).transpose();
        let folder = path.parent().unwrap_or(Path::new(""));
        let file_beside =
            |value: Option<String>| optional(value).map(|path| path.map(|path| beside::file(folder, path)));
        let mut databases = BTreeMap::new();
        for (name, mut database) in file.databases {
            if let Some(why) = taken_name(&name) {
                return Err(fail(format!("a database cannot be named {name}: {why}")));
            }
            database.mask.expand(variable).map_err(fail)?;
            let read = database.read(folder, variable);
            let database = read.map_err(|problem| fail(format!("database {name}: {problem}")))?;
            databases.insert(name, database);
        }
        let timezone = file.timezone.as_deref().map(moments::zone).transpose().map_err(fail)?;
        let surroundings = Surroundings {
            folder,
            zone: timezone.clone().unwrap_or(TimeZone::UTC),
            variable,
            is_database: &|name| databases.contains_key(name),
        };
        let channels = channels::read_all(file.channels, &surroundings).map_err(fail)?;
        let capacity = file.capacity.as_deref().map(bytes).transpose();
        let capacity = capacity.map_err(|problem| fail(format!("capacity: {problem}")))?;
        let said = databases.iter().map(|(name, database)| {
            let is_scheduled = database.schedules.of(Work::Refresh).flatten().is_some();
            let has_rules = !database.mask.rules.is_empty();
            (&**name, Said { refresh: database.refresh.as_ref(), is_scheduled, has_rules })
        });
        refresh::check(&said.collect()).map_err(fail)?;
        file.compatibility.check(&databases).map_err(fail)?;
        let service = file.service.read(folder, variable).map_err(fail)?;
        service.oidc.as_ref().map_or(Ok(()), |oidc| oidc.check(&databases)).map_err(fail)?;
        let store_variables = RefCell::new(Vec::new());
        let noted = |name: &str| {
            store_variables.borrow_mut().push(name.to_owned());
            variable(name)
        };
        let (store, store_rates) = store::read(file.store, &noted).map_err(fail)?;
        if file.passphrase.is_some() && file.passphrase_file.is_some() {
            return Err(fail("write passphrase or passphrase_file, not both".to_owned()));
        }
        let passphrase = file.passphrase.map(|text| Expanded::of(&text, &noted)).transpose();
        let passphrase = passphrase.map_err(|problem| fail(format!("passphrase: {problem}")))?;
        let repositories =
            repositories::read_all(file.repositories, folder, variable, &noted).map_err(fail)?;
        Ok(Self {
            folder: Some(folder.to_owned()),
            repositories,
            repository: optional(file.repository)?.map(|location| beside::repository(folder, location)),
            create: file.create,
            key_file: file_beside(file.key_file)?,
            passphrase_file: file_beside(file.passphrase_file)?,
            passphrase,
            store,
            store_rates,
            store_variables: store_variables.into_inner(),
            environment: optional(file.environment)?,
            timezone,
            suspicion: file.suspicion.as_ref().map(FileSuspicion::read).transpose().map_err(fail)?,
            keep: file.keep.as_ref().map(StatedRules::rules).transpose().map_err(fail)?,
            hooks: read_hooks(file.hooks, variable).map_err(fail)?,
            schedules,
            service,
            capacity,
            channels,
            compatibility: file.compatibility,
            databases,
        })
    }
}

#[cfg(test)]
#[path = "config/repositories_tests.rs"]
mod repositories_tests;

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
