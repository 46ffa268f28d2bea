//! `/api/admin/backup`: backups are made and listed.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::request::Request;

use super::answers::{Done, NotDone, Refused};
use super::backup::made;
use super::metadata::{BackupList, list as listed};
use super::work::{may, work};
use crate::access::Role;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

fn database(service: &Service) -> Option<String> {
    let workspace = service.queue().workspace();
    let address = workspace.config().compatibility.admin_backup.as_ref();
    address.map(|address| address.database.clone())
}

/// Lists the newest 500 backups of the database that `[compatibility.admin_backup]` names.
#[utoipa::path(get, path = "/api/admin/backup", operation_id = "compatibleAdminBackups", tag = "compatibility", responses(
    (status = 200, description = "The backups, the newest first", body = BackupList),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn list(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
) -> Result<Json<BackupList>, Refused> {
    let named = database(&service);
    let (_, database) = may(&service, caller, Role::Viewer, named.as_deref(), "database.read").await?;
    Ok(Json(listed(&service, database).await?))
}

/// Backs up the database that `[compatibility.admin_backup]` names.
#[utoipa::path(post, path = "/api/admin/backup", operation_id = "compatibleAdminBackUp", tag = "compatibility", responses(
    (status = 200, description = "The backup was made", body = Done),
    (status = 202, description = "It goes on", body = Done),
    (status = "default", description = "Why it was not done", body = NotDone),
))]
pub(in crate::api) async fn create(
    State(service): State<Service>,
    caller: Result<Caller, Problem>,
) -> Result<Response, Refused> {
    const ACTION: &str = "backup.create";
    let named = database(&service);
    let (caller, database) = may(&service, caller, Role::Operator, named.as_deref(), ACTION).await?;
    let request = BackupRequest { database: Some(database.into()), ..BackupRequest::default() };
    made(work(&service, &caller, ACTION, Request::Backup(request), database).await?)
}
