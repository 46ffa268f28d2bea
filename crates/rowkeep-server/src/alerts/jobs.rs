//! Jobs that began or ended: who wants to hear of each is told.

use jiff::Timestamp;
use rowkeep::Config;
use rowkeep::config::Work;
use serde_json::Value;
use uuid::Uuid;

use super::database::why;
use super::message::{Event, Message, Severity};
use super::parcel::{Parcel, Phase, Ping, post, post_ping};
use crate::state::failure;
use crate::state::jobs::{self, Job, JobState};
use crate::state::transaction::Transaction;

/// How many are told at once.
const AT_ONCE: u32 = 50;

/// Tells of jobs that have begun or ended, each once, and gives the databases that they are of.
pub(super) fn tell(
    state: &Transaction<'_>,
    config: &Config,
    now: Timestamp,
) -> failure::Result<Vec<Option<String>>> {
    let mut databases = Vec::new();
    for (job, is_new) in jobs::untold(state, AT_ONCE)? {
        ping(state, config, &job, is_new, now)?;
        if job.state == JobState::Done && job.kind == Work::Backup.name() {
            tell_of_success(state, config, &job, now)?;
        }
        jobs::told(state, &job)?;
        databases.push(job.database);
    }
    Ok(databases)
}

fn tell_of_success(
    state: &Transaction<'_>,
    config: &Config,
    job: &Job,
    now: Timestamp,
) -> failure::Result<()> {
    let Some(database) = job.database.as_deref() else { return Ok(()) };
    let channels = config.channels.iter().filter(|channel| channel.success && channel.is_for(Some(database)));
    for channel in channels {
        let title = format!("backup of {database} is done");
        let time = job.ended.unwrap_or(now);
        let mut message = Message::new(Event::Success, Severity::Info, &title, &told(job), time);
        message.database = Some(database.to_owned());
        post(state, channel, &job.id, &Parcel::Message(message), Severity::Info, now)?;
    }
    Ok(())
}

fn ping(
    state: &Transaction<'_>,
    config: &Config,
    job: &Job,
    is_new: bool,
    now: Timestamp,
) -> failure::Result<()> {
    let (Some(database), Some(work)) = (job.database.as_deref(), Work::named(&job.kind)) else {
        return Ok(());
    };
    let pings = config.databases.get(database).map(|database| &database.pings);
    if pings.and_then(|pings| pings.of(work)).is_none() {
        return Ok(());
    }
    let run = run_of(&job.id);
    let ping = |phase, text| Ping {
        database: database.to_owned(),
        work,
        phase,
        run: run.clone(),
        text,
        took_ms: took_ms(job),
    };
    if is_new && job.started.is_some() {
        post_ping(state, ping(Phase::Begun, String::new()), now)?;
    }
    match job.state {
        JobState::Done => post_ping(state, ping(Phase::Done, told(job)), now),
        // Nobody failed where somebody stopped it: it is as if it had not been begun, and its absence is noticed.
        JobState::Waiting | JobState::Running | JobState::Stopped | JobState::Refused => Ok(()),
        JobState::Differences | JobState::Failed => post_ping(state, ping(Phase::Failed, told(job)), now),
    }
}

/// The name of a run, which is that of its job in the form that others want.
fn run_of(id: &str) -> String {
    let bytes = hex::decode(id).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map_or_else(
        || Uuid::nil().to_string(),
        |bytes| uuid::Builder::from_random_bytes(bytes).into_uuid().to_string(),
    )
}

fn took_ms(job: &Job) -> Option<i64> {
    let took = job.ended?.duration_since(job.started?);
    i64::try_from(took.as_millis()).ok().map(|took| took.max(0))
}

/// What became of a job, in lines.
fn told(job: &Job) -> String {
    let database = job.database.as_deref().unwrap_or_default();
    let mut lines = vec![format!("{} of {database}: {}", job.kind, job.state.name())];
    if let (Some(started), Some(ended)) = (job.started, job.ended) {
        let took = ended.duration_since(started).unsigned_abs();
        let took = rowkeep::units::duration(took);
        lines.push(format!("from {started:.0} to {ended:.0}, {took}"));
    }
    let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let snapshots = outcome.as_ref().and_then(|outcome| outcome.pointer("/outcome/snapshots")?.as_array());
    for snapshot in snapshots.into_iter().flatten() {
        if let (Some(id), Some(rows)) = (snapshot["id"].as_str(), snapshot["rows"].as_u64()) {
            let short = id.get(..8).unwrap_or(id);
            lines.push(format!("snapshot {short}: {}", rowkeep::units::counted(rows, "row")));
        }
    }
    if job.state != JobState::Done {
        lines.push(why(job));
    }
    lines.join("\n")
}
