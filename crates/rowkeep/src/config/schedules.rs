//! What runs by itself: `[schedule]`, the schedule of a database, and what follows from its promise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::durations::seconds;
use crate::schedule::Schedule;

/// What can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A backup of a database.
    Backup,
    /// A test whether its newest snapshot can be restored.
    Drill,
    /// Its replacement by the newest backup of another database.
    Refresh,
    /// A check of the whole repository.
    Check,
    /// The deletion of what no rule keeps, and of what nothing needs.
    Prune,
    /// Copies into the other repositories of what they lack.
    Copy,
}

impl Work {
    /// All of it.
    pub const ALL: [Work; 6] =
        [Work::Backup, Work::Drill, Work::Refresh, Work::Check, Work::Prune, Work::Copy];

    /// Whether it is done for one database; else it is for the repository.
    pub fn is_of_database(self) -> bool {
        matches!(self, Work::Backup | Work::Drill | Work::Refresh)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Work::Backup => "backup",
            Work::Drill => "drill",
            Work::Refresh => "refresh",
            Work::Check => "check",
            Work::Prune => "prune",
            Work::Copy => "copy",
        }
    }

    /// That of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name)
    }
}

/// When work is to be done, as it was configured for all databases or for one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedules {
    work: BTreeMap<Work, Option<Schedule>>,
    jitter_seconds: u64,
    read_percent: Option<f64>,
}

/// Of how many packs in a hundred a check that runs by itself reads all data, unless the configuration says otherwise: each time
/// others, so that damage does not stay unseen for ever.
const READ_PERCENT: f64 = 5.0;

/// What a database is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The most seconds of work that may be lost: the greatest age of what its newest snapshot holds.
    pub lose_seconds: u64,
    /// The most seconds until it is back.
    pub back_in_seconds: Option<u64>,
}

/// What a file says of promises.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePromise {
    lose: String,
    back_in: Option<String>,
}

impl FilePromise {
    pub(super) fn read(&self) -> Result<Promise, String> {
        let length = |name: &str, text: &str| {
            let length = seconds(text).map_err(|problem| format!("promise: {name}: {problem}"))?;
            if length < 60 {
                return Err(format!("promise: {name}: {text:?} is less than a minute"));
            }
            Ok(length)
        };
        Ok(Promise {
            lose_seconds: length("lose", &self.lose)?,
            back_in_seconds: self.back_in.as_deref().map(|text| length("back_in", text)).transpose()?,
        })
    }
}

impl Schedules {
    /// Reads what a file says; of a database there is only what is done for databases.
    pub(super) fn read(stated: BTreeMap<String, String>, is_of_database: bool) -> Result<Self, String> {
        let mut schedules = Self::default();
        for (name, text) in stated {
            if name == "jitter" && !is_of_database {
                schedules.jitter_seconds =
                    seconds(&text).map_err(|problem| format!("schedule: jitter: {problem}"))?;
                continue;
            }
            if name == "read_data" && !is_of_database {
                let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
                let percent = percent.filter(|percent: &f64| (0.0..=100.0).contains(percent));
                schedules.read_percent = Some(percent.ok_or_else(|| {
                    format!(
                        "schedule: read_data: {text:?} is no part of the data; write \"5%\", from 0% to 100%"
                    )
                })?);
                continue;
            }
            let known = Work::named(&name).filter(|work| work.is_of_database() || !is_of_database);
            let Some(work) = known else {
                let known = Work::ALL.iter().filter(|work| work.is_of_database() || !is_of_database);
                let known = known.map(|work| work.name()).collect::<Vec<_>>().join(", ");
                return Err(format!("schedule: nothing called {name} is done by itself; there is {known}"));
            };
            let schedule = match text.trim() {
                off if ["off", "never"].iter().any(|word| off.eq_ignore_ascii_case(word)) => None,
                text => Some(text.parse().map_err(|problem| format!("schedule: {name}: {problem}"))?),
            };
            schedules.work.insert(work, schedule);
        }
        Ok(schedules)
    }

    /// Fails where something is scheduled that cannot be done with so many `[[repositories]]`.
    pub(super) fn check(&self, repositories: usize) -> Result<(), String> {
        if repositories < 2 && self.of(Work::Copy).flatten().is_some() {
            return Err(
                "schedule: copy: there are no several [[repositories]] between which copies could go"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// When work is to be done, where something is said of it; then it may be never.
    pub fn of(&self, work: Work) -> Option<Option<&Schedule>> {
        self.work.get(&work).map(Option::as_ref)
    }

    /// Of how many packs in a hundred a check that runs by itself reads all data.
    pub fn read_percent(&self) -> f64 {
        self.read_percent.unwrap_or(READ_PERCENT)
    }

    /// By how many seconds at most work is put off, each by its own, so that not all of it begins at once.
    pub fn jitter_seconds(&self) -> u64 {
        self.jitter_seconds
    }
}
