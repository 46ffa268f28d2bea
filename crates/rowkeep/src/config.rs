//! `rowkeep.toml`: the databases to protect, by name.

mod addition;
mod beside;
pub mod channels;
mod combined;
mod compatibility;
mod export_room;
mod exported;
mod keep_state;
mod oidc;
mod pings;
mod refresh;
mod repositories;
mod schedules;
mod secret;
mod service;
mod store;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rowkeep_repository::StoreRates;
use secrecy::SecretString;
use serde::Deserialize;

use crate::Error;
use crate::apply::activity::{Activity, FileActivity};
use crate::capture::suspicion::Threshold;
use crate::data_checks::read::read_all;
use crate::data_checks::{Check, FileCheck};
use crate::durations::seconds;
use crate::hooks::{FileHook, Hook, Hooks, Operation, read_all as read_hooks};
use crate::moments;
use crate::retention::{Rules, StatedRules};
use crate::rows::mask::MaskRules;
use crate::sizes::{bytes, rate};
use crate::state::selection::Selection;
use crate::toml_problem::toml_problem;
use crate::variables::{Expanded, expand};
pub use addition::{AddedDatabase, Addition, Subject};
use channels::{Channel, FileChannel, Surroundings};
pub use combined::{Combined, LeftOut};
pub use compatibility::{AdminBackupAddress, BackupAddress, Compatibility};
pub use export_room::ExportRoom;
pub use exported::Exported;
pub use keep_state::{KeepState, SERVICE_DATABASE};
pub use oidc::{Grant, Oidc};
use pings::FilePings;
pub use pings::Pings;
pub use refresh::Refresh;
use refresh::Said;
use repositories::FileRepository;
pub use repositories::NamedRepository;
use schedules::FilePromise;
pub use schedules::{Promise, Schedules, Work};
pub use secret::Secret;
use service::FileService;
pub use service::{ServiceSettings, TlsFiles};

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

/// A database to protect.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// Its URL or path.
    pub url: Expanded,
    /// Its tables in or out, and its groups.
    pub selection: Selection,
    /// What must hold of its data.
    pub checks: Vec<Check>,
    /// How its rows are masked where that is asked for.
    pub mask: MaskRules,
    /// What a drill must keep to.
    pub objectives: Objectives,
    /// What is promised of it.
    pub promise: Option<Promise>,
    /// What runs by itself, in place of what counts for all.
    pub schedules: Schedules,
    /// From which other database it is made again.
    pub refresh: Option<Refresh>,
    /// Whether over HTTP a plan for it is executed by somebody else than who asked for it.
    pub second_person: bool,
    /// What is pinged when its jobs begin and end.
    pub pings: Pings,
    /// The time zone of its days, and of times that name none.
    pub timezone: Option<TimeZone>,
    /// When a backup of it is suspicious, in place of what counts for all.
    pub suspicion: Option<Threshold>,
    /// Which of its snapshots are kept, in place of the rules for all.
    pub keep: Option<Rules>,
    /// How many bytes of its rows a second a backup reads at most.
    pub max_rate: Option<NonZeroU64>,
    /// What runs before and after operations on it, beside the hooks for every database.
    pub hooks: Vec<Hook>,
    /// The row that says in the application's own log what was restored.
    pub activity: Option<Activity>,
}

/// What the recovery of a database must keep to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objectives {
    /// The most seconds that a restore and its proof may take.
    pub recovery_seconds: Option<u64>,
    /// The greatest age in seconds of the newest snapshot: the data that would be lost.
    pub data_loss_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    repository: Option<String>,
    #[serde(default)]
    create: bool,
    key_file: Option<String>,
    passphrase_file: Option<String>,
    passphrase: Option<String>,
    #[serde(default)]
    store: BTreeMap<String, String>,
    #[serde(default)]
    repositories: Vec<FileRepository>,
    environment: Option<String>,
    timezone: Option<String>,
    keep: Option<StatedRules>,
    suspicion: Option<FileSuspicion>,
    #[serde(default)]
    hooks: Vec<FileHook>,
    #[serde(default)]
    schedule: BTreeMap<String, String>,
    capacity: Option<String>,
    #[serde(default)]
    channels: Vec<FileChannel>,
    #[serde(default)]
    service: FileService,
    #[serde(default)]
    compatibility: Compatibility,
    #[serde(default)]
    databases: BTreeMap<String, FileDatabase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDatabase {
    url: String,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    checks: Vec<FileCheck>,
    max_recovery_time: Option<String>,
    max_data_loss: Option<String>,
    promise: Option<FilePromise>,
    #[serde(default)]
    schedule: BTreeMap<String, String>,
    #[serde(default)]
    second_person: bool,
    ping: Option<FilePings>,
    refresh: Option<Refresh>,
    timezone: Option<String>,
    keep: Option<StatedRules>,
    suspicion: Option<FileSuspicion>,
    max_rate: Option<String>,
    #[serde(default)]
    mask: MaskRules,
    #[serde(default)]
    hooks: Vec<FileHook>,
    activity: Option<FileActivity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSuspicion {
    rows: Option<String>,
    #[serde(default = "yes")]
    tables: bool,
}

fn yes() -> bool {
    true
}

impl FileSuspicion {
    /// Reads when a backup is suspicious: a percentage of rows, or `off`.
    fn read(&self) -> Result<Threshold, String> {
        let default = Threshold::default();
        let rows_percent = match self.rows.as_deref().map(str::trim) {
            None => default.rows_percent,
            Some("off") => None,
            Some(text) => {
                let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<u64>().ok());
                let percent = percent.filter(|percent| (1..100).contains(percent));
                let malformed = || {
                    format!(
                        "suspicion: {text:?} is no part of the rows; write \"30%\", from 1% to 99%, or \"off\""
                    )
                };
                Some(percent.ok_or_else(malformed)?)
            }
        };
        Ok(Threshold { rows_percent, tables: self.tables })
    }
}

impl File {
    /// Fails where something is said of one repository, and there are several.
    fn check_repositories(&self) -> Result<(), String> {
        if self.repositories.is_empty() {
            return Ok(());
        }
        if self.repository.is_some() {
            return Err("write repository or [[repositories]], not both".to_owned());
        }
        let of_one = [
            ("create", self.create),
            ("key_file", self.key_file.is_some()),
            ("passphrase_file", self.passphrase_file.is_some()),
            ("passphrase", self.passphrase.is_some()),
            ("store", !self.store.is_empty()),
            ("capacity", self.capacity.is_some()),
        ];
        match of_one.iter().find(|(_, is_said)| *is_said) {
            Some((name, _)) => Err(format!("{name} belongs to one of [[repositories]]")),
            None => Ok(()),
        }
    }
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
        for (name, database) in file.databases {
            if let Some(why) = taken_name(&name) {
                return Err(fail(format!("a database cannot be named {name}: {why}")));
            }
            let selection =
                Selection { include: database.tables, exclude: database.exclude, groups: database.groups };
            let of_database = |message: String| fail(format!("database {name}: {message}"));
            let limit = |text: Option<String>| text.as_deref().map(seconds).transpose().map_err(of_database);
            let promise =
                database.promise.as_ref().map(FilePromise::read).transpose().map_err(of_database)?;
            let schedules = Schedules::read(database.schedule, true).map_err(of_database)?;
            let objectives = Objectives {
                recovery_seconds: limit(database.max_recovery_time)?
                    .or(promise.and_then(|promise| promise.back_in_seconds)),
                data_loss_seconds: limit(database.max_data_loss)?
                    .or(promise.map(|promise| promise.lose_seconds)),
            };
            let checks = read_all(database.checks).map_err(of_database)?;
            let url = Expanded::of(&database.url, variable).map_err(of_database)?;
            let url = url.map(|url| beside::database(folder, url));
            let mut mask = database.mask;
            mask.expand(variable).map_err(fail)?;
            let hooks = read_hooks(database.hooks, variable).map_err(of_database)?;
            let timezone =
                database.timezone.as_deref().map(moments::zone).transpose().map_err(of_database)?;
            let keep = database.keep.as_ref().map(StatedRules::rules).transpose().map_err(of_database)?;
            let suspicion =
                database.suspicion.as_ref().map(FileSuspicion::read).transpose().map_err(of_database)?;
            let max_rate = database.max_rate.as_deref().map(rate).transpose();
            let max_rate = max_rate.map_err(|problem| of_database(format!("max_rate: {problem}")))?;
            let activity = database.activity.map(FileActivity::read).transpose().map_err(of_database)?;
            let pings = database.ping.map(|ping| ping.read(variable)).transpose().map_err(of_database)?;
            let database = Database {
                url,
                selection,
                checks,
                objectives,
                promise,
                schedules,
                refresh: database.refresh,
                second_person: database.second_person,
                pings: pings.unwrap_or_default(),
                timezone,
                suspicion,
                keep,
                max_rate,
                mask,
                hooks,
                activity,
            };
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
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let variable = |name: &str| (name == "DATABASE_URL").then(|| "postgres://u:p@h/app".to_owned());
        Config::parse(text, Path::new("rowkeep.toml"), &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_put_in() {
        let config =
            parse("[databases.app]\nurl = '${DATABASE_URL}?sslmode=require'\nexclude = ['sessions']")
                .expect("it is well formed");
        let app = &config.databases["app"];
        let url = app.url.value().map(|url| url.expose_secret());
        assert_eq!(url, Ok("postgres://u:p@h/app?sslmode=require"));
        let unset =
            parse("[databases.app]\nurl = 'postgres://${HOST}/${DATABASE_URL}'").expect("it is well formed");
        let problem = unset.databases["app"].url.value().map(|_| ());
        assert_eq!(problem, Err("the environment variable HOST is not set"));
        assert_eq!(app.selection.exclude, ["sessions"]);
        assert_eq!(
            parse("repository = 'a$${b}'").expect("it is well formed").repository.as_deref(),
            Some("a${b}")
        );
    }

    #[test]
    fn variables_of_the_store_are_known() {
        let text = "[store]\naws_secret_access_key = '${SECRET}${SECRET_2}'\naws_region = 'eu'\n\
             [databases.app]\nurl = '${DATABASE_URL}'";
        let variable = |name: &str| Some(format!("value of {name}"));
        let config = Config::parse(text, Path::new("rowkeep.toml"), &variable).expect("it is well formed");
        assert_eq!(config.store_variables, ["SECRET", "SECRET_2"]);
    }

    #[test]
    fn rates_are_no_options_of_the_store() {
        let config = parse(
            "[store]\naws_region = 'eu'\nmax_rate = '10MB/s'\nmax_upload_rate = '2MB/s'\n\
             [databases.app]\nurl = 'x'\nmax_rate = '1MiB/s'",
        );
        let config = config.expect("it is well formed");
        assert_eq!(config.store.keys().collect::<Vec<_>>(), ["aws_region"]);
        let rate = NonZeroU64::new;
        assert_eq!(config.store_rates, StoreRates { upload: rate(2_000_000), download: rate(10_000_000) });
        assert_eq!(config.databases["app"].max_rate, rate(1 << 20));
        for wrong in ["[store]\nmax_rate = '10'", "[databases.app]\nurl = 'x'\nmax_rate = '0MB/s'"] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.contains("max_rate: ") && error.contains("10MB/s"), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let unset = parse("repository = '${NOWHERE}'").expect_err("not set");
        assert_eq!(unset, "rowkeep.toml: the environment variable NOWHERE is not set");
        let open = parse("repository = '${NOWHERE'").expect_err("no end");
        assert!(open.contains("has no }"), "{open}");
        let unknown = parse("[databases.app]\nurl = 'x'\nexlude = []").expect_err("misspelt");
        assert!(unknown.contains("exlude"), "{unknown}");
    }

    #[test]
    fn secrets_are_in_no_debug_form_and_no_error() {
        let text = "[store]\naws_secret_access_key = 's3cret-store'\n\
             [databases.app]\nurl = 'postgres://u:s3cret-url@h/app'\n\
             [databases.app.mask]\nkey = 's3cret-mask'\n\
             [[hooks]]\nwhen = 'after-backup'\nrun = 'curl -u u:s3cret-command example.org'\n\
             [[hooks]]\nwhen = 'after-backup'\nurl = 'https://example.org/s3cret-hook'\n\
             headers = { authorization = 's3cret-header' }";
        let config = parse(text).expect("it is well formed");
        assert_eq!(config.store.len() + config.hooks.len() + config.databases.len(), 4);
        let shown = format!("{config:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        for wrong in [
            "[databases.app]\nurl = 'postgres://u:s3cret@h/app${NO'",
            "[databases.app]\nurl = 'postgres://u:a${s3cret@h/app}'",
            "[databases.app]\nurl = postgres://u:s3cret@h/app",
            "[databases]\napp = 'postgres://u:s3cret@h/app'",
            "[databases.app]\nurl = ['postgres://u:s3cret@h/app']",
        ] {
            let error = parse(wrong).expect_err("it is wrong");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn checks_and_objectives_belong_to_a_database() {
        let config = parse(
            "[databases.app]\nurl = 'x'\nmax_recovery_time = '30min'\nmax_data_loss = '24h'\n\
             [[databases.app.checks]]\ntable = 'users'\nmin_rows = 1",
        );
        let app = &config.expect("it is well formed").databases["app"];
        assert_eq!(app.checks.len(), 1);
        let limits = Objectives { recovery_seconds: Some(1800), data_loss_seconds: Some(86_400) };
        assert_eq!(app.objectives, limits);
        let wrong = parse("[databases.app]\nurl = 'x'\n[[databases.app.checks]]\nmin_rows = 1");
        let wrong = wrong.expect_err("no table");
        assert_eq!(wrong, "rowkeep.toml: database app: check 1: table is missing");
        let misspelt = parse("[databases.app]\nurl = 'x'\n[[databases.app.checks]]\ntabel = 'users'");
        assert!(misspelt.is_err_and(|error| error.contains("tabel")));
    }
}
