//! Who did what.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::jobs::{limit, number};
use crate::access::Role;
use crate::state::audit;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Entries of the audit, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Value>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// The page that begins here, as `next_cursor` of the page before says.
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists who did what, refusals too.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "listAudit", tag = "audit", params(AuditQuery), responses(
    (status = 200, description = "Entries, the newest first", body = AuditList),
    (status = 400, description = "The query is malformed", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token does not allow it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<AuditList>, Problem> {
    caller.must(&service, Role::Admin, None, "audit.read").await?;
    let Query(query) = query?;
    let (limit, before) = (limit(query.limit)?, number(query.cursor.as_deref())?);
    let entries = service.queue().state().transaction(move |state| audit::list(state, before, limit)).await?;
    let last = entries
        .last()
        .map(|entry| entry.number)
        .filter(|number| *number > 1 && entries.len() == limit as usize);
    let entries = entries.iter().map(|entry| serde_json::to_value(entry).unwrap_or_default()).collect();
    Ok(Json(AuditList { entries, next_cursor: last.map(|number| number.to_string()) }))
}

/// What a look through the audit found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditVerification {
    /// Whether every entry is what was written, and none between them is missing.
    intact: bool,
    entries: i64,
    /// The hash of the last entry: kept elsewhere, it tells whether entries are missing at the end.
    head: String,
    /// The first entry that is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_at: Option<i64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Looks through the whole audit for changes and gaps.
#[utoipa::path(get, path = "/api/v1/audit/verification", operation_id = "verifyAudit", tag = "audit", responses(
    (status = 200, description = "What was found", body = AuditVerification),
    (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token does not allow it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn verify(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<AuditVerification>, Problem> {
    caller.must(&service, Role::Admin, None, "audit.verify").await?;
    let verified = service.queue().state().transaction(audit::verify).await?;
    let (broken_at, reason) = verified.broken.unzip();
    Ok(Json(AuditVerification {
        intact: broken_at.is_none(),
        entries: verified.entries,
        head: verified.head,
        broken_at,
        reason,
    }))
}
