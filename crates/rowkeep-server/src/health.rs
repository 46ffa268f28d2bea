//! How databases are: when what holds them was made, how long a recovery takes, and whether that keeps what was promised.

use jiff::Timestamp;
use rowkeep::config::Work;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Error;
use crate::queue::Queue;
use crate::state::jobs::{self, Job, JobState};

/// How a database stands to what was promised of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// What was promised is kept, or nothing was, and the last backup is done.
    Kept,
    /// It is kept, and the last backup or drill failed.
    AtRisk,
    /// It is not kept: the newest snapshot is older than may be lost, or there is none.
    Broken,
    /// There is no snapshot, and nothing was promised.
    Unprotected,
    /// The repository cannot be read, so that nobody knows.
    Unknown,
}

impl Standing {
    /// As it is shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Standing::Kept => "kept",
            Standing::AtRisk => "at_risk",
            Standing::Broken => "broken",
            Standing::Unprotected => "unprotected",
            Standing::Unknown => "unknown",
        }
    }
}

/// A database, and how it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DatabaseHealth {
    /// Its name in rowkeep.toml.
    pub(crate) name: String,
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
    /// When it is backed up next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) next_backup: Option<Timestamp>,
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

/// The states in which a job says something about what it was to do.
const TELLING: [JobState; 3] = [JobState::Done, JobState::Differences, JobState::Failed];

/// Finds out how a database is.
pub(crate) async fn health_of(queue: &Queue, name: &str) -> Result<DatabaseHealth, Error> {
    let (config, now) = (queue.workspace().config(), queue.now());
    let promise = config.databases.get(name).and_then(|database| database.promise);
    let of = name.to_owned();
    let (backup, drill) = queue
        .state()
        .transaction(move |state| {
            let last = |work: Work| jobs::last_of(state, work.name(), Some(&of), &TELLING);
            Ok((last(Work::Backup)?, last(Work::Drill)?))
        })
        .await?;
    let catalog = match queue.repository().await {
        Ok(repository) => repository.catalog().await.map_err(|error| error.to_string()),
        Err(problem) => Err(problem),
    };
    let (newest, snapshots) = match &catalog {
        Ok(catalog) => {
            let newest = catalog.newest(Some(name)).map(|summary| Newest {
                id: summary.id.to_string(),
                time: summary.time,
                age_seconds: u64::try_from(now.duration_since(summary.time).as_secs()).unwrap_or(0),
                rows: summary.rows,
                bytes: summary.bytes,
            });
            (newest, catalog.of(Some(name)).count() as u64)
        }
        Err(_) => (None, 0),
    };
    let has_failed = |job: &Option<Job>| job.as_ref().is_some_and(|job| job.state != JobState::Done);
    let standing = match (&catalog, &newest, promise) {
        (Err(_), ..) => Standing::Unknown,
        (_, None, None) => Standing::Unprotected,
        (_, None, Some(_)) => Standing::Broken,
        (_, Some(newest), Some(promise)) if newest.age_seconds > promise.lose_seconds => Standing::Broken,
        _ if has_failed(&backup) || has_failed(&drill) => Standing::AtRisk,
        _ => Standing::Kept,
    };
    let timetable = config.timetable();
    let backups = timetable
        .iter()
        .find(|scheduled| scheduled.work == Work::Backup && scheduled.database.as_deref() == Some(name));
    Ok(DatabaseHealth {
        name: name.to_owned(),
        standing,
        problem: catalog.as_ref().err().cloned(),
        newest,
        snapshots,
        lose_seconds: promise.map(|promise| promise.lose_seconds),
        back_in_seconds: promise.and_then(|promise| promise.back_in_seconds),
        recovery_ms: drill.as_ref().and_then(recovery_ms),
        last_backup: backup.as_ref().map(LastJob::of),
        last_drill: drill.as_ref().map(LastJob::of),
        next_backup: backups.and_then(|scheduled| config.next(scheduled, now)),
    })
}

/// Finds out how all databases are that are meant, by name.
pub(crate) async fn health_of_all(
    queue: &Queue,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<DatabaseHealth>, Error> {
    let mut databases = Vec::new();
    for name in queue.workspace().config().databases.keys().filter(|name| is_meant(name)) {
        databases.push(health_of(queue, name).await?);
    }
    Ok(databases)
}

/// What a drill measured.
fn recovery_ms(drill: &Job) -> Option<u64> {
    let outcome: Value = serde_json::from_str(drill.outcome.as_deref()?).ok()?;
    outcome.pointer("/outcome/reports/0/measures/recovery_ms")?.as_u64()
}

/// How databases are, in one sentence.
pub(crate) fn in_one_sentence(databases: &[DatabaseHealth]) -> String {
    let count = databases.len();
    let kept = databases.iter().filter(|database| database.standing == Standing::Kept).count();
    let all_promised = databases.iter().all(|database| database.lose_seconds.is_some());
    match (count, all_promised) {
        (0, _) => "no database is configured".to_owned(),
        (1, true) => format!("{kept} of 1 database keeps its promise"),
        (_, true) => format!("{kept} of {count} databases keep their promise"),
        (1, false) => format!("{kept} of 1 database is protected"),
        (_, false) => format!("{kept} of {count} databases are protected"),
    }
}
