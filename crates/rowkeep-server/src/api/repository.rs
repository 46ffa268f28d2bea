//! What is done for the whole repository.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rowkeep::jobs::prune::PruneRequest;
use rowkeep::jobs::repository_check::CheckRequest;
use rowkeep::jobs::request::Request;
use serde::Deserialize;
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::access::Role;
use crate::web::extract::Optional;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// How a check is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CheckBody {
    /// Of how many packs in a hundred all data is read; none when not given.
    #[schema(minimum = 0, maximum = 100)]
    read_percent: Option<f64>,
    /// Which of several repositories is meant, by its name.
    repository: Option<String>,
}

/// What is to be pruned.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PruneBody {
    /// Which of several repositories is meant, by its name.
    repository: Option<String>,
}

/// Checks the repository.
#[utoipa::path(post, path = "/api/v1/repository/checks", operation_id = "checkRepository", tag = "repository",
    params(WaitQuery), request_body = Option<CheckBody>, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
))]
pub(super) async fn check(
    State(service): State<Service>,
    caller: Caller,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Optional<CheckBody>,
) -> Result<Response, Problem> {
    caller.must(&service, Role::Operator, None, "check.create").await?;
    let CheckBody { read_percent, repository } = body.0;
    if read_percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(Problem::unprocessable("read_percent is from 0 to 100"));
    }
    let request = Request::Check(CheckRequest { read_percent, repository });
    jobs::ask(&service, &caller, "check.create", request, None, &headers, wait).await
}

/// Deletes the snapshots that no rule keeps, and what nothing needs.
#[utoipa::path(post, path = "/api/v1/repository/prunes", operation_id = "pruneRepository", tag = "repository",
    params(WaitQuery), request_body = Option<PruneBody>, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
))]
pub(super) async fn prune(
    State(service): State<Service>,
    caller: Caller,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Optional<PruneBody>,
) -> Result<Response, Problem> {
    caller.must(&service, Role::Admin, None, "prune.create").await?;
    let repository = body.0.repository;
    let request = Request::Prune(PruneRequest { repository, ..PruneRequest::default() });
    jobs::ask(&service, &caller, "prune.create", request, None, &headers, wait).await
}
