//! Drills of a database, and their reports.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::databases::PageQuery;
use super::jobs::{limit, number};
use crate::state::jobs::JobState;
use crate::web::drills;
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::names::known;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Drills, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DrillList {
    drills: Vec<DrillView>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A drill.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DrillView {
    /// Its id, which is that of its job.
    id: String,
    #[schema(value_type = String)]
    state: JobState,
    /// Who asked for it.
    asked_by: String,
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended: Option<Timestamp>,
    /// What it found: a report for each snapshot; none while it goes on, and where it broke off.
    #[schema(value_type = Vec<Object>)]
    reports: Vec<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Lists the drills of a database with what they found.
#[utoipa::path(get, path = "/api/v1/databases/{database}/drills", operation_id = "listDrills", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), PageQuery), responses(
    Problem,
    (status = 200, description = "Its drills, the newest first", body = DrillList),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<DrillList>, Problem> {
    known(&service, &caller, &database).await?;
    let Query(query) = query?;
    let (before, limit) = (number(query.cursor.as_deref())?, limit(query.limit)?);
    let (found, next) = drills::of(&service, &database, before, limit).await?;
    let view = |drill: drills::Drill| DrillView {
        reports: drill.reports.iter().map(|report| json!(report)).collect(),
        id: drill.job.id,
        state: drill.job.state,
        asked_by: drill.job.asked_by,
        created: drill.job.created,
        ended: drill.job.ended,
        error: drill.job.error,
    };
    let next_cursor = next.map(|number| number.to_string());
    Ok(Json(DrillList { drills: found.into_iter().map(view).collect(), next_cursor }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    /// `html`, `json`, `markdown`, `junit` or `text`; `html` when not given.
    format: Option<String>,
}

/// Downloads the report of a drill.
#[utoipa::path(get, path = "/api/v1/databases/{database}/drills/{drill}/report", operation_id = "getDrillReport", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("drill" = String, Path, description = "Its id, which is that of its job"), ReportQuery), responses(
    Problem,
    (status = 200, description = "The report", content((String = "text/html"), (Object = "application/json"), (String = "text/markdown"),
        (String = "application/xml"), (String = "text/plain"))),
    (status = 404, description = "There is no such database or drill, or it left no report", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is not over", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn report(
    State(service): State<Service>,
    caller: Caller,
    Named((database, drill)): Named<(String, String)>,
    query: Result<Query<ReportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(ReportQuery { format }) = query?;
    drills::report(&service, &caller, &database, &drill, format.as_deref()).await
}
