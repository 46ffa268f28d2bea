//! `/api/backup/restore`: a backup comes back.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use rowkeep::jobs::outcome::{RestoreOutcome, RowsOutcome};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::restore::RestoreRequest;
use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::open;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::{Done, NotDone, Refused, goes_on};
use super::metadata::backup_of;
use super::work::{Worked, may, work};
use crate::access::Role;
use crate::web::extract::Optional;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What is to be restored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = CompatibleRestoreBody)]
pub(in crate::api) struct RestoreBody {
    /// The backup, by its whole id.
    #[schema(required, value_type = String)]
    backup_id: Option<String>,
    /// Whether nothing is changed.
    dry_run: bool,
    /// Whether the tables of `user_data` are left as they are.
    skip_user_data: bool,
    /// Whether the tables of `sessions` are left as they are.
    skip_sessions: bool,
}

/// What was restored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Restored {
    success: bool,
    /// The tables that are as they were, or would be.
    restored_tables: Vec<String>,
    /// How many rows the backup has of each.
    record_counts: BTreeMap<String, u64>,
    warnings: Vec<String>,
    message: String,
}

/// Restores a backup into the database that `[compatibility.backup]` names: its tables become equal to it, in one transaction, after
/// a safety snapshot.
#[utoipa::path(post, path = "/api/backup/restore", operation_id = "compatibleRestore", tag = "compatibility",
    request_body = RestoreBody, responses(
    (status = 200, description = "It was restored, or would be", body = Restored),
    (status = 202, description = "It goes on", body = Done),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn restore(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
    body: Result<Optional<RestoreBody>, Problem>,
) -> Result<Response, Refused> {
    let workspace = service.queue().workspace();
    let config = workspace.config();
    let address = config.compatibility.backup.as_ref();
    let named = address.map(|address| address.database.as_str());
    let (caller, database) = may(&service, caller, Role::Restorer, named, "restore.execute").await?;
    let Optional(body) = body?;
    let id =
        body.backup_id.ok_or_else(|| Problem::malformed("backupId is missing: say which backup is meant"))?;
    let id = backup_of(&service, database, &id).await?;
    if !body.dry_run && config.databases.get(database).is_some_and(|known| known.second_person) {
        caller.note(&service, "restore.execute", database.to_owned(), "refused").await?;
        return Err(Problem::conflict(format!(
            "{database} is restored by a plan that somebody else executes: make it with POST /api/v1/databases/{database}/restores"
        ))
        .into());
    }
    let mut exclude = Vec::new();
    if let Some(address) = address {
        exclude.extend(address.user_data.iter().filter(|_| body.skip_user_data).cloned());
        exclude.extend(address.sessions.iter().filter(|_| body.skip_sessions).cloned());
    }
    let request = RestoreRequest {
        to: Some(database.into()),
        wanted: RowsWanted { exclude: exclude.clone(), ..RowsWanted::default() },
        plan_only: body.dry_run,
        ..RestoreRequest::of(id.to_string())
    };
    let action = if body.dry_run { "restore.plan" } else { "restore.execute" };
    let outcome = match work(&service, &caller, action, Request::Restore(request), database).await? {
        Worked::GoesOn(job) => return Ok(goes_on(&job)),
        Worked::Done(outcome) => *outcome,
    };
    let workspace = service.queue().workspace();
    let repository = workspace.repository().await?;
    let manifest = open(repository, id).await?.manifest;
    let selection = Selection { exclude, groups: config.groups(), ..Selection::default() };
    let tables =
        manifest.tables.iter().filter(|table| table.kind.is_user_table() && !selection.excludes(&table.name));
    let record_counts: BTreeMap<String, u64> =
        tables.clone().map(|table| (table.name.to_string(), table.root.rows)).collect();
    let (message, warnings) = told(&outcome);
    let restored_tables = tables.map(|table| table.name.to_string()).collect();
    Ok(Json(Restored { success: true, restored_tables, record_counts, warnings, message }).into_response())
}

/// What came of it in a sentence, and what people should know besides.
fn told(outcome: &Outcome) -> (String, Vec<String>) {
    match outcome {
        Outcome::Restore(RestoreOutcome::Rows(rows)) => of_rows(rows),
        Outcome::Restore(RestoreOutcome::New(new)) => {
            let warnings = new.notes.iter().chain(&new.hooks_failed).cloned().collect();
            (format!("restored {} rows into an empty database", new.rows), warnings)
        }
        _ => ("restored".to_owned(), Vec::new()),
    }
}

fn of_rows(outcome: &RowsOutcome) -> (String, Vec<String>) {
    let plan = &outcome.plan;
    let mut warnings = plan.unread.clone();
    warnings.extend(plan.unmatched.iter().cloned());
    warnings.extend(plan.cautions.iter().cloned());
    warnings.extend(plan.left_out.iter().map(|left| {
        format!("{} changes of table {} are left out, for references would dangle", left.rows, left.table)
    }));
    warnings.extend(plan.dangling.iter().map(|dangling| {
        format!(
            "{} rows of table {} refer to rows of {} that are not there",
            dangling.rows, dangling.table, dangling.references
        )
    }));
    warnings.extend(outcome.hooks_failed.iter().cloned());
    let Some(done) = &outcome.done else {
        let rows = plan.rows;
        let message = match rows.total() {
            0 => "nothing differs from the backup".to_owned(),
            _ => format!(
                "nothing was changed: {} rows would come, {} would change, {} would go",
                rows.inserted, rows.updated, rows.deleted
            ),
        };
        return (message, warnings);
    };
    warnings.extend(done.notes.iter().cloned());
    let rows = done.rows;
    let mut message =
        format!("restored: {} rows came, {} changed, {} went", rows.inserted, rows.updated, rows.deleted);
    if let Some(safety) = done.safety {
        message += &format!("; it can be undone by safety snapshot {safety}");
    }
    (message, warnings)
}
