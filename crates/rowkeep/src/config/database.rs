//! A database of the configuration.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;

use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::beside;
use super::pings::{FilePings, Pings};
use super::refresh::Refresh;
use super::schedules::{FilePromise, Promise, Schedules, Work};
use super::suspicion::FileSuspicion;
use crate::apply::activity::{Activity, FileActivity};
use crate::capture::suspicion::Threshold;
use crate::data_checks::read::read_all;
use crate::data_checks::{Check, FileCheck};
use crate::durations::seconds;
use crate::hooks::{FileHook, Hook, read_all as read_hooks};
use crate::moments;
use crate::replay::ChangeLog;
use crate::retention::{Rules, StatedRules};
use crate::rows::mask::MaskRules;
use crate::sizes::rate;
use crate::state::selection::Selection;
use crate::variables::Expanded;

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
    /// The table in which the application itself writes down what it changes.
    pub log: Option<ChangeLog>,
}

impl Database {
    /// Whether its states arrive by themselves, so that none can be fetched.
    pub fn arrives(&self) -> bool {
        self.url.value().is_ok_and(|url| rowkeep_engine::arrives(url.expose_secret()))
    }
}

/// What the recovery of a database must keep to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objectives {
    /// The most seconds that a restore and its proof may take.
    pub recovery_seconds: Option<u64>,
    /// The greatest age in seconds of the newest snapshot: the data that would be lost.
    pub data_loss_seconds: Option<u64>,
}

/// What a file says of a database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDatabase {
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
    pub(super) mask: MaskRules,
    #[serde(default)]
    hooks: Vec<FileHook>,
    activity: Option<FileActivity>,
    log: Option<ChangeLog>,
}

impl FileDatabase {
    /// Reads what is said; the variables in the rules of its mask are replaced before.
    pub(super) fn read(
        self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Database, String> {
        let selection = Selection { include: self.tables, exclude: self.exclude, groups: self.groups };
        let limit = |text: Option<String>| text.as_deref().map(seconds).transpose();
        let promise = self.promise.as_ref().map(FilePromise::read).transpose()?;
        let schedules = Schedules::read(self.schedule, true)?;
        let objectives = Objectives {
            recovery_seconds: limit(self.max_recovery_time)?
                .or(promise.and_then(|promise| promise.back_in_seconds)),
            data_loss_seconds: limit(self.max_data_loss)?.or(promise.map(|promise| promise.lose_seconds)),
        };
        let checks = read_all(self.checks)?;
        let url = Expanded::of(&self.url, variable)?;
        let url = url.map(|url| beside::database(folder, url));
        let hooks = read_hooks(self.hooks, variable)?;
        let timezone = self.timezone.as_deref().map(moments::zone).transpose()?;
        let keep = self.keep.as_ref().map(StatedRules::rules).transpose()?;
        let suspicion = self.suspicion.as_ref().map(FileSuspicion::read).transpose()?;
        let max_rate = self.max_rate.as_deref().map(rate).transpose();
        let max_rate = max_rate.map_err(|problem| format!("max_rate: {problem}"))?;
        let activity = self.activity.map(FileActivity::read).transpose()?;
        let log = self.log.map(ChangeLog::read).transpose()?;
        let pings = self.ping.map(|ping| ping.read(variable)).transpose()?;
        let database = Database {
            url,
            selection,
            checks,
            objectives,
            promise,
            schedules,
            refresh: self.refresh,
            second_person: self.second_person,
            pings: pings.unwrap_or_default(),
            timezone,
            suspicion,
            keep,
            max_rate,
            mask: self.mask,
            hooks,
            activity,
            log,
        };
        let is_scheduled = |work: &Work| database.schedules.of(*work).flatten().is_some();
        let fetching = [Work::Backup, Work::Refresh];
        if let Some(work) = fetching.into_iter().find(|work| database.arrives() && is_scheduled(work)) {
            return Err(format!(
                "schedule: {}: its states arrive when its pages send them, and only these write to it; a drill can be scheduled",
                work.name()
            ));
        }
        Ok(database)
    }
}
