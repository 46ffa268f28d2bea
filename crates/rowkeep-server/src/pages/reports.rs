//! Reports: what became of a month, to be read, printed and kept.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::frame::{Frame, Section, page};
use super::overview::Word;
use super::refused::Refused;
use super::units::{count, length, minute, part, second};
use super::visitor::Visitor;
use crate::report::{
    AlertEntry, DatabaseReport, Month, Period, Report, Verdict, notes, promised, recovery, shared_lines,
};
use crate::web::extract::Words;
use crate::web::problem::Problem;
use crate::web::reports;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    frame: Frame,
    sentence: String,
    all_well: bool,
    from: String,
    to: String,
    zone: String,
    made: String,
    notes: Vec<String>,
    rows: Vec<Row>,
    alerts: Vec<AlertRow>,
    shared: Vec<String>,
    months: Vec<MonthLink>,
    /// What the API takes for the same period, as part of an address.
    query: String,
}

/// A month that can be chosen.
struct MonthLink {
    name: String,
    words: String,
    is_shown: bool,
}

/// A database.
struct Row {
    name: String,
    /// Its address, where it is still configured.
    part: Option<String>,
    verdict: Word,
    promised: String,
    reasons: Vec<String>,
    stored: String,
    failed: String,
    gap: String,
    allowed: Option<String>,
    proven: String,
    drills_failed: String,
    recovery: String,
    back_in: Option<String>,
}

struct AlertRow {
    kind: String,
    object: String,
    words: String,
    opened: String,
    cleared: Option<String>,
}

fn word(verdict: Verdict) -> Word {
    let colour = match verdict {
        Verdict::Kept => "good",
        Verdict::NotKept => "bad",
        Verdict::Unknown => "warn",
        Verdict::NotPromised => "quiet",
    };
    Word { word: verdict.word(), colour }
}

fn seconds(seconds: u64) -> String {
    length(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn row(database: &DatabaseReport, is_configured: bool) -> Row {
    Row {
        part: is_configured.then(|| part(&database.name)),
        name: database.name.clone(),
        verdict: word(database.verdict),
        promised: promised(database),
        reasons: database.reasons.clone(),
        stored: count(database.backups_stored),
        failed: count(database.backups_failed),
        gap: database.longest_gap.map(|gap| seconds(gap.seconds)).unwrap_or_default(),
        allowed: database.allowed_gap_seconds.map(seconds),
        proven: count(database.drills_proven),
        drills_failed: count(database.drills_failed),
        recovery: recovery(database),
        back_in: database.back_in_seconds.map(seconds),
    }
}

fn alert(entry: &AlertEntry) -> AlertRow {
    AlertRow {
        kind: entry.kind.replace('_', " "),
        object: entry.object.clone(),
        words: entry.words.clone(),
        opened: second(entry.opened),
        cleared: entry.cleared.map(second),
    }
}

fn period(words: &Words, now: Timestamp, zone: &TimeZone) -> Result<Period, Problem> {
    match words.get("month") {
        None => Period::stated(words.get("from"), words.get("to"), now, zone).map_err(Problem::unprocessable),
        Some(name) => {
            let period = Month::named(name).and_then(|month| month.period(zone));
            let period = period.filter(|period| period.from < now);
            period.ok_or_else(|| Problem::not_found(format!("there is no report of {name}")))
        }
    }
}

/// Shows the report of a month, of the last full one where none is named.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    words: Words,
) -> Result<Response, Refused> {
    let (now, zone) = (service.queue().now(), reports::zone(&service));
    let period = period(&words, now, &zone)?;
    let report: Report = reports::of(&service, &visitor.caller, &period).await?;
    let workspace = service.queue().workspace();
    let databases = &workspace.config().databases;
    let link = |month: Month| MonthLink {
        name: month.name(),
        words: month.words(),
        is_shown: month.period(&zone).as_ref() == Some(&period),
    };
    let own = report.databases.iter().flat_map(|database| &database.alerts);
    let shared = report.shared.as_ref();
    let shown = ReportPage {
        frame: Frame::of(&visitor.session, Section::Reports, format!("Report of {}", period.words())),
        all_well: report.count > 0 && report.kept == report.count,
        from: minute(report.from, &zone),
        to: minute(report.to, &zone),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        made: minute(now, &zone),
        notes: notes(&report),
        rows: report.databases.iter().map(|one| row(one, databases.contains_key(&one.name))).collect(),
        alerts: own.chain(shared.into_iter().flat_map(|shared| &shared.alerts)).map(alert).collect(),
        shared: shared.map(shared_lines).unwrap_or_default(),
        months: reports::months(&service).await?.into_iter().map(link).collect(),
        query: format!("from={}&to={}", part(&period.from.to_string()), part(&period.to.to_string())),
        sentence: report.summary,
    };
    Ok(page(&shown))
}
