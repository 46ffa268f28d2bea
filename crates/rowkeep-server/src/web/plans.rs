//! Plans: what is to be changed, who has asked for it, and whether somebody may execute it.

use rowkeep::jobs::apply_plan::ApplyRequest;
use rowkeep::jobs::plans::{self, PlanListing};
use rowkeep::jobs::request::Request;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::state::jobs::author_of;

/// A plan that is kept.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) listing: PlanListing,
    /// Who asked for it, where it was asked for here.
    pub(crate) made_by: Option<String>,
}

impl Planned {
    /// The database that it changes.
    pub(crate) fn database(&self) -> &str {
        &self.listing.plan.database
    }

    /// Whether somebody else than who asked for it has to execute it, and this is not somebody else.
    pub(crate) fn needs_another(&self, service: &Service, caller: &Caller) -> bool {
        let workspace = service.queue().workspace();
        let config = workspace.config();
        let is_wanted = config.databases.get(self.database()).is_some_and(|database| database.second_person);
        is_wanted && self.made_by.as_ref().is_none_or(|made_by| *made_by == caller.0.name)
    }
}

async fn kept(service: &Service) -> Result<plans::Plans, Problem> {
    Ok(plans::list(service.queue().workspace().repository().await?).await?)
}

async fn planned(service: &Service, listing: PlanListing) -> Result<Planned, Problem> {
    let of = listing.id.to_string();
    let made_by = service.queue().state().transaction(move |state| author_of(state, &of)).await?;
    Ok(Planned { listing, made_by })
}

/// The plans that somebody may see, the oldest first, and how many cannot be read.
pub(crate) async fn list(service: &Service, caller: &Caller) -> Result<(Vec<Planned>, u64), Problem> {
    let kept = kept(service).await?;
    let unreadable = kept.unreadable.len() as u64;
    let mut list = Vec::new();
    for listed in kept.listed.into_iter().filter(|listed| caller.0.sees(Some(&listed.plan.database))) {
        list.push(planned(service, listed).await?);
    }
    Ok((list, unreadable))
}

/// One plan for a database that is configured here; others were made elsewhere, and are executed there.
pub(crate) async fn plan(service: &Service, caller: &Caller, id: &str) -> Result<Planned, Problem> {
    let listed = kept(service).await?.listed.into_iter().find(|listed| listed.id.to_string() == id);
    let workspace = service.queue().workspace();
    let config = workspace.config();
    let listed = listed.filter(|listed| {
        let database = &listed.plan.database;
        caller.0.sees(Some(database)) && listed.plan.configured && config.databases.contains_key(database)
    });
    planned(service, listed.ok_or_else(|| Problem::not_found(format!("no plan {id}")))?).await
}

/// The request that executes a plan, by somebody who confirms it with the name of the database.
pub(crate) async fn execution(
    service: &Service,
    caller: &Caller,
    plan: Planned,
    confirmed: &str,
) -> Result<Request, Problem> {
    let id = plan.listing.id.to_string();
    if confirmed != plan.database() {
        return Err(Problem::unprocessable("confirm is not the name of the database that the plan changes"));
    }
    if let Some(executed) = plan.listing.executed {
        return Err(Problem::conflict(format!(
            "the execution of plan {id} was begun at {executed}; make a new one"
        )));
    }
    if plan.needs_another(service, caller) {
        caller.note(service, "plan.execute", id, "refused").await?;
        return Err(Problem::conflict(
            "plans for this database are executed by somebody else than who has asked for them: let another person do it",
        ));
    }
    Ok(Request::Apply(ApplyRequest { plan: id, to: None }))
}
