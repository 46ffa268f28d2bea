//! A database: how it is, its year, its snapshots, and what can be done with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::jobs::outcome::SnapshotSummary;
use rowkeep::jobs::request::Request;

use super::charts::{Line, line};
use super::devices;
use super::frame::{Frame, Section, page, to_job};
use super::overview::Row;
use super::refresh::{RefreshCard, card};
use super::refused::Refused;
use super::units::{bytes, count, minute, short, took};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::state::jobs::{self, DayOf};
use crate::web::additions::added;
use crate::web::asking::ask;
use crate::web::extract::Named;
use crate::web::names::known;
use crate::web::service::Service;

/// So many snapshots are listed.
const LISTED: usize = 60;

/// The weeks of the calendar.
const WEEKS: i64 = 53;

#[derive(Template)]
#[template(path = "database.html")]
struct DatabasePage {
    frame: Frame,
    row: Row,
    zone: String,
    snapshots: Vec<SnapshotRow>,
    /// How many there are of which those are the newest.
    all_snapshots: usize,
    months: Vec<Month>,
    days: Vec<Day>,
    sizes: Option<Line>,
    largest: String,
    row_counts: Option<Line>,
    most_rows: String,
    may_operate: bool,
    /// Whether its states arrive, so that none can be asked for.
    arrives: bool,
    /// Whether its snapshots are of several devices, or may be.
    has_devices: bool,
    /// Whether something can be undone, by somebody who may.
    may_undo: bool,
    /// Whether it was added on a page, and is changed there by who may.
    may_change: bool,
    /// From which other database it is made again, where it is.
    refresh: Option<RefreshCard>,
}

struct SnapshotRow {
    id: String,
    short: String,
    name: String,
    time: String,
    rows: String,
    size: String,
    new: String,
    took: String,
    /// What is special about it, in words.
    marks: Vec<&'static str>,
    tags: Vec<String>,
}

/// A month over the calendar, at the week in which it begins.
struct Month {
    name: String,
    x: i64,
}

/// A day in the calendar.
struct Day {
    x: i64,
    y: i64,
    colour: &'static str,
    title: String,
}

/// What happened on a day.
#[derive(Default)]
struct Happened {
    snapshots: u32,
    held: u32,
    failed: u32,
    proven: u32,
}

fn snapshot_row(snapshot: &SnapshotSummary, zone: &TimeZone) -> SnapshotRow {
    let id = snapshot.id.to_string();
    let mut marks = Vec::new();
    let special = [
        (!snapshot.holds.is_empty(), "held"),
        (snapshot.suspicious_after.is_some() && !snapshot.looked_at, "suspicious"),
        (snapshot.before.is_some(), "safety"),
        (snapshot.time_doubt.is_some(), "time in doubt"),
    ];
    marks.extend(special.iter().filter(|mark| mark.0).map(|mark| mark.1));
    // What the service itself puts on snapshots is for programs.
    let own = snapshot.tags.iter().filter(|(name, _)| !name.starts_with("rowkeep-"));
    SnapshotRow {
        short: short(&id),
        id,
        name: snapshot.name.clone().unwrap_or_default(),
        time: minute(snapshot.time, zone),
        rows: count(snapshot.rows),
        size: bytes(snapshot.bytes),
        new: bytes(snapshot.new_bytes),
        took: took(snapshot.duration_ms),
        marks,
        tags: own.map(|(name, value)| format!("{name}: {value}")).collect(),
    }
}

/// The year until today, a column a week.
fn calendar(today: Date, happened: &BTreeMap<Date, Happened>) -> (Vec<Month>, Vec<Day>) {
    let since_monday = i64::from(today.weekday().to_monday_zero_offset());
    let first = today.saturating_sub((since_monday + 7 * (WEEKS - 1)).days());
    let (mut months, mut days) = (Vec::new(), Vec::new());
    let nothing = Happened::default();
    for at in 0..(7 * (WEEKS - 1) + since_monday + 1) {
        let date = first.saturating_add(at.days());
        let day = happened.get(&date).unwrap_or(&nothing);
        let colour = match day {
            Happened { failed: 1.., snapshots: 0, .. } => "failed",
            Happened { failed: 1.., .. } => "mixed",
            Happened { proven: 1.., .. } => "proven",
            Happened { held: 1.., .. } => "held",
            Happened { snapshots: 1.., .. } => "kept",
            _ => "none",
        };
        let part = |number: u32, what: &str| (number > 0).then(|| format!("{number} {what}"));
        let parts = [
            part(day.snapshots, "kept"),
            part(day.held, "held"),
            part(day.failed, "failed"),
            part(day.proven, "proven"),
        ];
        let told: Vec<String> = parts.into_iter().flatten().collect();
        let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
        let (x, y) = (at / 7 * 14, at % 7 * 14);
        if date.day() == 1 || at == 0 && date.day() < 22 {
            months.push(Month { name: date.strftime("%b").to_string(), x });
        }
        days.push(Day { x, y, colour, title: format!("{date}: {told}") });
    }
    (months, days)
}

/// Shows a database.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    let queue = service.queue();
    let (now, zone) = (queue.now(), queue.workspace().config().zone(&database));
    let arrives = queue.workspace().config().has_arriving(&database);
    let health = service.health().of(queue, &database).await?;
    let listed = match service.snapshots().of(queue, &database).await {
        Ok(listed) => listed,
        // The page says so elsewhere.
        Err(_) if health.problem.is_some() => Arc::default(),
        Err(error) => return Err(error.into()),
    };
    let today = Zoned::new(now, zone.clone()).date();
    let mut happened: BTreeMap<Date, Happened> = BTreeMap::new();
    for snapshot in listed.iter() {
        let day = happened.entry(Zoned::new(snapshot.time, zone.clone()).date()).or_default();
        day.snapshots += 1;
        day.held += u32::from(!snapshot.holds.is_empty());
    }
    let (of, since) = (database.clone(), now.saturating_sub((24 * 7 * WEEKS).hours()).unwrap_or(now));
    for (what, time) in queue.state().transaction(move |state| jobs::days_of(state, &of, since)).await? {
        let day = happened.entry(Zoned::new(time, zone.clone()).date()).or_default();
        match what {
            DayOf::Failure => day.failed += 1,
            // A file for a page proves nothing of a restore.
            DayOf::Proof => day.proven += u32::from(!arrives),
        }
    }
    let (months, days) = calendar(today, &happened);
    let own: Vec<_> = listed.iter().filter(|snapshot| snapshot.before.is_none()).collect();
    let over_time = |value: fn(&SnapshotSummary) -> u64| {
        let values: Vec<_> =
            own.iter().map(|snapshot| (snapshot.time.as_second(), value(snapshot))).collect();
        line(&values, 480, 90)
    };
    let most = |value: fn(&SnapshotSummary) -> u64| own.iter().map(|one| value(one)).max().unwrap_or(0);
    let may = |role| visitor.caller.0.may(role, Some(&database));
    let shown = DatabasePage {
        frame: Frame::of(&visitor.session, Section::Overview, database.clone()),
        row: Row::of(&health, now, None),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        snapshots: listed.iter().rev().take(LISTED).map(|one| snapshot_row(one, &zone)).collect(),
        all_snapshots: listed.len(),
        months,
        days,
        sizes: over_time(|snapshot| snapshot.bytes),
        largest: bytes(most(|snapshot| snapshot.bytes)),
        row_counts: over_time(|snapshot| snapshot.rows),
        most_rows: count(most(|snapshot| snapshot.rows)),
        may_operate: may(Role::Operator),
        arrives,
        has_devices: arrives || devices::are_named(&listed),
        may_change: visitor.caller.0.may(Role::Admin, None) && added(&service, &database).is_ok(),
        refresh: card(&service, &visitor, &database).await?,
        may_undo: may(Role::Restorer) && listed.iter().any(|one| one.before.is_some()),
    };
    Ok(page(&shown))
}

/// Asks for a backup.
pub(super) async fn back_up(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Operator, Some(&database), "backup.create").await?;
    let request = BackupRequest { database: Some(database.as_str().into()), ..BackupRequest::default() };
    let request = Request::Backup(request);
    let job = ask(&service, &visitor.caller, "backup.create", request, Some(database), None).await?;
    Ok(to_job(&job.id))
}

/// Asks for a test of a recovery.
pub(super) async fn drill(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Operator, Some(&database), "drill.create").await?;
    let request = DrillRequest { database: Some(database.as_str().into()), ..DrillRequest::default() };
    let request = Request::Drill(request);
    let job = ask(&service, &visitor.caller, "drill.create", request, Some(database), None).await?;
    Ok(to_job(&job.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_its_days_once() {
        let date = |text: &str| text.parse::<Date>().expect("it is a date");
        let mut happened = BTreeMap::new();
        happened.insert(date("2026-11-29"), Happened { snapshots: 2, failed: 1, ..Happened::default() });
        happened.insert(date("2025-11-29"), Happened { proven: 1, snapshots: 1, ..Happened::default() });
        let (months, days) = calendar(date("2026-11-29"), &happened);
        let last = days.last().expect("there are days");
        assert_eq!((last.x, last.y, last.colour), (52 * 14, 6 * 14, "mixed"));
        assert_eq!(last.title, "2026-11-29: 2 kept, 1 failed");
        assert_eq!(days.len(), 53 * 7);
        let before = days.iter().find(|day| day.title.starts_with("2025-11-29")).expect("it is in it");
        assert_eq!((before.colour, &*before.title), ("proven", "2025-11-29: 1 kept, 1 proven"));
        assert!(months.len() == 12 || months.len() == 13, "{}", months.len());
        let (_, days) = calendar(date("2024-02-29"), &happened);
        assert_eq!(days.len(), 52 * 7 + 4, "until a Thursday");
    }
}
