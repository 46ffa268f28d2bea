//! The history of a row: each version with the snapshot that shows it first, before and after.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;
use rowkeep::jobs::history::{History, Version, What};
use rowkeep::units::plain;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{count, counted, minute, part, short};
use super::values::{Shown, cell};
use super::visitor::Visitor;
use crate::access::Role;
use crate::web::extract::{Named, Words};
use crate::web::names::known;
use crate::web::rows::follow;
use crate::web::service::Service;

/// So many characters of a value are shown.
const SHOWN: usize = 300;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    database: String,
    part: String,
    /// The row, as it was asked for, and as a form sends it.
    row: String,
    sent: String,
    zone: String,
    /// What was looked at, in words; nothing where no row was asked for.
    told: Option<String>,
    versions: Vec<VersionRow>,
    notes: Vec<String>,
    can_restore: bool,
}

struct VersionRow {
    kind: &'static str,
    word: &'static str,
    colour: &'static str,
    snapshot: String,
    short: String,
    time: String,
    /// Whether the snapshot has the row.
    is_there: bool,
    columns: Vec<(String, Shown, Shown)>,
}

fn version(version: &Version, zone: &TimeZone) -> VersionRow {
    let (kind, word, colour) = match version.what {
        What::WasThere => ("insert", "was there", "good"),
        What::Appeared => ("insert", "came", "good"),
        What::CameBack => ("insert", "came back", "good"),
        What::Changed => ("update", "changed", "warn"),
        What::Vanished => ("delete", "gone", "bad"),
    };
    let snapshot = version.first_seen.snapshot.to_string();
    let column = |column: &rowkeep::jobs::history::ChangedColumn| {
        let (before, after) = (cell(column.before.as_ref(), SHOWN), cell(column.after.as_ref(), SHOWN));
        (plain(&column.column), before, after)
    };
    VersionRow {
        kind,
        word,
        colour,
        short: short(&snapshot),
        snapshot,
        time: minute(version.first_seen.time, zone),
        is_there: version.what != What::Vanished,
        columns: version.columns.iter().map(column).collect(),
    }
}

fn note(note: &rowkeep::jobs::history::Note, zone: &TimeZone) -> String {
    let first = short(&note.first_seen.snapshot.to_string());
    let time = minute(note.first_seen.time, zone);
    match note.snapshots {
        1 => format!("Snapshot {first} of {time}: {}", plain(&note.note)),
        several => format!("{} snapshots from {first} of {time} on: {}", count(several), plain(&note.note)),
    }
}

/// Shows the history of a row, or asks which one is meant.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
    words: Words,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    let zone = service.queue().workspace().config().zone(&database);
    let row = words.get("row").unwrap_or_default().to_owned();
    let found: Option<History> = match &*row {
        "" => {
            visitor.caller.must(&service, Role::Operator, Some(&database), "row.history").await?;
            None
        }
        row => Some(follow(&service, &visitor.caller, &database, row).await?),
    };
    let told = found.as_ref().map(|found| match found.versions.len() as u64 {
        0 => format!("None of {} has this row.", counted(found.snapshots, "snapshot")),
        versions => {
            format!(
                "{} in {}, the newest first.",
                counted(versions, "change"),
                counted(found.snapshots, "snapshot")
            )
        }
    });
    let versions = found.iter().flat_map(|found| found.versions.iter().rev());
    let notes = found.iter().flat_map(|found| &found.notes);
    let title =
        if row.is_empty() { "History of a row".to_owned() } else { format!("History of {}", plain(&row)) };
    let shown = HistoryPage {
        frame: Frame::of(&visitor.session, Section::Overview, title),
        part: part(&database),
        sent: hex::encode(&row),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        told,
        versions: versions.map(|one| version(one, &zone)).collect(),
        notes: notes.map(|one| note(one, &zone)).collect(),
        can_restore: visitor.caller.0.may(Role::Restorer, Some(&database)),
        row,
        database,
    };
    Ok(page(&shown))
}
