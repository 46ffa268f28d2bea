//! Databases that are made again from the newest backup of another one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::refreshes;
use crate::web::service::Service;

/// Whether a database is really to be replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    /// The name of the database that is replaced.
    #[schema(min_length = 1, example = "staging")]
    confirm: String,
}

/// Replaces a database as a whole by the newest backup of the one that `[databases.NAME.refresh]` names, masked unless that says otherwise, and
/// proves it by hash. If anything fails, it stays as it was.
#[utoipa::path(post, path = "/api/v1/databases/{database}/refreshes", operation_id = "refresh", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = RefreshBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Nothing says from which database it is refreshed, or a second person is needed", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<RefreshBody>, Problem>,
) -> Result<Response, Problem> {
    let Body(RefreshBody { confirm }) = body?;
    let request = refreshes::request(&service, &caller, &database, &confirm).await?;
    jobs::ask(&service, &caller, refreshes::REFRESH, request, Some(database), &headers, wait).await
}
