//! What became of a period.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::report::{Period, Report, markdown};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::reports::{self, zone};
use crate::web::service::Service;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    /// The time, or the day, with which the period begins; the last full month is meant when it is missing.
    #[param(example = "2026-10-01")]
    from: Option<String>,
    /// Before which time, or day, it ends; now when it is missing.
    #[param(example = "2026-11-01")]
    to: Option<String>,
    /// `json`, unless it is to be `markdown`.
    #[param(pattern = "^(json|markdown)$")]
    format: Option<String>,
}

/// Says what became of a period: for each database whether its promise was kept, and by what that is known.
///
/// What nobody knows, because the service did not run or its state is younger, is never counted as kept.
#[utoipa::path(get, path = "/api/v1/report", operation_id = "getReport", tag = "health", params(ReportQuery), responses(
    Problem,
    (status = 200, description = "The report", content((Report = "application/json"), (String = "text/markdown"))),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    query: Result<Query<ReportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let (now, zone) = (service.queue().now(), zone(&service));
    let period = Period::stated(query.from.as_deref(), query.to.as_deref(), now, &zone);
    let period = period.map_err(Problem::unprocessable)?;
    let is_markdown = match query.format.as_deref() {
        None | Some("json") => false,
        Some("markdown") => true,
        Some(other) => {
            return Err(Problem::malformed(format!("format is {other:?}, and can be json or markdown")));
        }
    };
    let report = reports::of(&service, &caller, &period).await?;
    if !is_markdown {
        return Ok(Json(report).into_response());
    }
    let name = format!("attachment; filename=\"rowkeep-report-{}.md\"", report.from.strftime("%Y-%m-%d"));
    let headers = [
        (header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, markdown(&report)).into_response())
}
