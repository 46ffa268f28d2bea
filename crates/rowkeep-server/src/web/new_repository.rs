//! The repository of a service that has none yet.

use std::sync::Arc;

use rowkeep::RequestError;
use rowkeep::config::Addition;
use rowkeep::jobs::probe::ProbeRequest;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::{StoreFinding, StoreLevel};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use super::additions::{context, may_add};
use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::state::audit;
use crate::state::transaction::Transaction;

/// The fewest characters of a passphrase: whoever has the repository may try as many as he likes.
pub(crate) const SHORTEST: usize = 12;

/// What a service without a repository lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// Nothing: it has one.
    Nothing,
    /// A place: what it was started with opens the repository.
    Place,
    /// A place and a passphrase.
    PlaceAndPassphrase,
}

/// What the service lacks to back up anything.
pub(crate) async fn lacks(service: &Service) -> Lacks {
    let workspace = service.queue().workspace();
    match (workspace.is_located() || service.queue().usable().await.is_ok(), workspace.has_secret()) {
        (true, _) => Lacks::Nothing,
        (false, true) => Lacks::Place,
        (false, false) => Lacks::PlaceAndPassphrase,
    }
}

/// Makes the repository, encrypted, and goes on with it; one that is there already has to open with the same passphrase. What was found
/// of its store.
pub(crate) async fn make_repository(
    service: &Service,
    caller: &Caller,
    location: &str,
    passphrase: Option<SecretString>,
) -> Result<Vec<StoreFinding>, Problem> {
    may_add(service, caller, "repository.create").await?;
    let lacks = lacks(service).await;
    let passphrase = match (lacks, passphrase) {
        (Lacks::Nothing, _) => return Err(Problem::conflict("there is a repository already")),
        (Lacks::Place, None) => None,
        (Lacks::Place, Some(_)) => {
            return Err(Problem::unprocessable(
                "the service was started with what opens the repository: leave the passphrase out",
            ));
        }
        (Lacks::PlaceAndPassphrase, Some(chosen)) if chosen.expose_secret().chars().count() >= SHORTEST => {
            Some(chosen)
        }
        (Lacks::PlaceAndPassphrase, _) => {
            return Err(Problem::unprocessable(format!("the passphrase has at least {SHORTEST} characters")));
        }
    };
    if location.is_empty() {
        return Err(Problem::unprocessable("say where the repository is to be"));
    }
    let addition = Addition::of_repository(location, passphrase.as_ref());
    let workspace = service.settings().tried(&addition)?;
    let (making, runtime) = (Arc::clone(&workspace), Handle::current());
    let context = context(service);
    // Not all that is waited for can go from thread to thread.
    let made = tokio::task::spawn_blocking(move || {
        runtime.block_on(async { made_or_there(&context, &making).await })
    });
    let findings = made.await.map_err(|_| Problem::broken("it broke off by a fault of rowkeep's"))??;
    let now = service.queue().now();
    let deed = caller.deed("repository.create", addition.place(), "done");
    let also = move |state: &Transaction<'_>| audit::note(state, now, &deed);
    service.settings().add(service.queue(), addition, caller.0.name.clone(), also).await?;
    workspace.settle().await;
    Ok(findings)
}

/// Tries the store, and makes the repository in it, where there is none.
async fn made_or_there(
    context: &rowkeep::Context,
    workspace: &Workspace,
) -> Result<Vec<StoreFinding>, Problem> {
    match workspace.repository().await {
        Ok(_) => {}
        Err(rowkeep::Error::Request(RequestError::NoRepository { .. })) => {
            workspace.init(false, None).await?;
        }
        Err(error) => return Err(error.into()),
    }
    let probed = ProbeRequest::default().run(context, workspace).await?;
    match probed.report.findings.iter().find(|finding| finding.level == StoreLevel::Error) {
        Some(wrong) => Err(Problem::unprocessable(format!(
            "no repository can be there: {}: {}; choose another place",
            wrong.what, wrong.seen
        ))),
        None => Ok(probed.report.findings),
    }
}
