//! What two devices changed since they were the same, in one snapshot.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rowkeep::diff::Prefer;
use rowkeep::jobs::merge::MergeRequest;
use rowkeep::jobs::request::Request;
use serde::Deserialize;
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::access::Role;
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::names::{known, snapshot_named};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Which side counts where both have changed a row or a value.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    /// Neither: no snapshot is made, and the job ends with `refused` and lists the conflicts.
    #[default]
    Neither,
    /// What the snapshot has that changes come into.
    Into,
    /// What the snapshot has whose changes come.
    From,
}

impl From<Side> for Prefer {
    fn from(side: Side) -> Self {
        match side {
            Side::Neither => Prefer::Neither,
            Side::Into => Prefer::Database,
            Side::From => Prefer::Snapshot,
        }
    }
}

/// Which snapshots are to be merged: each by its id or the beginning of it, its name, `latest`, or `@TIME`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeBody {
    /// The snapshot whose changes come.
    #[schema(example = "latest")]
    from: String,
    /// The snapshot that they come into.
    #[schema(example = "latest")]
    into: String,
    /// The snapshot that both come from; the last that the devices had in common when not given.
    #[schema(example = "latest")]
    base: Option<String>,
    #[serde(default)]
    prefer: Side,
    /// A name for the new snapshot.
    name: Option<String>,
    /// Whether only what would come of it is wanted.
    #[serde(default)]
    plan_only: bool,
}

/// Merges what one snapshot changed into another, row by row and column by column, as a new snapshot of the database.
#[utoipa::path(post, path = "/api/v1/databases/{database}/merges", operation_id = "merge", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = MergeBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn merge(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<MergeBody>, Problem>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "merge.create").await?;
    let Body(body) = body?;
    let named = async |snapshot: &str| snapshot_named(&service, &database, snapshot).await;
    let base = match &body.base {
        Some(base) => Some(named(base).await?),
        None => None,
    };
    let request = MergeRequest {
        base,
        prefer: body.prefer.into(),
        plan_only: body.plan_only,
        name: body.name,
        ..MergeRequest::of(named(&body.from).await?, named(&body.into).await?)
    };
    jobs::ask(&service, &caller, "merge.create", Request::Merge(request), Some(database), &headers, wait)
        .await
}
