//! Jobs: what is being done, what became of it, and why.

mod told;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;

use super::frame::{Frame, Section, page, to_job};
use super::overview::{Word, word_of_job};
use super::refused::Refused;
use super::units::{bytes, count, part, second, short, took};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::state::jobs::{Filter, Job, JobState};
use crate::web::asking;
use crate::web::extract::{Named, Words};
use crate::web::service::Service;
use told::{Told, tell};

/// So many are shown at once.
const PAGE: u32 = 50;

/// A running job is looked at again after so many seconds.
const REFRESH: u32 = 2;

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    jobs: Vec<JobRow>,
    next: Option<i64>,
    failed_only: bool,
}

/// A job in a table.
pub(super) struct JobRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) database: Option<(String, String)>,
    pub(super) state: Word,
    pub(super) asked_by: String,
    pub(super) created: String,
    pub(super) took: String,
    pub(super) reason: String,
}

fn row(job: &Job) -> JobRow {
    let took_ms =
        job.started.zip(job.ended).map(|(started, ended)| ended.duration_since(started).as_millis());
    JobRow {
        id: job.id.clone(),
        kind: job.kind.replace('_', " "),
        database: job.database.as_ref().map(|name| (name.clone(), part(name))),
        state: word_of_job(job.state),
        asked_by: job.asked_by.clone(),
        created: second(job.created),
        took: took_ms.and_then(|took| u64::try_from(took).ok()).map(took).unwrap_or_default(),
        reason: job.error.clone().unwrap_or_default(),
    }
}

/// Lists jobs.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    words: Words,
) -> Result<Response, Refused> {
    let failed_only = words.get("state") == Some("failed");
    let before = words.get("before").and_then(|text| text.parse().ok());
    let state = failed_only.then_some(JobState::Failed);
    let filter = Filter { state, kind: None, database: None, before, limit: PAGE };
    let (jobs, next) = asking::list(&service, &visitor.caller, filter).await?;
    let mut frame = Frame::of(&visitor.session, Section::Jobs, "Jobs");
    let is_busy = |job: &Job| !job.state.is_over();
    frame.refresh = if before.is_none() && jobs.iter().any(is_busy) { REFRESH } else { 0 };
    Ok(page(&JobsPage { frame, jobs: jobs.iter().map(row).collect(), next, failed_only }))
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    job: JobRow,
    short: String,
    is_over: bool,
    is_running: bool,
    may_stop: bool,
    may_restore: bool,
    started: Option<String>,
    ended: Option<String>,
    due: Option<String>,
    attempt: u32,
    /// What it is at, how far it is in words, and in percent where that is known.
    progress: Option<(String, String, Option<u64>)>,
    told: Told,
    command: Option<String>,
}

/// Shows a job.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    let job = asking::visible(&service, &visitor.caller, &id).await?;
    let progress = service.queue().progress(&id).and_then(|progress| {
        let phase = progress.phase?;
        let told = match (progress.rows, progress.bytes) {
            (0, 0) => "it has begun".to_owned(),
            (0, read) => bytes(read),
            (rows, read) => format!("{} rows, {}", count(rows), bytes(read)),
        };
        let part = |expected: u64| (progress.rows.saturating_mul(100) / expected).min(100);
        let percent = (progress.rows_expected > 0).then(|| part(progress.rows_expected));
        Some((phase.to_owned(), told, percent))
    });
    let mut frame =
        Frame::of(&visitor.session, Section::Jobs, format!("{} {}", job.kind.replace('_', " "), short(&id)));
    frame.refresh = if job.state.is_over() { 0 } else { REFRESH };
    let database = job.database.as_deref();
    let may = |role| visitor.caller.0.may(role, database);
    let zone = database.map_or(TimeZone::UTC, |name| service.queue().workspace().config().zone(name));
    let shown = JobPage {
        frame,
        short: short(&id),
        is_over: job.state.is_over(),
        is_running: job.state == JobState::Running,
        may_stop: may(Role::Operator),
        may_restore: may(Role::Restorer),
        started: job.started.map(second),
        ended: job.ended.map(second),
        due: (job.state == JobState::Waiting).then(|| second(job.due)),
        attempt: job.attempt,
        progress,
        told: tell(&job, &zone),
        command: told::command(&job),
        job: row(&job),
    };
    Ok(page(&shown))
}

/// Stops a job.
pub(super) async fn stop(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    let job = asking::visible(&service, &visitor.caller, &id).await?;
    visitor.caller.must(&service, Role::Operator, job.database.as_deref(), "job.stop").await?;
    service.queue().stop(&id, visitor.caller.deed("job.stop", id.clone(), "done")).await?;
    Ok(to_job(&id))
}
