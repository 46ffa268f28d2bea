//! How databases are: when what holds them was made, how long a recovery takes, and whether that keeps what was promised.

mod maintenance;

use std::collections::BTreeSet;

use jiff::Timestamp;
use rowkeep::Config;
use rowkeep::config::Work;
use rowkeep::format::Summary;
pub(crate) use rowkeep::jobs::health::Standing;
use rowkeep::jobs::health::{self, Known, devices, has_undrilled, overdue_since, summary, told_of_devices};
use rowkeep::timetable::Scheduled;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::Error;
use crate::queue::Queue;
use crate::state::failure;
use crate::state::jobs::{self, Filter, Job, JobState, TELLING};
use crate::state::transaction::Transaction;
pub(crate) use maintenance::{last_works, works};

/// A database, and how it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DatabaseHealth {
    /// Its name in rowkeep.toml.
    pub(crate) name: String,
    /// How it stands to what was promised of it.
    #[schema(schema_with = standings)]
    pub(crate) standing: Standing,
    /// Its newest snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<Newest>,
    /// Why nobody knows how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// How many snapshots there are of it.
    pub(crate) snapshots: u64,
    /// The seconds of work that may be lost at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lose_seconds: Option<u64>,
    /// The seconds within which it has to be back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) back_in_seconds: Option<u64>,
    /// The backup that ended last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_backup: Option<LastJob>,
    /// The drill that ended last. A snapshot is proven by it, and by nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_drill: Option<LastJob>,
    /// The milliseconds that the last drill took to restore and to prove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_ms: Option<u64>,
    /// The devices that it is on, where its snapshots say of which they are. Its promise is kept while any of them sends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) devices: Vec<DeviceHealth>,
    /// What its standing does not say of these, in words.
    #[serde(skip)]
    pub(crate) notes: Vec<String>,
    /// Whether drills of it try a file for a page, which no browser restores.
    #[serde(skip)]
    pub(crate) is_page_file: bool,
    /// The last time for which its schedule wanted a backup that did not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) overdue_since: Option<Timestamp>,
    /// When it is backed up next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) next_backup: Option<Timestamp>,
}

/// What a standing can be, for the document of the API.
fn standings() -> Object {
    let names = Standing::ALL.map(Standing::name);
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(names)).build()
}

/// The newest snapshot of a database.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Newest {
    pub(crate) id: String,
    /// When its state was.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    /// How long ago that was, in seconds: what would be lost.
    pub(crate) age_seconds: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Bytes that it added to the repository.
    pub(crate) new_bytes: u64,
}

/// A device of a database.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeviceHealth {
    /// Its name; none for snapshots that name no device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// When its newest state was.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    /// How long ago that was, in seconds: what would be lost on it.
    pub(crate) age_seconds: u64,
    /// Whether that is more than may be lost of the database.
    pub(crate) is_older_than_promised: bool,
    /// Whether a state of it was drilled.
    pub(crate) drilled: bool,
}

/// A job that ended last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LastJob {
    pub(crate) id: String,
    #[schema(value_type = String)]
    pub(crate) state: JobState,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) ended: Option<Timestamp>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl DeviceHealth {
    fn of(device: health::DeviceHealth) -> Self {
        let health::DeviceHealth { device, time, age_seconds, is_older_than_promised, drilled } = device;
        Self { device, time, age_seconds, is_older_than_promised, drilled }
    }
}

impl LastJob {
    fn of(job: &Job) -> Self {
        let took =
            job.started.zip(job.ended).map(|(started, ended)| ended.duration_since(started).as_millis());
        Self {
            id: job.id.clone(),
            state: job.state,
            ended: job.ended,
            took_ms: took.and_then(|took| u64::try_from(took).ok()),
            error: job.error.clone(),
        }
    }
}

/// The kind of the jobs that make the snapshots of a database.
pub(crate) fn kind_of_backups(config: &Config, name: &str) -> &'static str {
    match config.has_arriving(name) {
        true => "import",
        false => Work::Backup.name(),
    }
}

/// What is known of a database beside its configuration.
struct Facts<'a> {
    backup: Option<Job>,
    drill: Option<Job>,
    newest: Option<&'a Summary>,
    snapshots: u64,
    devices: Vec<health::DeviceHealth>,
}

/// Finds out how all databases are that are meant, by name: by one look at the repository, and one at the state.
pub(crate) async fn health_of_all(
    queue: &Queue,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<DatabaseHealth>, Error> {
    let workspace = queue.workspace();
    let (config, now) = (workspace.config(), queue.now());
    let names: Vec<String> = config.databases.keys().filter(|name| is_meant(name)).cloned().collect();
    let catalog = queue.catalog().await;
    let has_devices = |name: &str| {
        catalog.as_ref().is_ok_and(|catalog| !devices(catalog, name, None, now, |_| false).is_empty())
    };
    let of = names.iter().map(|name| (name.clone(), kind_of_backups(config, name), has_devices(name)));
    let of: Vec<_> = of.collect();
    let last = queue.state().transaction(move |state| {
        let last = |(name, backups, has_devices): &(String, &'static str, bool)| {
            let of = |kind: &str| jobs::last_of(state, kind, Some(name), &TELLING);
            let drill = of(Work::Drill.name())?;
            let drilled = if *has_devices { drilled_devices(state, name)? } else { BTreeSet::new() };
            Ok((of(backups)?, drill, drilled))
        };
        of.iter().map(last).collect::<failure::Result<Vec<_>>>()
    });
    let last = last.await?;
    let timetable = config.timetable();
    let databases = names.iter().zip(last).map(|(name, (backup, drill, drilled))| {
        let of = catalog.as_ref().ok();
        let newest = of.and_then(|catalog| catalog.newest(Some(name))).map(|newest| &**newest);
        let snapshots = of.map_or(0, |catalog| catalog.of(Some(name)).count() as u64);
        let promise = config.databases.get(name).and_then(|database| database.promise);
        let was_drilled = |device: Option<&str>| drilled.contains(&device.map(str::to_owned));
        let devices = of.map_or_else(Vec::new, |catalog| devices(catalog, name, promise, now, was_drilled));
        let facts = Facts { backup, drill, newest, snapshots, devices };
        told(config, &timetable, name, facts, catalog.as_ref().err(), now)
    });
    Ok(databases.collect())
}

fn told(
    config: &Config,
    timetable: &[Scheduled],
    name: &str,
    facts: Facts<'_>,
    problem: Option<&String>,
    now: Timestamp,
) -> DatabaseHealth {
    let Facts { backup, drill, newest, snapshots, devices } = facts;
    let promise = config.databases.get(name).and_then(|database| database.promise);
    let age = |summary: &Summary| u64::try_from(now.duration_since(summary.time).as_secs()).unwrap_or(0);
    let has_failed = |job: &Option<Job>| job.as_ref().is_some_and(|job| job.state != JobState::Done);
    let backups = timetable
        .iter()
        .find(|scheduled| scheduled.work == Work::Backup && scheduled.database.as_deref() == Some(name));
    let overdue_since =
        backups.zip(newest).and_then(|(backups, newest)| overdue_since(config, backups, newest, now));
    let known = Known {
        is_readable: problem.is_none(),
        age_seconds: newest.map(age),
        promise,
        is_overdue: overdue_since.is_some(),
        has_failed: has_failed(&backup) || has_failed(&drill),
        is_partly_drilled: has_undrilled(&devices),
    };
    DatabaseHealth {
        name: name.to_owned(),
        standing: known.standing(),
        problem: problem.cloned(),
        newest: newest.map(|summary| Newest {
            id: summary.id.to_string(),
            time: summary.time,
            age_seconds: age(summary),
            rows: summary.rows,
            bytes: summary.bytes,
            new_bytes: summary.new_bytes,
        }),
        snapshots,
        lose_seconds: promise.map(|promise| promise.lose_seconds),
        back_in_seconds: promise.and_then(|promise| promise.back_in_seconds),
        recovery_ms: drill.as_ref().and_then(recovery_ms),
        notes: told_of_devices(&devices, promise),
        devices: devices.into_iter().map(DeviceHealth::of).collect(),
        is_page_file: config.has_arriving(name),
        last_backup: backup.as_ref().map(LastJob::of),
        last_drill: drill.as_ref().map(LastJob::of),
        overdue_since,
        next_backup: backups.and_then(|scheduled| config.next(scheduled, now)),
    }
}

/// So many of the last drills of a database are looked through for its devices; each tries all that there are.
const DRILLS_LOOKED_AT: u32 = 20;

/// The devices whose states were drilled.
pub(crate) fn drilled_devices(
    state: &Transaction<'_>,
    name: &str,
) -> failure::Result<BTreeSet<Option<String>>> {
    let filter = Filter {
        kind: Some(Work::Drill.name().to_owned()),
        database: Some(name.to_owned()),
        limit: DRILLS_LOOKED_AT,
        ..Filter::default()
    };
    let mut drilled = BTreeSet::new();
    for job in jobs::list(state, &filter)? {
        let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let reports = outcome.as_ref().and_then(|outcome| outcome.pointer("/outcome/reports")?.as_array());
        let about = reports.into_iter().flatten().filter_map(|report| report["snapshot"].as_object());
        drilled.extend(about.map(|about| Some(about.get("device")?.as_str()?.to_owned())));
    }
    Ok(drilled)
}

/// What a drill measured.
pub(crate) fn recovery_ms(drill: &Job) -> Option<u64> {
    let outcome: Value = serde_json::from_str(drill.outcome.as_deref()?).ok()?;
    let reports = outcome.pointer("/outcome/reports")?.as_array()?;
    // Of several devices, the slowest.
    reports.iter().filter_map(|report| report.pointer("/measures/recovery_ms")?.as_u64()).max()
}

/// How databases are, in one sentence.
pub(crate) fn in_one_sentence<'a>(databases: impl IntoIterator<Item = &'a DatabaseHealth>) -> String {
    let (mut count, mut kept, mut all_promised) = (0, 0, true);
    for database in databases {
        count += 1;
        kept += u64::from(database.standing == Standing::Kept);
        all_promised &= database.lose_seconds.is_some();
    }
    summary(count, kept, all_promised)
}
