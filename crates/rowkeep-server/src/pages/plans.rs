//! Plans: what is to be changed, before it is, and the word that has it done.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::apply::plan::Mode;
use rowkeep::diff::Prefer;
use rowkeep::jobs::outcome::{Ended, RestoreOutcome, UndoOutcome};
use rowkeep::jobs::plans::Action;
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::restore::RestoreRequest;
use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::jobs::undo::UndoRequest;
use rowkeep::units::plain;

use super::frame::{Frame, Section, page, to_job};
use super::refused::Refused;
use super::units::{count, counted, from_words, minute, part, short};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::state::jobs::Job;
use crate::web::asking::ask;
use crate::web::extract::Named;
use crate::web::names::{known, snapshot_named};
use crate::web::plans;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// So many rows that both sides changed are shown.
const CONFLICTS: usize = 50;

/// How long it is waited for a plan before it is shown how far its job is.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    frame: Frame,
    id: String,
    short: String,
    database: String,
    part: String,
    snapshot: String,
    time: String,
    made_by: Option<String>,
    executed: Option<String>,
    /// Whether all of the database is replaced, and not rows changed.
    replaces: bool,
    from: String,
    tables: Vec<Table>,
    total: String,
    left_out: Vec<String>,
    /// What has to be known before it is executed.
    cautions: Vec<String>,
    dangling: Vec<String>,
    /// Rows that both sides changed in different ways, and which side counts.
    conflicts: Vec<String>,
    more_conflicts: u64,
    prefers_snapshot: bool,
    /// Rows that were asked for and that nobody has.
    unmatched: Vec<String>,
    may_execute: bool,
    needs_another: bool,
}

/// What changes in a table.
struct Table {
    name: String,
    inserted: u64,
    updated: u64,
    deleted: u64,
    related: u64,
    columns: String,
}

/// Shows a plan.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    let plan = plans::plan(&service, &visitor.caller, &id).await?;
    let database = plan.database().to_owned();
    let zone = service.queue().workspace().config().zone(&database);
    let needs_another = plan.needs_another(&service, &visitor.caller);
    let kept = &plan.listing.plan;
    let mut shown = PlanPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Plan {}", short(&id))),
        short: short(&id),
        part: part(&database),
        snapshot: short(&kept.snapshot.to_string()),
        time: minute(kept.time, &zone),
        made_by: plan.made_by.clone(),
        executed: plan.listing.executed.map(|time| minute(time, &zone)),
        replaces: false,
        from: String::new(),
        tables: Vec::new(),
        total: String::new(),
        left_out: Vec::new(),
        cautions: Vec::new(),
        dangling: Vec::new(),
        conflicts: Vec::new(),
        more_conflicts: 0,
        prefers_snapshot: false,
        unmatched: Vec::new(),
        may_execute: visitor.caller.0.may(Role::Restorer, Some(&database)),
        needs_another,
        database,
        id,
    };
    match &kept.action {
        Action::Rows { summary, .. } => {
            shown.from = from_words(&summary.from);
            shown.cautions = summary.cautions.iter().map(|line| plain(line)).collect();
            shown.unmatched = summary.unmatched.iter().map(|line| plain(line)).collect();
            shown.total = counted(summary.rows.total(), "row");
            let table = |table: &rowkeep::apply::plan::PlannedTable| Table {
                name: table.table.to_string(),
                inserted: table.counts.inserted,
                updated: table.counts.updated,
                deleted: table.counts.deleted,
                related: table.related,
                columns: table.updated_columns.join(", "),
            };
            shown.tables = summary.tables.iter().map(table).collect();
            let left = summary.left_out.iter();
            shown.left_out = left.map(|left| format!("{} of {}", count(left.rows), left.table)).collect();
            let dangling = summary.dangling.iter().map(|dangling| {
                format!(
                    "{} rows of {} would refer to rows of {} that are not there",
                    count(dangling.rows),
                    dangling.table,
                    dangling.references
                )
            });
            shown.dangling = dangling.collect();
            let conflicts = &summary.conflicts;
            let shown_conflicts = conflicts.listed.iter().take(CONFLICTS);
            shown.conflicts = shown_conflicts.map(|conflict| plain(&conflict.to_string())).collect();
            shown.more_conflicts = conflicts.rows - shown.conflicts.len() as u64;
            shown.prefers_snapshot = summary.prefer == Prefer::Snapshot;
        }
        Action::Replace { .. } => shown.replaces = true,
    }
    Ok(page(&shown))
}

/// Executes a plan.
pub(super) async fn execute(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let plan = plans::plan(&service, &visitor.caller, &id).await?;
    let database = plan.database().to_owned();
    visitor.caller.must(&service, Role::Restorer, Some(&database), "plan.execute").await?;
    let confirmed = fields.get("confirm").unwrap_or_default().trim();
    if confirmed != database {
        return Err(Problem::unprocessable(format!(
            "type the name of the database, {database}, to say that its rows are to be changed; nothing was changed"
        ))
        .into());
    }
    let request = plans::execution(&service, &visitor.caller, plan, confirmed).await?;
    let job = ask(&service, &visitor.caller, "plan.execute", request, Some(database), None).await?;
    Ok(to_job(&job.id))
}

/// The text of a key that a form sends.
fn key(sent: &str) -> Result<String, Problem> {
    let text = hex::decode(sent).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Problem::malformed("the form sends a key that is none"))
}

/// Makes a plan that brings rows back.
pub(super) async fn restore(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Restorer, Some(&database), "restore.plan").await?;
    let mode = match fields.get("mode") {
        None | Some("replace") => Mode::Replace,
        Some("update") => Mode::Update,
        Some("merge") => Mode::Merge,
        Some(other) => return Err(Problem::unprocessable(format!("there is no mode {other}")).into()),
    };
    let wanted = RowsWanted {
        tables: fields.all("table"),
        keys: fields.all("key").iter().map(|sent| key(sent)).collect::<Result<_, _>>()?,
        with_related: fields.get("related").is_some(),
        ..RowsWanted::default()
    };
    if wanted.tables.is_empty() && wanted.keys.is_empty() && fields.get("all").is_none() {
        return Err(Problem::unprocessable("tick what is to come back; nothing was changed").into());
    }
    let request = RestoreRequest {
        to: Some(database.as_str().into()),
        mode,
        wanted,
        plan_only: true,
        ..RestoreRequest::of(snapshot_named(&service, &database, fields.must("snapshot")?).await?)
    };
    let request = Request::Restore(request);
    let job = ask(&service, &visitor.caller, "restore.plan", request, Some(database), None).await?;
    to_plan(&service, job).await
}

/// Makes a plan that takes back what a restore did.
pub(super) async fn undo(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Restorer, Some(&database), "undo.plan").await?;
    let snapshot = match fields.get("snapshot") {
        Some(named) => Some(snapshot_named(&service, &database, named).await?),
        None => None,
    };
    let to = Some(database.as_str().into());
    let request =
        Request::Undo(UndoRequest { database: to, snapshot, plan_only: true, ..UndoRequest::default() });
    let job = ask(&service, &visitor.caller, "undo.plan", request, Some(database), None).await?;
    to_plan(&service, job).await
}

/// Goes to the plan that a job made; to the job, where it takes longer or made none.
async fn to_plan(service: &Service, job: Job) -> Result<Response, Refused> {
    let over = service.queue().job_when_over(&job.id, PATIENCE).await?.unwrap_or(job);
    let outcome = over.outcome.as_deref().and_then(|text| serde_json::from_str::<Outcome>(text).ok());
    let made = match outcome {
        Some(Outcome::Restore(RestoreOutcome::Rows(rows)) | Outcome::Undo(UndoOutcome::Rows(rows))) => {
            Some((rows.ended, rows.kept))
        }
        Some(Outcome::Undo(UndoOutcome::Replaced(replaced))) => Some((replaced.ended, replaced.kept)),
        _ => None,
    };
    let kept = made.filter(|(ended, _)| *ended == Ended::Planned).and_then(|(_, kept)| kept);
    Ok(match kept {
        Some(plan) => Redirect::to(&format!("/plans/{plan}")).into_response(),
        None => to_job(&over.id),
    })
}
