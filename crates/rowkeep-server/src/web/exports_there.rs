//! The exports that are there: listed for who may see them, and deleted before their time.

use super::exports::{ExportView, show};
use super::guard::Caller;
use super::names::known;
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;

/// What the audit calls it when one is deleted.
const DELETE: &str = "export.delete";

fn unreadable(error: &std::io::Error) -> Problem {
    tracing::error!("the folder of exports cannot be used: {error}");
    Problem::broken("the folder of exports cannot be used; the log of the service says why")
}

/// The exports of which there are files, or will be, the newest first.
pub(crate) async fn list(service: &Service, caller: &Caller) -> Result<Vec<ExportView>, Problem> {
    let queue = service.queue();
    let mut found = Vec::new();
    for id in queue.export_files().ids().map_err(|error| unreadable(&error))? {
        // What a kill has left goes by itself, and is nobody's.
        let Some(job) = queue.job(&id).await? else { continue };
        let Some(database) = job.database.as_deref() else { continue };
        let is_configured = queue.workspace().config().databases.contains_key(database);
        if !is_configured || !caller.0.sees(Some(database)) {
            continue;
        }
        let export = show(service, caller, database, &id).await?;
        if !export.state.is_over() || !export.files.is_empty() {
            found.push(export);
        }
    }
    found.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    Ok(found)
}

/// Deletes the files of an export, which is noted.
pub(crate) async fn delete(
    service: &Service,
    caller: &Caller,
    database: &str,
    id: &str,
) -> Result<(), Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Restorer, Some(database), DELETE).await?;
    let export = show(service, caller, database, id).await?;
    if !export.state.is_over() {
        return Err(Problem::conflict(format!("export {id} is being written: stop its job first")));
    }
    if export.files.is_empty() {
        return Err(Problem::not_found(format!("there are no files of export {id}")));
    }
    // Noted first: what is gone without a note would be worse than a note of what is still there.
    caller.note(service, DELETE, format!("{database}: {id}"), "done").await?;
    service.queue().export_files().remove(id).map_err(|error| unreadable(&error))
}
