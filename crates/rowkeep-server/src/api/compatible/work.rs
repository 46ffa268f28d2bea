//! What is asked for is done as every other job.

use std::time::Duration;

use rowkeep::jobs::request::{Outcome, Request};

use crate::access::Role;
use crate::queue::Wanted;
use crate::state::jobs::{Asked, Job, JobState};
use crate::web::guard::Caller;
use crate::web::names::known;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// How long an answer waits for the end of a job.
const PATIENCE: Duration = Duration::from_secs(600);

/// What came of a job, or the id of one that goes on.
pub(super) enum Worked {
    Done(Box<Outcome>),
    GoesOn(String),
}

/// Lets through who may do something with the database of an address, where one is configured.
pub(super) async fn may<'c>(
    service: &Service,
    caller: Result<Caller, Problem>,
    role: Role,
    database: Option<&'c str>,
    action: &'static str,
) -> Result<(Caller, &'c str), Problem> {
    let caller = caller?;
    let database = database.ok_or_else(|| {
        Problem::not_found("no database is meant here: say which under [compatibility] in rowkeep.toml")
    })?;
    known(service, &caller, database).await?;
    caller.must(service, role, Some(database), action).await?;
    Ok((caller, database))
}

/// Has a job done, and waits for its end.
pub(super) async fn work(
    service: &Service,
    caller: &Caller,
    action: &'static str,
    request: Request,
    database: &str,
) -> Result<Worked, Problem> {
    let wanted = Wanted {
        request,
        database: Some(database.to_owned()),
        asked_by: caller.0.name.clone(),
        scheduled: None,
        idempotency: None,
    };
    let deed = caller.deed(action, String::new(), "done");
    let Asked::Job(asked) = service.queue().ask(wanted, deed).await? else {
        return Err(Problem::broken("the job was taken for another one"));
    };
    match service.queue().job_when_over(&asked.id, PATIENCE).await? {
        Some(job) if job.state.is_over() => outcome(job).map(|outcome| Worked::Done(Box::new(outcome))),
        _ => Ok(Worked::GoesOn(asked.id)),
    }
}

/// What came of a job that is over.
fn outcome(job: Job) -> Result<Outcome, Problem> {
    let Job { id, kind, state, error, outcome, .. } = job;
    let failed = || {
        error.clone().unwrap_or_else(|| format!("{kind} {}: GET /api/v1/jobs/{id} says more", state.name()))
    };
    match (state, &outcome) {
        (JobState::Done | JobState::Differences, Some(outcome)) => serde_json::from_str(outcome)
            .map_err(|error| Problem::broken(format!("what came of job {id} cannot be read: {error}"))),
        (JobState::Refused | JobState::Stopped, _) => Err(Problem::conflict(failed())),
        _ => Err(Problem::broken(failed())),
    }
}
