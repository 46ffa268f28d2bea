//! The state at a time, of a snapshot and the application's own log.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::replay::ReplayRequest;
use rowkeep::jobs::request::Request;
use serde::Deserialize;
use utoipa::ToSchema;

use super::databases::plain;
use super::jobs::{self, JobView, WaitQuery};
use crate::access::Role;
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::names::{known, snapshot_named};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Which state is wanted. Snapshots are named by their id or the beginning of it, their name, `latest`, or `@TIME`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// The time of it.
    #[schema(example = "2026-11-20T15:30:00Z")]
    until: String,
    /// The snapshot to begin with; the newest of the whole database that is not after the time when not given.
    #[schema(example = "latest")]
    base: Option<String>,
    /// The snapshot that the log is taken from; the newest when not given.
    #[schema(example = "latest")]
    log: Option<String>,
    /// Whether a snapshot is made although entries do not fit; none is else, and the job ends with `refused` and lists them.
    #[serde(default)]
    despite_problems: bool,
    /// A name for the new snapshot.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Whether only what would come of it is wanted.
    #[serde(default)]
    plan_only: bool,
}

/// Does to a snapshot what the application's own log says of the time after it, as a new snapshot: the state at a time. `[databases.NAME.log]` of
/// `rowkeep.toml` says what the log looks like.
#[utoipa::path(post, path = "/api/v1/databases/{database}/replays", operation_id = "replay", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = ReplayBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn replay(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<ReplayBody>, Problem>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "replay.create").await?;
    let Body(body) = body?;
    if let Some(name) = &body.name {
        service.queue().workspace().check_name(name)?;
        plain("name", name)?;
    }
    let named = async |snapshot: Option<String>| match snapshot {
        Some(snapshot) => snapshot_named(&service, &database, &snapshot).await.map(Some),
        None => Ok(None),
    };
    let request = ReplayRequest {
        base: named(body.base).await?,
        log: named(body.log).await?.map(DatabaseRef::from),
        despite_problems: body.despite_problems,
        name: body.name,
        plan_only: body.plan_only,
        ..ReplayRequest::of(&database, body.until)
    };
    jobs::ask(&service, &caller, "replay.create", Request::Replay(request), Some(database), &headers, wait)
        .await
}
