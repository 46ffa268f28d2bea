//! Who did what.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::{limit, number};
use crate::access::Role;
use crate::audit::{self, AuditFormat, AuditVerification};
use crate::queue::in_one_line;
use crate::state::audit::{Entry, list as entries_before};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What somebody did, or was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryView {
    /// 1 for the first; none is left out.
    number: i64,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// `token deploy`, `schedule`, `nobody`.
    who: String,
    /// From where.
    address: String,
    /// `job.create`, `token.revoke`.
    action: String,
    /// To what.
    object: String,
    /// `done`, `refused`, or the state in which a job ended.
    outcome: String,
    /// The hash of all of that and of the hash before, in hexadecimal.
    hash: String,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { number, time, who, address, action, object, outcome, hash } = entry;
        Self { number, time, who, address, action, object, outcome, hash }
    }
}

/// Entries of the audit, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    entries: Vec<EntryView>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// The page that begins here, as `next_cursor` of the page before says.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// What it is written as; as the header `Accept` says where this is not given. `ndjson` and `csv` are the whole audit, the oldest
    /// entry first.
    #[param(inline)]
    format: Option<Format>,
}

/// What a list is written as.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Ndjson,
    Csv,
}

/// Lists who did what, refusals too; or gives the whole audit as NDJSON or CSV.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "listAudit", tag = "audit", params(AuditQuery), responses(
    Problem,
    (status = 200, description = "Entries, the newest first; or all of them, the oldest first", content(
        (AuditList = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<AuditQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.must(&service, Role::Admin, None, "audit.read").await?;
    let Query(query) = query?;
    if let Some(format) = wanted(query.format, &headers) {
        if query.cursor.is_some() || query.limit.is_some() {
            return Err(Problem::unprocessable(
                "ndjson and csv are the whole audit, without cursor and limit",
            ));
        }
        return Ok(export(&service, format));
    }
    let (limit, before) = (limit(query.limit)?, number(query.cursor.as_deref())?);
    let entries =
        service.queue().state().transaction(move |state| entries_before(state, before, limit)).await?;
    let last = entries
        .last()
        .map(|entry| entry.number)
        .filter(|number| *number > 1 && entries.len() == limit as usize);
    let entries = entries.into_iter().map(EntryView::from).collect();
    Ok(Json(AuditList { entries, next_cursor: last.map(|number| number.to_string()) }).into_response())
}

/// Looks through the whole audit for changes, gaps and cuts: also whether it has the entries that snapshots know.
#[utoipa::path(get, path = "/api/v1/audit/verification", operation_id = "verifyAudit", tag = "audit", responses(
    Problem,
    (status = 200, description = "What was found", body = AuditVerification),
))]
pub(super) async fn verify(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<AuditVerification>, Problem> {
    caller.must(&service, Role::Admin, None, "audit.verify").await?;
    let queue = service.queue();
    Ok(Json(audit::verify(queue.state(), &queue.workspace()).await?))
}

/// What a list is to be written as: what the query says, else the first of what the client takes that there is.
fn wanted(format: Option<Format>, headers: &HeaderMap) -> Option<AuditFormat> {
    match format {
        Some(Format::Json) => None,
        Some(Format::Ndjson) => Some(AuditFormat::Ndjson),
        Some(Format::Csv) => Some(AuditFormat::Csv),
        None => {
            let taken = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
            let mut types = taken.flat_map(|value| value.split(',')).map(|one| {
                let name = one.split(';').next().unwrap_or_default();
                name.trim().to_ascii_lowercase()
            });
            types.find_map(|name| match name.as_str() {
                "application/json" | "*/*" | "application/*" => Some(None),
                "application/x-ndjson" => Some(Some(AuditFormat::Ndjson)),
                "text/csv" => Some(Some(AuditFormat::Csv)),
                _ => None,
            })?
        }
    }
}

/// The whole audit, as it is read.
fn export(service: &Service, format: AuditFormat) -> Response {
    let (content_type, name) = match format {
        AuditFormat::Ndjson => ("application/x-ndjson", "audit.ndjson"),
        AuditFormat::Csv => ("text/csv; charset=utf-8; header=present", "audit.csv"),
    };
    let pages = audit::pages(service.queue().state().clone(), format);
    // Who reads sees that it broke off, and the log says why.
    let pages = pages.inspect_err(|error| tracing::error!("{}", in_one_line(error)));
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(pages)).into_response()
}
