//! Exports of tables of a snapshot.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::web::exports::{self, ExportView, Wanted};
use crate::web::exports_there;
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
    /// `csv`, `ndjson`, `sql`, one file of JSON: `prn`, `dino`, `num`, or `own`: the file that the database's own tools take, of IndexedDB that
    /// of its module for pages.
    #[schema(example = "csv")]
    format: String,
    /// A snapshot before it: what changed since is written, as `prn` has it.
    #[serde(default)]
    since: Option<String>,
    /// `none`, `gzip` or `zstd`.
    #[serde(default)]
    #[schema(example = "none")]
    compression: String,
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
    let Body(ExportBody { snapshot, tables, format, since, compression, masked }) = body?;
    let wanted = Wanted {
        snapshot: &snapshot,
        tables,
        since: since.as_deref(),
        format: &format,
        compression: &compression,
        is_masked: masked,
    };
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

/// The exports that are there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExportList {
    exports: Vec<ExportView>,
    /// The bytes that their files take together.
    bytes: u64,
    /// The bytes that all exports of the service may take together; 0 where it exports nothing.
    at_most_bytes: u64,
}

/// Lists the exports of which there are files, or will be.
#[utoipa::path(get, path = "/api/v1/exports", operation_id = "listExports", tag = "databases", responses(
    Problem,
    (status = 200, description = "The exports, the newest first", body = ExportList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<ExportList>, Problem> {
    let exports = exports_there::list(&service, &caller).await?;
    let bytes = exports.iter().flat_map(|export| &export.files).map(|file| file.bytes).sum();
    Ok(Json(ExportList { exports, bytes, at_most_bytes: service.queue().export_files().at_most() }))
}

/// Deletes the files of an export before their time.
#[utoipa::path(delete, path = "/api/v1/databases/{database}/exports/{export}", operation_id = "deleteExport", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("export" = String, Path, description = "Its id, which is that of its job")), responses(
    Problem,
    (status = 204, description = "Its files are gone"),
    (status = 404, description = "There is no such database or export, or its files are gone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is being written", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn delete(
    State(service): State<Service>,
    caller: Caller,
    Named((database, export)): Named<(String, String)>,
) -> Result<StatusCode, Problem> {
    exports_there::delete(&service, &caller, &database, &export).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Downloads a file of an export.
#[utoipa::path(get, path = "/api/v1/databases/{database}/exports/{export}/files/{file}", operation_id = "downloadExport", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("export" = String, Path, description = "Its id, which is that of its job"),
        ("file" = String, Path, description = "The name of the file")), responses(
    Problem,
    (status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/sql"), (String = "application/json"), (String = "application/gzip"), (String = "application/zstd"))),
    (status = 404, description = "There is no such database, export or file, or it is gone", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn file(
    State(service): State<Service>,
    caller: Caller,
    Named((database, export, file)): Named<(String, String, String)>,
) -> Result<Response, Problem> {
    exports::file(&service, &caller, &database, &export, &file).await
}
