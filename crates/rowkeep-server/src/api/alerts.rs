//! What is wrong, and what was.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::{LARGEST_PAGE, limit};
use crate::state::incidents::{self, After, Incident};
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
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

fn after(cursor: &str) -> Option<After> {
    let (state, number) = cursor.split_once('-')?;
    let is_open = match state {
        "open" => true,
        "cleared" => false,
        _ => return None,
    };
    Some(After { is_open, number: number.parse().ok()? })
}

fn place(incident: &Incident) -> After {
    After { is_open: incident.cleared.is_none(), number: incident.number }
}

/// Lists what is wrong, and after it what was.
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "listAlerts", tag = "alerts", params(AlertQuery), responses(
    (status = 200, description = "Those that are open, then the others, each the newest first", body = AlertList),
    (status = 400, description = "The query is malformed", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No valid token", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<AlertQuery>, QueryRejection>,
) -> Result<Json<AlertList>, Problem> {
    let Query(query) = query?;
    let limit = limit(query.limit)? as usize;
    let malformed = || Problem::malformed("the cursor is none that this list gave");
    let mut next = query.cursor.as_deref().map(|cursor| after(cursor).ok_or_else(malformed)).transpose()?;
    // Some may be nobody's business who asks.
    let mut seen = Vec::new();
    let next_cursor = loop {
        let list = move |state: &rusqlite::Transaction<'_>| incidents::list(state, next, LARGEST_PAGE);
        let page = service.queue().state().transaction(list).await?;
        let is_last = page.len() < LARGEST_PAGE as usize;
        next = page.last().map(place);
        seen.extend(page.into_iter().filter(|incident| caller.0.sees(incident.database.as_deref())));
        if seen.len() > limit {
            seen.truncate(limit);
            break seen.last().map(place);
        }
        if is_last {
            break None;
        }
    };
    let next_cursor = next_cursor
        .map(|after| format!("{}-{}", if after.is_open { "open" } else { "cleared" }, after.number));
    Ok(Json(AlertList { alerts: seen.into_iter().map(AlertView::from).collect(), next_cursor }))
}
