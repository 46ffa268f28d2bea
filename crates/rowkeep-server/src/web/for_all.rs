//! What is said of all databases: when what is done, and what is kept.

use std::collections::BTreeMap;

use rowkeep::config::{Addition, Subject, Work};
use rowkeep::jobs::keep::{DatabaseKeeping, KeepRequest};
use rowkeep::retention::StatedRules;

use super::additions::{context, may_add};
use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::state::audit;
use crate::state::transaction::Transaction;

/// What the audit calls it.
const CHANGE: &str = "configuration.change";

/// From where something of all databases comes that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `rowkeep.toml` says it.
    File,
    /// It was said on a page.
    Page,
    /// Nobody says anything.
    Nowhere,
}

/// From where what counts of a subject comes: what the file says of it counts instead of what a page said.
pub(crate) fn source(service: &Service, subject: &Subject) -> Source {
    let name = subject.name();
    let shown = service.settings().shown();
    match shown.iter().find(|shown| shown.subject == name) {
        Some(shown) if shown.problem.is_none() => Source::Page,
        _ if is_stated(service, subject) => Source::File,
        _ => Source::Nowhere,
    }
}

fn is_stated(service: &Service, subject: &Subject) -> bool {
    let workspace = service.queue().workspace();
    let config = workspace.config();
    match subject {
        Subject::Schedule => Work::ALL.into_iter().any(|work| config.schedules.of(work).is_some()),
        Subject::Keep => config.keep.is_some(),
        Subject::Repository | Subject::Database(_) => false,
    }
}

async fn set(service: &Service, caller: &Caller, addition: Addition) -> Result<(), Problem> {
    may_add(service, caller, CHANGE).await?;
    let subject = addition.subject().clone();
    let now = service.queue().now();
    let deed = caller.deed(CHANGE, subject.name(), "done");
    let also = move |state: &Transaction<'_>| audit::note(state, now, &deed);
    service.settings().add(service.queue(), addition, caller.0.name.clone(), also).await?;
    Ok(())
}

/// Says when what is done of all databases, in place of what was said before.
pub(crate) async fn set_schedule(
    service: &Service,
    caller: &Caller,
    stated: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    may_add(service, caller, CHANGE).await?;
    if stated.is_empty() {
        return Err(Problem::unprocessable("say when something is done, or take it all back"));
    }
    set(service, caller, Addition::of_schedule(stated)).await
}

/// Says what is kept of all databases, in place of what was said before.
pub(crate) async fn set_keep(
    service: &Service,
    caller: &Caller,
    stated: &StatedRules,
) -> Result<(), Problem> {
    may_add(service, caller, CHANGE).await?;
    stated.rules().map_err(Problem::unprocessable)?;
    set(service, caller, Addition::of_keep(stated).map_err(Problem::unprocessable)?).await
}

/// What would be kept by rules of those databases that have none of their own. Nothing is changed.
pub(crate) async fn preview(
    service: &Service,
    caller: &Caller,
    stated: &StatedRules,
) -> Result<Vec<DatabaseKeeping>, Problem> {
    may_add(service, caller, CHANGE).await?;
    stated.rules().map_err(Problem::unprocessable)?;
    let workspace = service.queue().workspace();
    let request = KeepRequest { rules: stated.clone(), ..KeepRequest::default() };
    let outcome = request.run(&context(service), &workspace).await?;
    let databases = &workspace.config().databases;
    let is_meant = |name: &str| databases.get(name).is_some_and(|database| database.keep.is_none());
    Ok(outcome.databases.into_iter().filter(|kept| is_meant(&kept.database)).collect())
}

/// Takes back what was said of a subject on a page.
pub(crate) async fn take_back(service: &Service, caller: &Caller, subject: &Subject) -> Result<(), Problem> {
    may_add(service, caller, CHANGE).await?;
    let now = service.queue().now();
    let deed = caller.deed(CHANGE, format!("{}, taken back", subject.name()), "done");
    let also = move |state: &Transaction<'_>| audit::note(state, now, &deed);
    match service.settings().remove(service.queue(), subject, also).await? {
        true => Ok(()),
        false => Err(Problem::not_found(format!("nothing was said on a page of {subject}"))),
    }
}
