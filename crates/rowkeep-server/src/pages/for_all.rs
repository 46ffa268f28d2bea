//! What is said of all databases on the settings page: when what is done, and what is kept.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::config::{Subject, Work};
use rowkeep::jobs::keep::DatabaseKeeping;
use rowkeep::retention::{Stated, StatedRules};

use super::frame::{Frame, Section, page_with};
use super::refused::Refused;
use super::units::{bytes, count};
use super::visitor::{Fields, Form, Visitor};
use crate::access::Role;
use crate::web::additions::is_allowed;
use crate::web::for_all::{self, Source, source};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What of schedules has a field: its name, and what it is.
const WORK: [(&str, &str); 8] = [
    ("backup", "Backup of each database"),
    ("drill", "Drill of each database, which tests a recovery"),
    ("refresh", "Refresh of each database that says from which other"),
    ("check", "Check of the repository"),
    ("read_data", "Of how much a check reads all data, such as 5%"),
    ("prune", "Prune: what no rule keeps is deleted"),
    ("copy", "Copy into the other repositories"),
    ("jitter", "Jitter: each begins later by up to so much"),
];

/// The rules that have a field: their names, and what they keep.
const RULES: [(&str, &str); 7] = [
    ("last", "The last so many"),
    ("hourly", "The newest of so many hours"),
    ("daily", "The newest of so many days"),
    ("weekly", "The newest of so many weeks"),
    ("monthly", "The newest of so many months"),
    ("yearly", "The newest of so many years"),
    ("within", "All that are not older, such as 14 days"),
];

#[derive(Template)]
#[template(path = "for_all.html")]
struct ForAllPage {
    frame: Frame,
    problem: Option<String>,
    is_allowed: bool,
    schedule_source: &'static str,
    schedule_fields: Vec<FieldRow>,
    keep_source: &'static str,
    keep_words: String,
    keep_fields: Vec<FieldRow>,
    /// What the rules that were typed would keep.
    preview: Option<Vec<PreviewRow>>,
}

/// A field of a form.
struct FieldRow {
    name: &'static str,
    label: &'static str,
    value: String,
}

/// What rules would keep of a database.
struct PreviewRow {
    database: String,
    kept: String,
    going: String,
    freed: String,
    /// The first that would go, in words.
    first: String,
}

fn preview_row(database: DatabaseKeeping) -> PreviewRow {
    let (kept, going): (Vec<_>, Vec<_>) =
        database.snapshots.iter().partition(|snapshot| snapshot.decision.is_kept());
    PreviewRow {
        kept: count(kept.len() as u64),
        going: count(going.len() as u64),
        freed: bytes(going.iter().map(|snapshot| snapshot.summary.new_bytes).sum()),
        first: match (going.first(), going.last()) {
            (Some(first), Some(last)) => {
                format!("from {} to {}", day(first.summary.time), day(last.summary.time))
            }
            _ => String::new(),
        },
        database: database.database,
    }
}

fn day(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// From where something comes, by a word that the page tells apart.
fn word(source: Source) -> &'static str {
    match source {
        Source::File => "file",
        Source::Page => "page",
        Source::Nowhere => "nowhere",
    }
}

fn stated_text(stated: Option<&Stated>) -> String {
    match stated {
        None => String::new(),
        Some(Stated::Number(number)) => number.to_string(),
        Some(Stated::Text(text)) => text.clone(),
    }
}

fn of_rule<'a>(rules: &'a StatedRules, name: &str) -> Option<&'a Stated> {
    match name {
        "last" => rules.last.as_ref(),
        "hourly" => rules.hourly.as_ref(),
        "daily" => rules.daily.as_ref(),
        "weekly" => rules.weekly.as_ref(),
        "monthly" => rules.monthly.as_ref(),
        "yearly" => rules.yearly.as_ref(),
        "within" => rules.within.as_ref(),
        _ => None,
    }
}

/// What was typed, or what counts.
#[derive(Default)]
struct Typed {
    problem: Option<Problem>,
    schedule: Option<BTreeMap<String, String>>,
    keep: Option<StatedRules>,
    preview: Option<Vec<DatabaseKeeping>>,
}

fn for_all_page(service: &Service, visitor: &Visitor, typed: Typed) -> Response {
    let workspace = service.queue().workspace();
    let config = workspace.config();
    let addition = |subject| service.settings().addition(&subject);
    let known = addition(Subject::Schedule).and_then(|addition| addition.schedule());
    let of_file = || {
        let stated = |work: Work| {
            let when = config.schedules.of(work)?;
            Some((work.name().to_owned(), when.map_or_else(|| "off".to_owned(), ToString::to_string)))
        };
        Work::ALL.into_iter().filter_map(stated).collect::<BTreeMap<_, _>>()
    };
    let schedule_source = source(service, &Subject::Schedule);
    let schedule = typed.schedule.or(known.filter(|_| schedule_source == Source::Page));
    let schedule = schedule.unwrap_or_else(of_file);
    let keep_source = source(service, &Subject::Keep);
    let keep = addition(Subject::Keep).and_then(|addition| addition.keep());
    let keep = typed.keep.or(keep.filter(|_| keep_source == Source::Page)).unwrap_or_default();
    let status = typed.problem.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    let field = |(name, label): &(&'static str, &'static str), value: String| FieldRow { name, label, value };
    let shown = ForAllPage {
        frame: Frame::of(&visitor.session, Section::Settings, "For all databases"),
        problem: typed.problem.map(|problem| problem.detail().to_owned()),
        is_allowed: is_allowed(service),
        schedule_source: word(schedule_source),
        schedule_fields: WORK
            .iter()
            .map(|one| field(one, schedule.get(one.0).cloned().unwrap_or_default()))
            .collect(),
        keep_source: word(keep_source),
        keep_words: config.keep.as_ref().map(ToString::to_string).unwrap_or_default(),
        keep_fields: RULES.iter().map(|one| field(one, stated_text(of_rule(&keep, one.0)))).collect(),
        preview: typed.preview.map(|kept| kept.into_iter().map(preview_row).collect()),
    };
    page_with(status.unwrap_or(StatusCode::OK), &shown)
}

/// Shows what is said of all databases.
pub(super) async fn show(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "configuration.read").await?;
    Ok(for_all_page(&service, &visitor, Typed::default()))
}

fn typed_schedule(fields: &Fields) -> BTreeMap<String, String> {
    let text = |name: &str| fields.get(name).map(|text| text.trim().to_owned());
    let stated = WORK.iter().filter_map(|(name, _)| Some(((*name).to_owned(), text(name)?)));
    stated.filter(|(_, when)| !when.is_empty()).collect()
}

fn typed_rules(fields: &Fields) -> StatedRules {
    let stated = |name: &str| {
        let text = fields.get(name).map(str::trim).filter(|text| !text.is_empty())?;
        Some(text.parse().map_or_else(|_| Stated::Text(text.to_owned()), Stated::Number))
    };
    StatedRules {
        last: stated("last"),
        hourly: stated("hourly"),
        daily: stated("daily"),
        weekly: stated("weekly"),
        monthly: stated("monthly"),
        yearly: stated("yearly"),
        within: stated("within"),
        ..StatedRules::default()
    }
}

/// Says when what is done of all databases.
pub(super) async fn schedule(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "configuration.change").await?;
    let schedule = typed_schedule(&fields);
    match for_all::set_schedule(&service, &visitor.caller, &schedule).await {
        Ok(()) => Ok(Redirect::to("/settings/all-databases").into_response()),
        Err(problem) => {
            let typed = Typed { problem: Some(problem), schedule: Some(schedule), ..Typed::default() };
            Ok(for_all_page(&service, &visitor, typed))
        }
    }
}

/// Says what is kept of all databases; or shows what that would keep, where only that is wanted.
pub(super) async fn keep(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "configuration.change").await?;
    let rules = typed_rules(&fields);
    if fields.get("preview").is_some() {
        let typed = match for_all::preview(&service, &visitor.caller, &rules).await {
            Ok(kept) => Typed { preview: Some(kept), keep: Some(rules), ..Typed::default() },
            Err(problem) => Typed { problem: Some(problem), keep: Some(rules), ..Typed::default() },
        };
        return Ok(for_all_page(&service, &visitor, typed));
    }
    match for_all::set_keep(&service, &visitor.caller, &rules).await {
        Ok(()) => Ok(Redirect::to("/settings/all-databases").into_response()),
        Err(problem) => {
            let typed = Typed { problem: Some(problem), keep: Some(rules), ..Typed::default() };
            Ok(for_all_page(&service, &visitor, typed))
        }
    }
}
