//! Prune: snapshots that the rules keep no more go, and the space that no snapshot needs comes back.

mod needs;

use std::collections::BTreeSet;
use std::time::Duration;

use rowkeep_format::SnapshotId;
use rowkeep_repository::{PruneOptions, PruneReport, Repository};
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News, Proposal};
use super::delete::still_there;
use super::holds::Holds;
use super::keep::KeepRequest;
use super::outcome::Deletion;
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::apply::superseded;
use crate::durations::seconds;
use crate::retention::StatedRules;
use crate::state::needs::complete_left;
use crate::{Context, Error, Event, RequestError};
use needs::AllNeeds;

/// By which rules and how a repository is to be pruned.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::prune::PruneRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let outcome = PruneRequest::default().run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.space.undeleted.packs, 0, "the store has deleted what it said");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneRequest {
    /// The rules; as configured when empty.
    pub rules: StatedRules,
    /// How many bytes may be stored again so that more space comes back; any number when not given.
    pub max_repack: Option<u64>,
    /// How long what nobody needs stays after it was marked, such as `24h`, which it is when not given.
    pub grace: Option<String>,
    /// Whether only the plan is wanted.
    pub plan_only: bool,
    /// Which of several repositories is meant, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// What a prune was to do, and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneOutcome {
    /// The snapshots that the rules keep no more.
    pub planned: Deletion,
    /// The snapshots that were deleted.
    pub deleted: Deletion,
    /// Those of which the store said so, and which are still there.
    #[serde(default)]
    pub undeleted: Vec<SnapshotId>,
    /// What became of the space, or would become.
    pub space: PruneReport,
    /// Whether only the plan was wanted.
    pub plan_only: bool,
    /// How it ended.
    pub verdict: Verdict,
}

impl PruneOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl PruneRequest {
    /// Deletes the snapshots that the caller approves of and that no rule keeps, then packs that nobody has needed for as long as
    /// the grace period, and marks those that nobody needs now.
    ///
    /// No pack is deleted or marked where a snapshot is damaged, for nobody could tell what it needs.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<PruneOutcome, Error> {
        let workspace = workspace.of_repository(self.repository.as_deref())?;
        let options = self.options()?;
        let keeping = KeepRequest { rules: self.rules.clone(), ..KeepRequest::default() };
        let keeping = keeping.told(context, workspace, |decision| !decision.is_kept()).await?;
        let repository = workspace.repository().await?;
        let all = keeping.databases.into_iter().flat_map(|database| database.snapshots);
        let expired = all.filter(|one| !one.decision.is_kept()).map(|one| one.summary);
        let planned = Deletion { snapshots: expired.collect(), ..Deletion::default() };
        if !planned.snapshots.is_empty() {
            caller.tell(News::Plan(Proposal::Deletion(&planned)));
        }
        let mut outcome = PruneOutcome {
            planned,
            deleted: Deletion::default(),
            undeleted: Vec::new(),
            space: PruneReport::default(),
            plan_only: self.plan_only,
            verdict: Verdict::Done,
        };
        let going: BTreeSet<SnapshotId> = outcome.planned.ids().collect();
        let mut needs = AllNeeds { repository, going };
        if self.plan_only {
            forget_catalog(context, repository).await;
            outcome.space = repository.prune(&options, &needs).await?;
            return Ok(outcome);
        }
        if !needs.going.is_empty() && !caller.approve(Proposal::Deletion(&outcome.planned)).await? {
            outcome.verdict = Verdict::Refused;
            return Ok(outcome);
        }
        complete_left(context, repository).await?;
        // Somebody may hold one since the plan was made.
        let holds = Holds::read(repository).await?;
        for snapshot in outcome.planned.snapshots.clone() {
            if !holds.on(snapshot.id, context.now()).is_empty() {
                continue;
            }
            superseded::delete(repository, &snapshot.id).await?;
            holds.delete_of(repository, snapshot.id).await?;
            caller.tell(News::Deleted(&snapshot));
            outcome.deleted.snapshots.push(snapshot);
        }
        outcome.undeleted = still_there(repository, &mut outcome.deleted).await?;
        needs.going.clear();
        forget_catalog(context, repository).await;
        outcome.space = repository.prune(&options, &needs).await?;
        if outcome.space.undeleted.packs > 0 || !outcome.undeleted.is_empty() {
            outcome.verdict = Verdict::Failed;
        }
        Ok(outcome)
    }

    fn options(&self) -> Result<PruneOptions, Error> {
        let mut options =
            PruneOptions { max_repack: self.max_repack, dry_run: self.plan_only, ..PruneOptions::default() };
        if let Some(grace) = &self.grace {
            let length = seconds(grace).map_err(|problem| RequestError::Grace { problem })?;
            options.grace = Duration::from_secs(length);
        }
        Ok(options)
    }
}

/// What the snapshots are and where the chunks are is not needed at the same time, and each of them may be much.
async fn forget_catalog(context: &Context, repository: &Repository) {
    repository.forget_catalog().await;
    context.observe(Event::Freed);
}
