//! What is wrong, and what was.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::limit;
use crate::state::incidents::Incident;
use crate::web::alerts;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Something that is or was wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertView {
    /// The same in every message about it.
    id: String,
    /// `backup_failed`, `overdue`, `at_risk`, `drill_failed`, `drill_slow`, `damage`, `suspicious`, `maintenance_failed`, `storage`,
    /// `unauthorised`, `channel_failed`.
    kind: String,
    /// `warning` or `critical`.
    severity: String,
    /// What it is about.
    object: String,
    /// The database that it is about; missing when it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// What is wrong.
    words: String,
    #[schema(value_type = String, format = DateTime)]
    opened: Timestamp,
    /// When it was found to be so the last time, to the minute.
    #[schema(value_type = String, format = DateTime)]
    last_seen: Timestamp,
    /// When it was over; missing while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    cleared: Option<Timestamp>,
}

impl From<Incident> for AlertView {
    fn from(incident: Incident) -> Self {
        let Incident { id, kind, severity, object, database, words, opened, seen, cleared, .. } = incident;
        Self { id, kind, severity, object, database, words, opened, last_seen: seen, cleared }
    }
}

/// What is or was wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertList {
    alerts: Vec<AlertView>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertQuery {
    /// The page that begins here, as `next_cursor` of the page before says.
    #[param(pattern = "^(open|cleared)-[0-9]{1,18}$")]
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists what is wrong, and after it what was.
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "listAlerts", tag = "alerts", params(AlertQuery), responses(
    Problem,
    (status = 200, description = "Those that are open, then the others, each the newest first", body = AlertList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<AlertQuery>, QueryRejection>,
) -> Result<Json<AlertList>, Problem> {
    let Query(query) = query?;
    let limit = limit(query.limit)? as usize;
    let (seen, next_cursor) = alerts::list(&service, &caller, query.cursor.as_deref(), limit).await?;
    Ok(Json(AlertList { alerts: seen.into_iter().map(AlertView::from).collect(), next_cursor }))
}
