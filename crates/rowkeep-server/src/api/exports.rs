//! Exports of tables of a snapshot.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::web::exports::{self, ExportView, Wanted};
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What is to be exported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportBody {
    /// The snapshot: its id or the beginning of it, its name, `latest`, or `@TIME`.
    #[schema(example = "latest")]
    snapshot: String,
    /// The tables; all where none is named.
    #[serde(default)]
    tables: Vec<String>,
    /// `csv`, `ndjson` or `sql`.
    #[schema(example = "csv")]
    format: String,
    /// Whether rows are masked by the rules of the database.
    #[serde(default)]
    masked: bool,
}

/// Writes tables of a snapshot as files, which can be downloaded for a day. The id of the job is that of the export.
#[utoipa::path(post, path = "/api/v1/databases/{database}/exports", operation_id = "export", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = ExportBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The service exports nothing", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<ExportBody>, Problem>,
) -> Result<Response, Problem> {
    let Body(ExportBody { snapshot, tables, format, masked }) = body?;
    let wanted = Wanted { snapshot: &snapshot, tables, format: &format, is_masked: masked };
    let request = exports::request(&service, &caller, &database, wanted).await?;
    jobs::ask(&service, &caller, "export.create", request, Some(database), &headers, wait).await
}

/// Gives an export and its files.
#[utoipa::path(get, path = "/api/v1/databases/{database}/exports/{export}", operation_id = "getExport", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("export" = String, Path, description = "Its id, which is that of its job")), responses(
    Problem,
    (status = 200, description = "The export", body = ExportView),
    (status = 404, description = "There is no such database or export", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    Named((database, export)): Named<(String, String)>,
) -> Result<Json<ExportView>, Problem> {
    Ok(Json(exports::show(&service, &caller, &database, &export).await?))
}

/// Downloads a file of an export.
#[utoipa::path(get, path = "/api/v1/databases/{database}/exports/{export}/files/{file}", operation_id = "downloadExport", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("export" = String, Path, description = "Its id, which is that of its job"),
        ("file" = String, Path, description = "The name of the file")), responses(
    Problem,
    (status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/sql"))),
    (status = 404, description = "There is no such database, export or file, or it is gone", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn file(
    State(service): State<Service>,
    caller: Caller,
    Named((database, export, file)): Named<(String, String, String)>,
) -> Result<Response, Problem> {
    exports::file(&service, &caller, &database, &export, &file).await
}
