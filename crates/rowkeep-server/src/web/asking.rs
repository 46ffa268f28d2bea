//! Jobs that somebody asks for, and those that he may see.

use rowkeep::jobs::request::Request;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::queue::Wanted;
use crate::state::jobs::{self, Asked, Filter, Job};

/// So many are looked at together.
const AT_ONCE: u32 = 500;

/// Asks for a job.
pub(crate) async fn ask(
    service: &Service,
    caller: &Caller,
    action: &'static str,
    request: Request,
    database: Option<String>,
    idempotency: Option<(String, Vec<u8>)>,
) -> Result<Job, Problem> {
    let deed = caller.deed(action, String::new(), "done");
    let wanted = Wanted { request, database, asked_by: caller.0.name.clone(), scheduled: None, idempotency };
    match service.queue().ask(wanted, deed).await? {
        Asked::Job(job) => Ok(*job),
        Asked::OtherRequest => Err(Problem::unprocessable("another request has used this Idempotency-Key")),
    }
}

/// Jobs that somebody may see, the newest first, and the number before which the next are.
pub(crate) async fn list(
    service: &Service,
    caller: &Caller,
    wanted: Filter,
) -> Result<(Vec<Job>, Option<i64>), Problem> {
    let limit = wanted.limit as usize;
    let mut filter = Filter { limit: AT_ONCE, ..wanted };
    // Some may be nobody's business who asks.
    let mut seen = Vec::new();
    loop {
        let asked = filter.clone();
        let page = service.queue().state().transaction(move |state| jobs::list(state, &asked)).await?;
        let Some(last) = page.last().map(|job| job.number) else { return Ok((seen, None)) };
        let is_last = page.len() < AT_ONCE as usize;
        seen.extend(page.into_iter().filter(|job| caller.0.sees(job.database.as_deref())));
        if seen.len() > limit {
            seen.truncate(limit);
            let next = seen.last().map(|job| job.number);
            return Ok((seen, next));
        }
        if is_last {
            return Ok((seen, None));
        }
        filter.before = Some(last);
    }
}

/// One job that somebody may see.
pub(crate) async fn visible(service: &Service, caller: &Caller, id: &str) -> Result<Job, Problem> {
    let job = service.queue().job(id).await?.ok_or_else(|| missing(id))?;
    if !caller.0.sees(job.database.as_deref()) {
        caller.note(service, "job.read", id.to_owned(), "refused").await?;
        return Err(missing(id));
    }
    Ok(job)
}

/// That there is no such job.
pub(crate) fn missing(id: &str) -> Problem {
    Problem::not_found(format!("no job {id}"))
}
