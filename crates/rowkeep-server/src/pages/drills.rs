//! The drills of a database, and their reports.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;

use super::frame::{Frame, Section, page};
use super::overview::{Word, word_of_job};
use super::refused::Refused;
use super::units::{counted, length, minute, part, short, took};
use super::visitor::Visitor;
use crate::access::Role;
use crate::web::drills::{self, Drill};
use crate::web::extract::{Named, Words};
use crate::web::names::known;
use crate::web::service::Service;

/// So many are shown at once.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "drills.html")]
struct DrillsPage {
    frame: Frame,
    database: String,
    part: String,
    zone: String,
    drills: Vec<DrillRow>,
    next: Option<i64>,
    may_operate: bool,
}

struct DrillRow {
    id: String,
    short: String,
    state: Word,
    time: String,
    asked_by: String,
    reason: String,
    has_report: bool,
    reports: Vec<ReportRow>,
}

struct ReportRow {
    snapshot: Option<(String, String)>,
    word: &'static str,
    colour: &'static str,
    /// How long a recovery took, and how old the snapshot was.
    recovery: String,
    loss: String,
    tally: String,
}

fn report(report: &rowkeep::report::Report) -> ReportRow {
    let measures = report.measures.as_ref().filter(|measures| measures.recovery_ms > 0);
    let (word, colour) = match (report.is_passed(), measures) {
        (true, Some(measures)) if measures.is_page_file => ("checked", "good"),
        (true, Some(_)) => ("proven", "good"),
        (true, None) => ("passed", "good"),
        (false, _) => ("failed", "bad"),
    };
    let tally = report.tally();
    let parts = [(tally.passed, "passed"), (tally.warnings, "with warnings"), (tally.failed, "failed")];
    let told: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, how)| format!("{number} {how}"))
        .collect();
    let loss = |seconds: u64| length(i64::try_from(seconds).unwrap_or(i64::MAX));
    ReportRow {
        snapshot: report.snapshot.as_ref().map(|about| (about.id.clone(), short(&about.id))),
        word,
        colour,
        recovery: measures
            .map(|measures| format!("{}, {}", took(measures.recovery_ms), counted(measures.rows, "row")))
            .unwrap_or_default(),
        loss: measures.map(|measures| loss(measures.data_loss_seconds)).unwrap_or_default(),
        tally: told.join(", "),
    }
}

fn row(drill: &Drill, zone: &TimeZone) -> DrillRow {
    let job = &drill.job;
    DrillRow {
        id: job.id.clone(),
        short: short(&job.id),
        state: word_of_job(job.state),
        time: minute(job.started.unwrap_or(job.created), zone),
        asked_by: job.asked_by.clone(),
        reason: job.error.clone().unwrap_or_default(),
        has_report: !drill.reports.is_empty(),
        reports: drill.reports.iter().map(report).collect(),
    }
}

/// Lists the drills of a database.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
    words: Words,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    let before = words.get("before").and_then(|text| text.parse().ok());
    let (found, next) = drills::of(&service, &database, before, PAGE).await?;
    let zone = service.queue().workspace().config().zone(&database);
    let shown = DrillsPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Drills of {database}")),
        part: part(&database),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        drills: found.iter().map(|drill| row(drill, &zone)).collect(),
        next,
        may_operate: visitor.caller.0.may(Role::Operator, Some(&database)),
        database,
    };
    Ok(page(&shown))
}

/// Downloads the report of a drill.
pub(super) async fn download(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, id)): Named<(String, String)>,
    words: Words,
) -> Result<Response, Refused> {
    Ok(drills::report(&service, &visitor.caller, &database, &id, words.get("format")).await?)
}
