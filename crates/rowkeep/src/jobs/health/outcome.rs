//! What is found out about the health of databases.

use jiff::Timestamp;
use rowkeep_format::Summary;
use rowkeep_repository::Catalog;
use serde::{Deserialize, Serialize};

use super::devices::{DeviceHealth, has_undrilled, told_of_devices};
use super::overdue::overdue_since;
use super::standing::{Known, Standing, summary};
use crate::config::{Config, Promise, Work};
use crate::jobs::verdict::Verdict;
use crate::report::Report;
use crate::timetable::Scheduled;

/// How databases are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthOutcome {
    /// In one sentence: `11 of 12 databases keep their promise`.
    pub summary: String,
    /// The time for which this is said.
    pub time: Timestamp,
    /// The databases, by name.
    pub databases: Vec<DatabaseHealth>,
    /// Bytes that the repository holds, as stored; none where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_bytes: Option<u64>,
}

/// How a database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseHealth {
    /// Its name.
    pub name: String,
    /// How it stands to what was promised.
    pub standing: Standing,
    /// Its newest snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<NewestSnapshot>,
    /// How many snapshots there are of it.
    pub snapshots: u64,
    /// The seconds of work that may be lost at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lose_seconds: Option<u64>,
    /// The seconds within which it has to be back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_in_seconds: Option<u64>,
    /// When it is backed up by itself, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The last time for which its schedule wanted a backup that did not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<Timestamp>,
    /// Its last drill of which there is a report; of several devices the last of each that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<LastDrill>,
    /// The devices that it is on, where snapshots say of which they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceHealth>,
}

/// The newest snapshot of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestSnapshot {
    /// Its id.
    pub id: String,
    /// When its state was.
    pub time: Timestamp,
    /// How long ago that was: what would be lost.
    pub age_seconds: u64,
    /// Its rows.
    pub rows: u64,
    /// Bytes of these rows.
    pub bytes: u64,
    /// Bytes that it added to the repository.
    pub new_bytes: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// A drill, by its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrill {
    /// When it began.
    pub time: Timestamp,
    /// Whether nothing failed.
    pub passed: bool,
    /// The milliseconds that it took to restore and to prove, where it came so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_ms: Option<u64>,
}

impl HealthOutcome {
    /// How it ended: also a database that is only at risk is not as it should be.
    pub fn verdict(&self) -> Verdict {
        match self.databases.iter().all(|database| database.standing == Standing::Kept) {
            true => Verdict::Done,
            false => Verdict::Differences,
        }
    }

    /// What there is to say of a configuration whose repository cannot be read.
    pub fn unknown(config: &Config, now: Timestamp) -> Self {
        let (timetable, databases) = (config.timetable(), config.databases.keys());
        let databases = databases
            .map(|name| of_database(config, &timetable, name, None, Drilled::default(), now))
            .collect();
        Self::of(databases, None, now)
    }

    pub(super) fn of(databases: Vec<DatabaseHealth>, repository_bytes: Option<u64>, time: Timestamp) -> Self {
        let kept = databases.iter().filter(|database| database.standing == Standing::Kept).count();
        let all_promised = databases.iter().all(|database| database.lose_seconds.is_some());
        let summary = summary(databases.len() as u64, kept as u64, all_promised);
        Self { summary, time, databases, repository_bytes }
    }
}

/// What drills said of a database.
#[derive(Default)]
pub(super) struct Drilled {
    pub(super) last: Option<LastDrill>,
    pub(super) devices: Vec<DeviceHealth>,
}

/// How a database is by what is in a catalog, where there is one, and by its last drill.
pub(super) fn of_database(
    config: &Config,
    timetable: &[Scheduled],
    name: &str,
    catalog: Option<&Catalog>,
    drilled: Drilled,
    now: Timestamp,
) -> DatabaseHealth {
    let Drilled { last: last_drill, devices } = drilled;
    let promise = config.databases.get(name).and_then(|database| database.promise);
    let backups = timetable
        .iter()
        .find(|scheduled| scheduled.work == Work::Backup && scheduled.database.as_deref() == Some(name));
    let newest = catalog.and_then(|catalog| catalog.newest(Some(name)));
    let overdue_since = newest.and_then(|newest| overdue_since(config, backups?, newest, now));
    let newest = newest.map(|summary| NewestSnapshot::of(summary, now));
    let known = Known {
        is_readable: catalog.is_some(),
        age_seconds: newest.as_ref().map(|newest| newest.age_seconds),
        promise,
        is_overdue: overdue_since.is_some(),
        has_failed: last_drill.as_ref().is_some_and(|drill| !drill.passed),
        is_partly_drilled: has_undrilled(&devices),
    };
    DatabaseHealth {
        name: name.to_owned(),
        standing: known.standing(),
        newest,
        snapshots: catalog.map_or(0, |catalog| catalog.of(Some(name)).count() as u64),
        lose_seconds: promise.map(|promise| promise.lose_seconds),
        back_in_seconds: promise.and_then(|promise| promise.back_in_seconds),
        schedule: backups.map(|scheduled| scheduled.schedule.to_string()),
        overdue_since,
        last_drill,
        devices,
    }
}

impl DatabaseHealth {
    /// What its standing does not say of its devices, in words.
    pub fn notes(&self) -> Vec<String> {
        let promise = self
            .lose_seconds
            .map(|lose_seconds| Promise { lose_seconds, back_in_seconds: self.back_in_seconds });
        told_of_devices(&self.devices, promise)
    }
}

impl NewestSnapshot {
    fn of(summary: &Summary, now: Timestamp) -> Self {
        Self {
            id: summary.id.to_string(),
            time: summary.time,
            age_seconds: u64::try_from(now.duration_since(summary.time).as_secs()).unwrap_or(0),
            rows: summary.rows,
            bytes: summary.bytes,
            new_bytes: summary.new_bytes,
            duration_ms: summary.duration_ms,
        }
    }
}

impl LastDrill {
    pub(super) fn of(report: &Report) -> Self {
        let measured = report.measures.as_ref().map(|measures| measures.recovery_ms);
        Self {
            time: report.time,
            passed: report.is_passed(),
            recovery_ms: measured.filter(|recovery_ms| *recovery_ms > 0),
        }
    }

    /// Both as one, such as those of two devices.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            time: self.time.max(other.time),
            passed: self.passed && other.passed,
            recovery_ms: self.recovery_ms.max(other.recovery_ms),
        }
    }
}
