//! Jobs: what was asked for, by whom, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::{self, Failure};
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::{IntoValue, Row, places};

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    /// It was not begun, or is to be begun again.
    Waiting,
    /// It is being done.
    Running,
    /// It is done.
    Done,
    /// It came to its end, and what it looked at differs, is damaged or lacks something.
    Differences,
    /// It was not approved of; nothing was changed.
    Refused,
    /// It failed.
    Failed,
    /// Somebody stopped it.
    Stopped,
}

impl JobState {
    pub(crate) const ALL: [JobState; 7] = [
        JobState::Waiting,
        JobState::Running,
        JobState::Done,
        JobState::Differences,
        JobState::Refused,
        JobState::Failed,
        JobState::Stopped,
    ];

    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Differences => "differences",
            JobState::Refused => "refused",
            JobState::Failed => "failed",
            JobState::Stopped => "stopped",
        }
    }

    /// That of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more comes of it.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, JobState::Waiting | JobState::Running)
    }
}

/// The states in which a job says something about what it was to do.
pub(crate) const TELLING: [JobState; 3] = [JobState::Done, JobState::Differences, JobState::Failed];

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// In the order in which they were asked for.
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) database: Option<String>,
    /// The request as JSON.
    pub(crate) request: String,
    pub(crate) state: JobState,
    pub(crate) asked_by: String,
    /// The time for which a schedule wanted it.
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) created: Timestamp,
    /// Not to be begun before.
    pub(crate) due: Timestamp,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// How often it was begun.
    pub(crate) attempt: u32,
    /// How often it failed of these times.
    pub(crate) failures: u32,
    /// What came of it, as JSON.
    pub(crate) outcome: Option<String>,
    /// Why it failed the last time.
    pub(crate) error: Option<String>,
}

/// A job that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) database: Option<String>,
    pub(crate) request: String,
    pub(crate) asked_by: String,
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) now: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) idempotency: Option<(String, Vec<u8>)>,
}

/// What became of asking for one.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It is new, or was asked for before by the same request.
    Job(Box<Job>),
    /// Another request has used the same key.
    OtherRequest,
}

const COLUMNS: &str = "number, id, kind, database, request, state, asked_by, scheduled, created, due, started, ended, attempt, \
    outcome, error, failures";

fn read(row: &Row) -> failure::Result<Job> {
    let state: String = row.get(5)?;
    let optional = |at: usize| Ok::<_, Failure>(row.get::<Option<i64>>(at)?.map(time));
    Ok(Job {
        number: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        database: row.get(3)?,
        request: row.get(4)?,
        state: JobState::named(&state).ok_or(Failure::Value { column: 5 })?,
        asked_by: row.get(6)?,
        scheduled: optional(7)?,
        created: time(row.get(8)?),
        due: time(row.get(9)?),
        started: optional(10)?,
        ended: optional(11)?,
        attempt: row.get(12)?,
        outcome: row.get(13)?,
        error: row.get(14)?,
        failures: row.get(15)?,
    })
}

/// What holds for jobs of the database `?2`, or for those that are for none.
fn is_of(database: Option<&str>) -> &'static str {
    match database {
        Some(_) => "database = ?2",
        None => "database IS NULL AND ?2 IS NULL",
    }
}

/// Asks for a job.
pub(crate) fn add(transaction: &Transaction<'_>, new: &NewJob) -> failure::Result<Asked> {
    if let Some((key, hash)) = &new.idempotency {
        let query = "SELECT id, idempotency_hash FROM jobs WHERE asked_by = ?1 AND idempotency_key = ?2";
        let known = transaction.query_optional(query, params![new.asked_by, key], |row| {
            Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?))
        })?;
        if let Some((id, known)) = known {
            return match (&known == hash, by_id(transaction, &id)?) {
                (true, Some(job)) => Ok(Asked::Job(Box::new(job))),
                _ => Ok(Asked::OtherRequest),
            };
        }
    }
    let (key, hash) = new.idempotency.as_ref().map(|(key, hash)| (key, hash)).unzip();
    transaction.execute(
        "INSERT INTO jobs (id, kind, database, request, state, asked_by, scheduled, created, due, idempotency_key, idempotency_hash) \
         VALUES (?1, ?2, ?3, ?4, 'waiting', ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            new.id,
            new.kind,
            new.database,
            new.request,
            new.asked_by,
            new.scheduled.map(stored),
            stored(new.now),
            stored(new.due),
            key,
            hash,
        ],
    )?;
    by_id(transaction, &new.id)?.map(Box::new).map(Asked::Job).ok_or(Failure::NoRow)
}

/// One job.
pub(crate) fn by_id(transaction: &Transaction<'_>, id: &str) -> failure::Result<Option<Job>> {
    let query = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1");
    transaction.query_optional(&query, params![id], read)
}

/// Which jobs are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<JobState>,
    pub(crate) kind: Option<String>,
    pub(crate) database: Option<String>,
    /// Only those that were asked for before this one.
    pub(crate) before: Option<i64>,
    pub(crate) limit: u32,
}

/// Jobs, the newest first.
pub(crate) fn list(transaction: &Transaction<'_>, filter: &Filter) -> failure::Result<Vec<Job>> {
    let query = format!(
        "SELECT {COLUMNS} FROM jobs WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) \
         AND (?3 IS NULL OR database = ?3) AND (?4 IS NULL OR number < ?4) ORDER BY number DESC LIMIT ?5"
    );
    let state = filter.state.map(JobState::name);
    let values = params![state, filter.kind, filter.database, filter.before, filter.limit];
    transaction.query(&query, values, read)
}

/// Begins the job that has waited longest of those that are due, and for whose database nothing is being done; of what is done for the
/// repository, nothing twice at once.
pub(crate) fn begin(transaction: &Transaction<'_>, now: Timestamp) -> failure::Result<Option<Job>> {
    // What was asked for in the future was asked for before the clock was put back.
    let query = "SELECT id FROM jobs AS next WHERE state = 'waiting' AND (due <= ?1 OR created > ?1) AND NOT EXISTS (SELECT 1 FROM jobs AS other \
        WHERE other.state = 'running' AND (other.database = next.database OR next.database IS NULL AND other.kind = next.kind)) \
        ORDER BY due, number LIMIT 1";
    let id: Option<String> = transaction.query_optional(query, params![stored(now)], |row| row.get(0))?;
    let Some(id) = id else { return Ok(None) };
    let update = "UPDATE jobs SET state = 'running', started = ?2, attempt = attempt + 1 WHERE id = ?1";
    transaction.execute(update, params![id, stored(now)])?;
    by_id(transaction, &id)
}

/// Whether a job of a kind waits that somebody asked for.
pub(crate) fn is_waiting(
    transaction: &Transaction<'_>,
    kind: &str,
    database: Option<&str>,
    asked_by: &str,
) -> failure::Result<bool> {
    let query = format!(
        "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting' AND kind = ?1 AND {} AND asked_by = ?3)",
        is_of(database)
    );
    transaction.query_row(&query, params![kind, database, asked_by], |row| row.get(0))
}

/// What became of a job that was being done.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    /// It is over.
    Over { state: JobState, outcome: Option<String>, error: Option<String> },
    /// It failed, and is to be begun again.
    Again { due: Timestamp, error: String },
}

/// Notes what became of a job.
pub(crate) fn end(
    transaction: &Transaction<'_>,
    id: &str,
    now: Timestamp,
    ended: &Ended,
) -> failure::Result<()> {
    match ended {
        Ended::Over { state, outcome, error } => transaction.execute(
            "UPDATE jobs SET state = ?2, ended = ?3, outcome = ?4, error = ?5 WHERE id = ?1",
            params![id, state.name(), stored(now), outcome, error],
        ),
        Ended::Again { due, error } => transaction.execute(
            "UPDATE jobs SET state = 'waiting', due = ?2, error = ?3, failures = failures + 1 WHERE id = ?1",
            params![id, stored(*due), error],
        ),
    }
    .map(drop)
}

/// Wants a job to stop; one that was not begun has stopped by that. Whether there is one that was not over.
pub(crate) fn stop(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> failure::Result<bool> {
    let waiting = "UPDATE jobs SET state = 'stopped', ended = ?2 WHERE id = ?1 AND state = 'waiting'";
    if transaction.execute(waiting, params![id, stored(now)])? > 0 {
        return Ok(true);
    }
    Ok(transaction
        .execute("UPDATE jobs SET stop_wanted = 1 WHERE id = ?1 AND state = 'running'", params![id])?
        > 0)
}

/// After a process ended in the middle: its jobs, that only read databases, are done again; of the others nobody knows how far they
/// came.
pub(crate) fn recover(transaction: &Transaction<'_>, again: &[&str], now: Timestamp) -> failure::Result<u64> {
    let waiting = format!(
        "UPDATE jobs SET state = 'waiting', due = ?1 WHERE state = 'running' AND stop_wanted = 0 AND kind IN {}",
        places(2, again.len())
    );
    let mut values = params![stored(now)].to_vec();
    values.extend(again.iter().map(IntoValue::value));
    let begun_again = transaction.execute(&waiting, &values)?;
    let failed = "UPDATE jobs SET state = CASE stop_wanted WHEN 1 THEN 'stopped' ELSE 'failed' END, ended = ?1, \
        error = 'the service ended while this was being done; look at the database before it is done again' WHERE state = 'running'";
    transaction.execute(failed, params![stored(now)])?;
    Ok(begun_again as u64)
}

/// Takes all jobs that are not over for such that were being done: of a state that is older than what came after it, nobody knows which
/// of them were.
pub(crate) fn doubt(transaction: &Transaction<'_>) -> failure::Result<()> {
    let doubt = "UPDATE jobs SET state = 'running', attempt = CASE WHEN attempt < 1 THEN 1 ELSE attempt END, started = coalesce(started, created) WHERE state = 'waiting'";
    transaction.execute(doubt, &[]).map(drop)
}

/// The job of a kind that ended last for a database, in one of some states.
pub(crate) fn last_of(
    transaction: &Transaction<'_>,
    kind: &str,
    database: Option<&str>,
    states: &[JobState],
) -> failure::Result<Option<Job>> {
    let query = format!(
        "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND {} AND state IN {} ORDER BY ended DESC, number DESC LIMIT 1",
        is_of(database),
        places(3, states.len())
    );
    let mut values = params![kind, database].to_vec();
    values.extend(states.iter().map(|state| state.name().value()));
    transaction.query_optional(&query, &values, read)
}

/// The oldest job of a kind for a database that is not over.
pub(crate) fn pending(
    transaction: &Transaction<'_>,
    kind: &str,
    database: &str,
) -> failure::Result<Option<Job>> {
    let query = format!(
        "SELECT {COLUMNS} FROM jobs WHERE state IN ('waiting', 'running') AND kind = ?1 AND database = ?2 \
         ORDER BY state = 'running' DESC, number LIMIT 1"
    );
    transaction.query_optional(&query, params![kind, database], read)
}

/// The microseconds that the longest of the last five jobs of a kind for a database took that are done.
pub(crate) fn longest(
    transaction: &Transaction<'_>,
    kind: &str,
    database: &str,
) -> failure::Result<Option<i64>> {
    let query = "SELECT max(took) FROM (SELECT ended - started AS took FROM jobs \
        WHERE database = ?2 AND kind = ?1 AND state = 'done' ORDER BY number DESC LIMIT 5) AS last";
    transaction.query_row(query, params![kind, database], |row| row.get(0))
}

/// How many jobs of a kind ended in which state of a database since a moment: those that are done, and those that are not.
pub(crate) fn ended_since(
    transaction: &Transaction<'_>,
    kind: &str,
    database: &str,
    since: Timestamp,
) -> failure::Result<(u64, u64)> {
    let query = "SELECT count(CASE WHEN state = 'done' THEN 1 END), count(CASE WHEN state IN ('failed', 'differences') THEN 1 END) \
        FROM jobs WHERE database = ?2 AND kind = ?1 AND ended >= ?3";
    let counts = |row: &Row| Ok((row.get::<i64>(0)?.unsigned_abs(), row.get::<i64>(1)?.unsigned_abs()));
    transaction.query_row(query, params![kind, database, stored(since)], counts)
}

/// Jobs that have begun or ended and were not told of, the oldest first.
pub(crate) fn untold(transaction: &Transaction<'_>, limit: u32) -> failure::Result<Vec<(Job, bool)>> {
    let query = format!(
        "SELECT {COLUMNS}, told FROM jobs WHERE told < 2 AND (state NOT IN ('waiting', 'running') OR told = 0 AND started IS NOT NULL) \
         ORDER BY number LIMIT ?1"
    );
    transaction.query(&query, params![limit], |row| Ok((read(row)?, row.get::<i64>(16)? == 0)))
}

/// Notes that it was told that a job began, or how it ended.
pub(crate) fn told(transaction: &Transaction<'_>, job: &Job) -> failure::Result<()> {
    let told = if job.state.is_over() { 2 } else { 1 };
    transaction.execute("UPDATE jobs SET told = ?2 WHERE number = ?1", params![job.number, told]).map(drop)
}

/// Who asked for the job that made a plan.
pub(crate) fn author_of(transaction: &Transaction<'_>, plan: &str) -> failure::Result<Option<String>> {
    let query = "SELECT asked_by FROM jobs WHERE kind IN ('restore', 'undo') AND replace(outcome, ?1, '') <> outcome ORDER BY number LIMIT 1";
    transaction.query_optional(query, params![plan], |row| row.get(0))
}

/// How many jobs of each kind ended in each state since the state was made, and how many are in it now.
pub(crate) fn counts(transaction: &Transaction<'_>) -> failure::Result<Vec<(String, JobState, u64)>> {
    let query = "SELECT kind, state, count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1, 2";
    let rows = transaction.query(query, &[], |row| {
        let state = JobState::named(&row.get::<String>(1)?);
        Ok(state.map(|state| Ok((row.get(0)?, state, row.get::<i64>(2)?.unsigned_abs()))))
    })?;
    rows.into_iter().flatten().collect()
}

/// What a day in a calendar shows beside snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DayOf {
    /// A backup or a drill that failed.
    Failure,
    /// A drill that proved that a snapshot can be restored.
    Proof,
}

/// When backups and drills of a database failed since a time, and when drills proved something.
pub(crate) fn days_of(
    transaction: &Transaction<'_>,
    database: &str,
    since: Timestamp,
) -> failure::Result<Vec<(DayOf, Timestamp)>> {
    let query = "SELECT state = 'done', ended FROM jobs WHERE database = ?1 AND kind IN ('backup', 'drill') AND ended >= ?2 \
         AND (state IN ('failed', 'differences') OR kind = 'drill' AND state = 'done')";
    transaction.query(query, params![database, stored(since)], |row| {
        let what = if row.get(0)? { DayOf::Proof } else { DayOf::Failure };
        Ok((what, time(row.get(1)?)))
    })
}
