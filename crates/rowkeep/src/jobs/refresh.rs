//! Refresh: a database becomes what another one was at its newest backup, masked: staging from production.

use rowkeep_format::Sameness;
use rowkeep_format::manifest::Scope;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::outcome::RestoreOutcome;
use super::restore::RestoreRequest;
use super::workspace::{Masked, Workspace};
use crate::state::snapshots;
use crate::{Context, Error, RequestError};

/// Which database is to be refreshed. The configuration says from which other one, and how.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::refresh::RefreshRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = RefreshRequest { database: "staging".to_owned(), plan_only: false };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// The database, by its configured name.
    pub database: String,
    /// Whether only the plan is wanted.
    #[serde(default)]
    pub plan_only: bool,
}

impl RefreshRequest {
    /// Replaces the database as a whole by the newest snapshot of the other one that holds all of it unmasked, and proves it by hash.
    ///
    /// The database is as it was until everything is there. Refuses where both turn out to be one database.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<RestoreOutcome, Error> {
        let to = workspace.configured(&self.database)?;
        let configured = workspace.config().databases.get(&self.database);
        let Some(refresh) = configured.and_then(|database| database.refresh.as_ref()) else {
            return Err(RequestError::NoRefresh { database: self.database.clone() }.into());
        };
        let repository = workspace.repository().await?;
        let owner = workspace.owner(&refresh.from, &*repository.catalog().await?)?;
        let (kept, _) = snapshots::readable(repository, Some(&owner)).await?;
        let newest = kept
            .iter()
            .rfind(|snapshot| snapshot.manifest.scope == Scope::Full && !snapshot.manifest.is_masked());
        let Some(newest) = newest else {
            return Err(RequestError::NothingToRefreshFrom { database: refresh.from.clone() }.into());
        };
        let (taken, there) = (newest.manifest.identity.as_ref(), to.owner().await.identity);
        if let Some((taken, there)) = taken.zip(there.as_ref())
            && taken.compare(there) == Sameness::Same
        {
            let (database, from) = (self.database.clone(), refresh.from.clone());
            return Err(RequestError::RefreshOfItself { database, from, place: there.place.clone() }.into());
        }
        let request = RestoreRequest {
            to: Some(self.database.as_str().into()),
            with_schema: true,
            plan_only: self.plan_only,
            safety: refresh.safety,
            end_connections: refresh.end_connections,
            mask: refresh.mask.then_some(Masked::Configured),
            ..RestoreRequest::of(newest.id.to_string())
        };
        request.run(context, workspace, caller).await
    }
}
