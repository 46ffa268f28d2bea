//! Jobs: what was asked for, how far it has come, what became of it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rowkeep::jobs::request::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::access::Role;
use crate::queue::Progress;
use crate::state::jobs::{Filter, Job, JobState};
use crate::web::answering::known_or;
use crate::web::asking::{self, missing, visible};
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// The longest that a request may wait for the end of a job.
const LONGEST_WAIT: u64 = 600;

/// How many are listed at once, unless a request says otherwise, and at most.
const PAGE: u32 = 50;
pub(super) const LARGEST_PAGE: u32 = 500;

impl PartialSchema for JobState {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::name);
        let described = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        described.description(Some("What a job is at, or how it ended.")).into()
    }
}

impl ToSchema for JobState {}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobView {
    id: String,
    /// `backup`, `drill`, `check`, ….
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    state: JobState,
    /// Who asked for it: `schedule`, `token deploy`.
    asked_by: String,
    /// The time for which a schedule wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// Of one that waits: when it is begun at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Timestamp>,
    /// How often it was begun.
    attempt: u32,
    /// What was asked for, of a form of its own for each kind.
    #[schema(value_type = Object)]
    request: Value,
    /// How far it has come, while it is being done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    progress: Option<Progress>,
    /// What came of it, of a form of its own for each kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    outcome: Option<Value>,
    /// Why it failed the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl JobView {
    pub(super) fn new(service: &Service, job: Job) -> Self {
        // What is stored is an object with `job` and its content.
        let content = |text: &str, name: &str| match serde_json::from_str(text) {
            Ok(Value::Object(mut object)) => object.remove(name).unwrap_or(Value::Null),
            _ => Value::Null,
        };
        Self {
            progress: (job.state == JobState::Running).then(|| service.queue().progress(&job.id)).flatten(),
            due: (job.state == JobState::Waiting).then_some(job.due),
            request: content(&job.request, "request"),
            outcome: job.outcome.as_deref().map(|text| content(text, "outcome")),
            id: job.id,
            kind: job.kind,
            database: job.database,
            state: job.state,
            asked_by: job.asked_by,
            scheduled: job.scheduled,
            created: job.created,
            started: job.started,
            ended: job.ended,
            attempt: job.attempt,
            error: job.error,
        }
    }
}

/// Jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    jobs: Vec<JobView>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only jobs in this state.
    #[param(value_type = Option<JobState>)]
    state: Option<String>,
    /// Only jobs of this kind.
    kind: Option<String>,
    /// Only jobs of this database.
    database: Option<String>,
    /// The page that begins here, as `next_cursor` of the page before says.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// How many entries of a list are wanted.
pub(super) fn limit(stated: Option<u32>) -> Result<u32, Problem> {
    match stated.unwrap_or(PAGE) {
        limit @ 1..=LARGEST_PAGE => Ok(limit),
        other => Err(Problem::malformed(format!("limit is {other}, and can be 1 to {LARGEST_PAGE}"))),
    }
}

/// A cursor that is a number.
pub(super) fn number(cursor: Option<&str>) -> Result<Option<i64>, Problem> {
    let number = |cursor: &str| {
        let is_number = cursor.bytes().all(|byte| byte.is_ascii_digit());
        let number = cursor.parse().ok().filter(|_| is_number);
        number.ok_or_else(|| Problem::malformed("the cursor is none that this list gave"))
    };
    cursor.map(number).transpose()
}

/// Lists jobs.
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "listJobs", tag = "jobs", params(ListQuery), responses(
    Problem,
    (status = 200, description = "Jobs, the newest first", body = JobList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let state = query.state.as_deref().map(|name| {
        JobState::named(name)
            .ok_or_else(|| Problem::malformed(format!("no job is in a state called {name:?}")))
    });
    let limit = limit(query.limit)?;
    let filter = Filter {
        state: state.transpose()?,
        kind: query.kind,
        database: query.database,
        before: number(query.cursor.as_deref())?,
        limit,
    };
    known_or(&service, &caller, &uri, async {
        let (seen, next) = asking::list(&service, &caller, filter).await?;
        let next_cursor = next.map(|number| number.to_string());
        let jobs = seen.into_iter().map(|job| JobView::new(&service, job)).collect();
        Ok(JobList { jobs, next_cursor })
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitQuery {
    /// How long the answer may wait for the end of the job, such as `60s` or `5min`; ten minutes at most.
    #[param(example = "60s", pattern = "^([0-9]{1,2}|[1-5][0-9]{2}|600)s$|^([0-9]|10)(m|min)$")]
    wait: Option<String>,
}

impl WaitQuery {
    fn patience(&self) -> Result<Option<Duration>, Problem> {
        let Some(text) = &self.wait else { return Ok(None) };
        let seconds =
            rowkeep::seconds(text).map_err(|problem| Problem::malformed(format!("wait: {problem}")))?;
        if seconds > LONGEST_WAIT {
            return Err(Problem::malformed(format!("wait is {text}, and can be {LONGEST_WAIT}s at most")));
        }
        Ok(Some(Duration::from_secs(seconds)))
    }
}

type Waiting = Result<Query<WaitQuery>, axum::extract::rejection::QueryRejection>;

/// Gives a job; with `wait` when it is over, or after that time.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "getJob", tag = "jobs",
    params(("id" = String, Path, description = "Of the job"), WaitQuery), responses(
    Problem,
    (status = 200, description = "The job", body = JobView),
    (status = 404, description = "There is no such job", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
    wait: Waiting,
) -> Result<Json<JobView>, Problem> {
    let Query(wait) = wait?;
    let patience = wait.patience()?.unwrap_or_default();
    let job = visible(&service, &caller, &id).await?;
    let job = match job.state.is_over() || patience.is_zero() {
        true => job,
        false => service.queue().job_when_over(&id, patience).await?.ok_or_else(|| missing(&id))?,
    };
    Ok(Json(JobView::new(&service, job)))
}

/// Stops a job. One that is being done ends soon, and leaves nothing half done.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/stop", operation_id = "stopJob", tag = "jobs",
    params(("id" = String, Path, description = "Of the job")), responses(
    Problem,
    (status = 202, description = "It is stopping, or has stopped", body = JobView),
    (status = 404, description = "There is no such job", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is over", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn stop(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let job = visible(&service, &caller, &id).await?;
    caller.must(&service, Role::Operator, job.database.as_deref(), "job.stop").await?;
    let stopped = service.queue().stop(&id, caller.deed("job.stop", id.clone(), "done")).await?;
    let job = service.queue().job(&id).await?.ok_or_else(|| missing(&id))?;
    match stopped {
        true => Ok((StatusCode::ACCEPTED, Json(JobView::new(&service, job)))),
        false => Err(Problem::conflict(format!("job {id} is over: {}", job.state.name()))),
    }
}

/// Asks for a job, and answers with it: at once, or when it is over where that is asked for.
pub(super) async fn ask(
    service: &Service,
    caller: &Caller,
    action: &'static str,
    request: Request,
    database: Option<String>,
    headers: &HeaderMap,
    wait: Waiting,
) -> Result<Response, Problem> {
    let Query(wait) = wait?;
    let patience = wait.patience()?;
    let idempotency = idempotency(headers, &request)?;
    let job = asking::ask(service, caller, action, request, database, idempotency).await?;
    let job = match patience {
        Some(patience) => service.queue().job_when_over(&job.id, patience).await?.unwrap_or(job),
        None => job,
    };
    let status = if job.state.is_over() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/api/v1/jobs/{}", job.id);
    let mut response = (status, Json(JobView::new(service, job))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The key by which a request is known that may be sent again, and the hash of what it asks for.
fn idempotency(headers: &HeaderMap, request: &Request) -> Result<Option<(String, Vec<u8>)>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| Problem::malformed("Idempotency-Key is not 1 to 255 characters of ASCII"))?;
    let form = serde_json::to_vec(request).map_err(|error| crate::Error::Content(error.to_string()))?;
    Ok(Some((key.to_owned(), blake3::hash(&form).as_bytes().to_vec())))
}
