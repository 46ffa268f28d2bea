//! Databases that are made again from the newest backup of another one: what the API and the pages do alike.

use rowkeep::config::{Refresh, Work};
use rowkeep::jobs::refresh::RefreshRequest;
use rowkeep::jobs::request::Request;

use super::guard::Caller;
use super::names::known;
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;
use crate::state::jobs::{self, Job, TELLING};

/// What the audit calls it.
pub(crate) const REFRESH: &str = "refresh.execute";

/// From which other database one is made again, if it is.
pub(crate) fn described(service: &Service, database: &str) -> Option<Refresh> {
    service.queue().workspace().config().databases.get(database)?.refresh.clone()
}

/// The request that replaces a database, by somebody who may, and who confirms it with its name.
pub(crate) async fn request(
    service: &Service,
    caller: &Caller,
    database: &str,
    confirmed: &str,
) -> Result<Request, Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Restorer, Some(database), REFRESH).await?;
    if described(service, database).is_none() {
        return Err(Problem::conflict(format!(
            "nothing says from which database {database} is refreshed: write it in [databases.{database}.refresh] of rowkeep.toml"
        )));
    }
    if confirmed != database {
        return Err(Problem::unprocessable(format!(
            "confirm has to be the name of the database that is replaced, {database}; nothing was changed"
        )));
    }
    let workspace = service.queue().workspace();
    let needs_two = workspace.config().databases.get(database).is_some_and(|known| known.second_person);
    if needs_two {
        caller.note(service, REFRESH, database.to_owned(), "refused").await?;
        return Err(Problem::conflict(format!(
            "what changes {database} needs a second person, and a refresh has none: let a schedule do it, or run rowkeep refresh where the service runs"
        )));
    }
    Ok(Request::Refresh(RefreshRequest { database: database.to_owned(), plan_only: false }))
}

/// The refresh of a database that ended last, and the one that waits or is being done.
pub(crate) async fn last(service: &Service, database: &str) -> Result<(Option<Job>, Option<Job>), Problem> {
    let of = database.to_owned();
    let found = service.queue().state().transaction(move |state| {
        let ended = jobs::last_of(state, Work::Refresh.name(), Some(&of), &TELLING)?;
        Ok((ended, jobs::pending(state, Work::Refresh.name(), &of)?))
    });
    Ok(found.await?)
}
