//! The rows of a table of a snapshot, page by page, and one of them with all of its values.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rowkeep::format::Table;
use rowkeep::jobs::browse::Browsed;
use rowkeep::rows::condition::{key_text, key_values_text, table_text};
use rowkeep::units::plain;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{count, counted, part, short};
use super::values::{Shown, shown};
use super::visitor::Visitor;
use crate::access::Role;
use crate::web::extract::{Named, Words};
use crate::web::problem::Problem;
use crate::web::rows::{Asked, Start, read};
use crate::web::service::Service;

/// So many rows are shown at once.
const PAGE: usize = 50;

/// So many characters of a value are shown beside others, and of one alone.
const SHOWN: usize = 120;
const SHOWN_ALONE: usize = 2_000;

/// No address of a row is longer.
const LONGEST_ADDRESS: usize = 4_000;

#[derive(Template)]
#[template(path = "table_rows.html")]
struct RowsPage {
    frame: Frame,
    database: String,
    part: String,
    snapshot: String,
    short: String,
    table: String,
    /// The address of the table in the snapshot.
    address: String,
    masked: bool,
    total: String,
    /// Which of them are shown, in words.
    range: String,
    /// The columns that name a row, where some do.
    key: String,
    wanted: String,
    /// What became of the search, where there was one.
    told: Option<String>,
    columns: Vec<String>,
    rows: Vec<Row>,
    first: bool,
    previous: Option<u64>,
    next: Option<u64>,
    last: Option<u64>,
}

struct Row {
    /// Its address and its name, where a key names it.
    link: Option<(String, String)>,
    values: Vec<(String, Shown)>,
}

/// The columns that people know as theirs.
fn columns(table: &Table) -> Vec<(usize, String)> {
    let shown = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
    shown.map(|(at, column)| (at, plain(&column.name))).collect()
}

/// The columns whose values name a row; none where no key does.
fn key_columns(table: &Table) -> Vec<String> {
    let key = table.identified_by();
    match key.unique && table.kind.is_user_table() {
        true => key.naming().map(|part| plain(&table.columns[part.column].name)).collect(),
        false => Vec::new(),
    }
}

fn address(database: &str, snapshot: &str, table: &str) -> String {
    format!("/databases/{}/snapshots/{}/tables/{}", part(database), part(snapshot), part(table))
}

fn rows(browsed: &Browsed, address: &str) -> Vec<Row> {
    let columns = columns(&browsed.table);
    let row = |row: usize| {
        let key = key_values_text(&browsed.table, browsed.dialect, &browsed.rows, row);
        let link = key.map(|key| (format!("{address}/rows/{}", part(&key)), plain(&key)));
        let value = |(at, name): &(usize, String)| (name.clone(), shown(browsed.rows.value(row, *at), SHOWN));
        Row {
            link: link.filter(|(address, _)| address.len() <= LONGEST_ADDRESS),
            values: columns.iter().map(value).collect(),
        }
    };
    (0..browsed.rows.rows()).map(row).collect()
}

/// Which rows are shown.
fn range(browsed: &Browsed) -> String {
    match (browsed.rows.rows() as u64, browsed.before) {
        (0, _) => "none".to_owned(),
        (rows, None) => counted(rows, "row"),
        (rows, Some(before)) => format!("{} to {}", count(before + 1), count(before + rows)),
    }
}

/// What became of a search.
fn told(browsed: &Browsed, wanted: &str) -> Option<String> {
    Some(match (browsed.is_found?, browsed.rows.is_empty()) {
        (true, _) => format!("The row with the key {wanted} is the first."),
        (false, false) => format!("No row has the key {wanted}; those after its place are shown."),
        (false, true) => format!("No row has the key {wanted}, and none comes after its place."),
    })
}

/// Shows rows of a table.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, snapshot, table)): Named<(String, String, String)>,
    words: Words,
) -> Result<Response, Refused> {
    let place = |text: &str| {
        text.parse().map_err(|_| {
            Problem::malformed("the address names no place: after is the number of rows before it")
        })
    };
    let wanted = words.get("key").unwrap_or_default().to_owned();
    let from = match (&*wanted, words.get("after")) {
        ("", None) => Start::Place(0),
        ("", Some(after)) => Start::Place(place(after)?),
        (key, _) => Start::Key(key.to_owned()),
    };
    let asked = Asked { database: &database, snapshot: &snapshot, table: &table, from, limit: PAGE };
    let browsed = read(&service, &visitor.caller, asked).await?;
    let id = browsed.snapshot.id.to_string();
    let address = address(&database, &id, &table_text(&browsed.table.name));
    let before = browsed.before.unwrap_or(0);
    let name = plain(&browsed.table.name.to_string());
    let page_rows = PAGE as u64;
    let shown = RowsPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("{name} in snapshot {}", short(&id))),
        part: part(&database),
        short: short(&id),
        masked: browsed.snapshot.manifest.is_masked(),
        total: counted(browsed.total, "row"),
        range: range(&browsed),
        key: key_columns(&browsed.table).join(", "),
        told: told(&browsed, &plain(&wanted)),
        columns: columns(&browsed.table).into_iter().map(|(_, name)| name).collect(),
        rows: rows(&browsed, &address),
        first: before > 0,
        previous: (before > 0).then(|| before.saturating_sub(page_rows)),
        next: browsed.next(),
        last: browsed.next().map(|_| browsed.total.saturating_sub(1) / page_rows * page_rows),
        table: name,
        snapshot: id,
        address,
        wanted,
        database,
    };
    Ok(page(&shown))
}

#[derive(Template)]
#[template(path = "table_row.html")]
struct RowPage {
    frame: Frame,
    database: String,
    part: String,
    snapshot: String,
    short: String,
    table: String,
    table_address: String,
    key: String,
    masked: bool,
    values: Vec<Field>,
    /// By which a form names it.
    sent: Option<String>,
    /// Where its history is.
    history: Option<String>,
    can_restore: bool,
}

struct Field {
    name: String,
    type_name: String,
    value: Shown,
}

/// Shows one row.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, snapshot, table, key)): Named<(String, String, String, String)>,
) -> Result<Response, Refused> {
    let from = Start::Key(key.clone());
    let asked = Asked { database: &database, snapshot: &snapshot, table: &table, from, limit: 1 };
    let browsed = read(&service, &visitor.caller, asked).await?;
    let (id, name) = (browsed.snapshot.id.to_string(), plain(&browsed.table.name.to_string()));
    if browsed.is_found != Some(true) {
        let told = format!("table {name} has no row {} in snapshot {}", plain(&key), short(&id));
        return Err(Problem::not_found(told).into());
    }
    let row = key_text(&browsed.table, browsed.dialect, &browsed.rows, 0);
    let field = |(at, name): (usize, String)| Field {
        name,
        type_name: plain(&browsed.table.columns[at].type_name),
        value: shown(browsed.rows.value(0, at), SHOWN_ALONE),
    };
    let is_masked = browsed.snapshot.manifest.is_masked();
    let shown = RowPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("{name} {}", plain(&key))),
        part: part(&database),
        short: short(&id),
        table_address: address(&database, &id, &table_text(&browsed.table.name)),
        key: plain(&key),
        masked: is_masked,
        values: columns(&browsed.table).into_iter().map(field).collect(),
        sent: row.as_ref().map(hex::encode),
        history: row.map(|row| format!("/databases/{}/history?row={}", part(&database), part(&row))),
        can_restore: !is_masked && visitor.caller.0.may(Role::Restorer, Some(&database)),
        table: name,
        snapshot: id,
        database,
    };
    Ok(page(&shown))
}
