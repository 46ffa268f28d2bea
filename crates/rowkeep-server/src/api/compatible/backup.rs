//! `/api/backup`: backups are listed, made and deleted.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use rowkeep::config::BackupAddress;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::delete::DeleteRequest;
use rowkeep::jobs::request::{Outcome, Request};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{Done, NotDone, Refused, goes_on};
use super::metadata::{Shown, backup_of, list, stats};
use super::work::{Worked, may, work};
use crate::access::Role;
use crate::web::extract::Optional;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ShowQuery {
    /// `stats` for all backups together.
    #[param(pattern = "^stats$")]
    action: Option<String>,
}

fn address(service: &Service) -> Option<BackupAddress> {
    service.queue().workspace().config().compatibility.backup.clone()
}

/// Lists the newest 500 backups of the database that `[compatibility.backup]` names, or says how all are together.
#[utoipa::path(get, path = "/api/backup", operation_id = "compatibleBackups", tag = "compatibility", params(ShowQuery), responses(
    (status = 200, description = "The backups, the newest first; with action=stats all of them together", body = Shown),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn show(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Json<Shown>, Refused> {
    let address = address(&service);
    let database = address.as_ref().map(|address| address.database.as_str());
    let (_, database) = may(&service, caller, Role::Viewer, database, "database.read").await?;
    let Query(query) = query?;
    match query.action.as_deref() {
        None => Ok(Json(Shown::List(list(&service, database).await?))),
        Some("stats") => Ok(Json(Shown::Stats(stats(&service, database).await?))),
        Some(other) => Err(Problem::malformed(format!("action is {other:?}, and can be stats")).into()),
    }
}

/// What a backup is to hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = CompatibleBackupBody)]
pub(in crate::api) struct CreateBody {
    /// Whether rows of the tables of `user_data` are in it.
    include_user_data: bool,
    /// Whether rows of the tables of `sessions` are in it.
    include_sessions: bool,
    /// Rowkeep compresses all backups, whatever is said here.
    compress: bool,
}

impl Default for CreateBody {
    fn default() -> Self {
        Self { include_user_data: true, include_sessions: false, compress: true }
    }
}

/// Backs up the database that `[compatibility.backup]` names.
#[utoipa::path(post, path = "/api/backup", operation_id = "compatibleBackUp", tag = "compatibility",
    request_body = Option<CreateBody>, responses(
    (status = 200, description = "The backup was made", body = Done),
    (status = 202, description = "It goes on", body = Done),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn create(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
    body: Result<Optional<CreateBody>, Problem>,
) -> Result<Response, Refused> {
    const ACTION: &str = "backup.create";
    let address = address(&service);
    let named = address.as_ref().map(|address| address.database.as_str());
    let (caller, database) = may(&service, caller, Role::Operator, named, ACTION).await?;
    let Optional(CreateBody { include_user_data, include_sessions, compress: _ }) = body?;
    let workspace = service.queue().workspace();
    let config = workspace.config();
    // What the request leaves out is left out besides what the configuration does.
    let mut exclude =
        config.databases.get(database).map_or_else(Vec::new, |known| known.selection.exclude.clone());
    if let Some(address) = &address {
        exclude.extend(address.user_data.iter().filter(|_| !include_user_data).cloned());
        exclude.extend(address.sessions.iter().filter(|_| !include_sessions).cloned());
    }
    let request = BackupRequest { database: Some(database.into()), exclude, ..BackupRequest::default() };
    made(work(&service, &caller, ACTION, Request::Backup(request), database).await?)
}

/// The answer to who asked for a backup.
pub(super) fn made(worked: Worked) -> Result<Response, Refused> {
    let outcome = match worked {
        Worked::GoesOn(job) => return Ok(goes_on(&job)),
        Worked::Done(outcome) => *outcome,
    };
    let Outcome::Backup(outcome) = outcome else {
        return Err(Problem::broken("the job was no backup").into());
    };
    let snapshot = outcome.snapshots.first().ok_or_else(|| Problem::broken("no snapshot was made"))?;
    let message = format!("backed up {} rows of {} tables", snapshot.rows, snapshot.tables);
    let backup_id = Some(snapshot.id.to_string());
    Ok(Json(Done { success: true, backup_id, message }).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct DeleteQuery {
    /// The backup, by its whole id.
    #[param(required = true)]
    id: Option<String>,
}

/// Deletes a backup. One that is held stays.
#[utoipa::path(delete, path = "/api/backup", operation_id = "compatibleDelete", tag = "compatibility", params(DeleteQuery), responses(
    (status = 200, description = "The backup was deleted", body = Done),
    (status = 202, description = "It goes on", body = Done),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn delete(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
    query: Result<Query<DeleteQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    const ACTION: &str = "snapshot.delete";
    let address = address(&service);
    let database = address.as_ref().map(|address| address.database.as_str());
    let (caller, database) = may(&service, caller, Role::Admin, database, ACTION).await?;
    let Query(DeleteQuery { id }) = query?;
    let id = id.ok_or_else(|| Problem::malformed("say which backup is to be deleted: ?id="))?;
    let id = backup_of(&service, database, &id).await?.to_string();
    let request = DeleteRequest { snapshots: vec![id.clone()], plan_only: false };
    match work(&service, &caller, ACTION, Request::Delete(request), database).await? {
        Worked::GoesOn(job) => Ok(goes_on(&job)),
        Worked::Done(_) => {
            let message = format!("backup {id} was deleted");
            Ok(Json(Done { success: true, backup_id: None, message }).into_response())
        }
    }
}
