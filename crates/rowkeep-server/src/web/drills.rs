//! Drills of a database, and their reports.

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use rowkeep::jobs::request::Outcome;
use rowkeep::report::{Report, ReportFormat, render};

use super::asking::visible;
use super::guard::Caller;
use super::names::known;
use super::problem::Problem;
use super::service::Service;
use crate::state::jobs::{self, Filter, Job};

/// So many are looked at together at most.
pub(crate) const MOST: u32 = 500;

/// What a job of this kind is called.
const KIND: &str = "drill";

/// The forms that a report can be had in: what it is called, how its file ends, and what the file is.
const FORMS: [(&str, &str, &str, ReportFormat); 5] = [
    ("html", "html", "text/html; charset=utf-8", ReportFormat::Html),
    ("json", "json", "application/json", ReportFormat::Json),
    ("markdown", "md", "text/markdown; charset=utf-8", ReportFormat::Markdown),
    ("junit", "xml", "application/xml", ReportFormat::Junit),
    ("text", "txt", "text/plain; charset=utf-8", ReportFormat::Terminal),
];

/// A drill.
pub(crate) struct Drill {
    pub(crate) job: Job,
    /// What it found; nothing while it goes on, and where it broke off.
    pub(crate) reports: Vec<Report>,
}

impl Drill {
    fn new(job: Job) -> Self {
        let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let reports = match outcome {
            Some(Outcome::Drill(outcome)) => outcome.reports,
            _ => Vec::new(),
        };
        Self { job, reports }
    }
}

/// Drills of a database, the newest first, and the number before which the next are.
pub(crate) async fn of(
    service: &Service,
    database: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Drill>, Option<i64>), Problem> {
    let filter = Filter {
        state: None,
        kind: Some(KIND.to_owned()),
        database: Some(database.to_owned()),
        before,
        limit: limit.saturating_add(1),
    };
    let mut found = service.queue().state().transaction(move |state| jobs::list(state, &filter)).await?;
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().map(|job| job.number).filter(|_| is_more);
    Ok((found.into_iter().map(Drill::new).collect(), next))
}

/// The report of a drill as a file, in a form by its name; as a page where none is named.
pub(crate) async fn report(
    service: &Service,
    caller: &Caller,
    database: &str,
    id: &str,
    form: Option<&str>,
) -> Result<Response, Problem> {
    known(service, caller, database).await?;
    let job = visible(service, caller, id).await?;
    let missing = || Problem::not_found(format!("no drill {id} of {database}"));
    if job.kind != KIND || job.database.as_deref() != Some(database) {
        return Err(missing());
    }
    let (name, state) = (form.unwrap_or(FORMS[0].0), job.state);
    let (_, ending, kind, format) = FORMS.into_iter().find(|form| form.0 == name).ok_or_else(|| {
        let names = FORMS.map(|form| form.0).join(", ");
        Problem::unprocessable(format!("no report is written as {name}; there are {names}"))
    })?;
    let drill = Drill::new(job);
    if drill.reports.is_empty() {
        return Err(match state.is_over() {
            true => Problem::not_found(format!("drill {id} broke off and left no report: {}", state.name())),
            false => Problem::conflict(format!("drill {id} is not over: {}", state.name())),
        });
    }
    let mut response = render(&drill.reports, format).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let short: String = id.chars().take(8).collect();
    // The id is one that was found, which is of plain letters and digits.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"drill-{short}.{ending}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
