//! Comparing two states: what differs by table, then row by row, then what is to come back.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::jobs::diff::DiffRequest;
use rowkeep::jobs::request::{Outcome, Request};

use super::frame::{Frame, Section, page, to_job};
use super::refused::Refused;
use super::units::{count, counted, part, short};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::web::asking::{self, ask};
use crate::web::extract::Named;
use crate::web::names::{LIVE, known, state_named};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// How long it is waited for a comparison before it is shown how far it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many lines of definitions are shown.
const DEFINITION_LINES: usize = 200;

#[derive(Template)]
#[template(path = "comparison.html")]
struct ComparisonPage {
    frame: Frame,
    database: String,
    part: String,
    before: String,
    after: String,
    /// How the states are named in addresses and forms.
    before_named: String,
    after_named: String,
    equal: bool,
    total: String,
    tables: Vec<TableRow>,
    equal_tables: usize,
    schema: Vec<String>,
    /// The lines of definitions that differ.
    definitions: String,
    lone: Vec<String>,
    notes: Vec<String>,
    /// Whether rows of the first state can come back into the database.
    can_restore: bool,
}

struct TableRow {
    name: String,
    part: String,
    inserted: String,
    updated: String,
    deleted: String,
    is_internal: bool,
}

/// Compares two states.
pub(super) async fn begin(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Operator, Some(&database), "comparison.create").await?;
    let before = state_named(&service, &database, fields.must("before")?).await?;
    let after = state_named(&service, &database, fields.get("after").unwrap_or(LIVE)).await?;
    if before == after {
        return Err(Problem::unprocessable("choose two states that are not the same").into());
    }
    let request = Request::Diff(DiffRequest::of(before, after));
    let job = ask(&service, &visitor.caller, "comparison.create", request, Some(database), None).await?;
    let over = service.queue().job_when_over(&job.id, PATIENCE).await?.unwrap_or(job);
    Ok(match over.outcome {
        Some(_) => Redirect::to(&format!("/comparisons/{}", part(&over.id))).into_response(),
        None => to_job(&over.id),
    })
}

/// Shows what differs, by table.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    let job = asking::visible(&service, &visitor.caller, &id).await?;
    let request = serde_json::from_str::<Request>(&job.request).ok();
    let (Some(Request::Diff(request)), Some(database)) = (request, job.database.clone()) else {
        return Err(Problem::not_found(format!("job {id} is no comparison")).into());
    };
    let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Outcome>(text).ok());
    let Some(Outcome::Diff(outcome)) = outcome else { return Ok(to_job(&id)) };
    let named = |state: &str| if state == database { LIVE.to_owned() } else { state.to_owned() };
    let told = |state: &str| match state {
        LIVE => format!("{database} as it was then"),
        snapshot => format!("snapshot {}", short(snapshot)),
    };
    let (before, after) = (named(&request.before), named(&request.after));
    let difference = outcome.difference;
    let differing = difference.tables.iter().filter(|table| table.rows.total() > 0);
    let table = |table: &rowkeep::jobs::outcome::DifferingTable| TableRow {
        name: table.table.to_string(),
        part: part(&table.table.to_string()),
        inserted: count(table.rows.inserted),
        updated: count(table.rows.updated),
        deleted: count(table.rows.deleted),
        is_internal: table.is_internal,
    };
    let tables: Vec<TableRow> = differing.map(table).collect();
    let lone = |tables: &[rowkeep::jobs::outcome::LoneTable], state: &str| {
        let told = |table: &rowkeep::jobs::outcome::LoneTable| {
            format!("{} ({} rows) is only in {state}", table.table, count(table.rows))
        };
        tables.iter().map(told).collect::<Vec<_>>()
    };
    let lines = difference.definitions.changes.iter().flat_map(rowkeep::diff::DefinitionChange::lines);
    let definitions = lines.take(DEFINITION_LINES).collect::<Vec<_>>().join("\n");
    let shown = ComparisonPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Compare {database}")),
        part: part(&database),
        equal: difference.equal,
        total: counted(difference.rows.total(), "row"),
        equal_tables: difference
            .tables
            .iter()
            .filter(|table| table.rows.total() == 0 && !table.is_internal)
            .count(),
        schema: difference.schema.iter().map(ToString::to_string).collect(),
        definitions,
        lone: [lone(&difference.only_before, &told(&before)), lone(&difference.only_after, &told(&after))]
            .concat(),
        notes: difference.definitions.notes.clone(),
        can_restore: before != LIVE && visitor.caller.0.may(Role::Restorer, Some(&database)),
        before: told(&before),
        after: told(&after),
        before_named: before,
        after_named: after,
        tables,
        database,
    };
    Ok(page(&shown))
}
