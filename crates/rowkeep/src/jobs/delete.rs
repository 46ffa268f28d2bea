//! Delete: snapshots go.

use rowkeep_format::SnapshotId;
use rowkeep_repository::{KeptVersions, Repository};
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::caller::{Caller, News, Proposal};
use super::holds::Holds;
use super::outcome::{Deletion, SnapshotSummary};
use super::workspace::Workspace;
use crate::apply::superseded;
use crate::state::snapshots::short_id;
use crate::{Context, Error, RequestError};

/// Which snapshots are to be deleted.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::delete::DeleteRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = DeleteRequest { snapshots: vec!["9f2c41aa".to_owned()], plan_only: false };
/// request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// Ids or their beginnings, or names.
    pub snapshots: Vec<String>,
    /// Whether only the plan is wanted.
    #[serde(default)]
    pub plan_only: bool,
}

/// Which snapshots were to be deleted, and which were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteOutcome {
    /// The snapshots that were meant.
    pub planned: Deletion,
    /// The snapshots that were deleted.
    pub deleted: Deletion,
    /// Those of which the store said so, and which are still there.
    #[serde(default)]
    pub undeleted: Vec<SnapshotId>,
    /// What the bucket keeps of them in older versions, where it does and says so.
    #[serde(default)]
    pub kept: Option<KeptVersions>,
    /// How it ended.
    pub verdict: Verdict,
}

impl DeleteOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl DeleteRequest {
    /// Deletes the snapshots that the caller approves of. All are found before any is deleted, so that a misspelt one
    /// deletes none; one that is held keeps all of them from being deleted.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<DeleteOutcome, Error> {
        workspace.refuse_several()?;
        let repository = workspace.repository().await?;
        let mut ids = Vec::new();
        for reference in &self.snapshots {
            let id = workspace.snapshot_id(context, reference).await?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let catalog = repository.catalog().await?;
        let mut planned = Deletion::default();
        for id in ids {
            match catalog.get(&id) {
                Some(summary) => planned.snapshots.push(SnapshotSummary::from(&**summary)),
                None => planned.unreadable.push(id),
            }
        }
        let holds = Holds::read(repository).await?;
        for id in planned.ids() {
            if let Some(hold) = holds.on(id, context.now()).first() {
                let (snapshot, reason, until) = (short_id(id), hold.reason.clone(), hold.until);
                return Err(RequestError::Held { snapshot, reason, until }.into());
            }
        }
        caller.tell(News::Plan(Proposal::Deletion(&planned)));
        let mut outcome = DeleteOutcome {
            planned,
            deleted: Deletion::default(),
            undeleted: Vec::new(),
            kept: None,
            verdict: Verdict::Done,
        };
        if self.plan_only {
            return Ok(outcome);
        }
        if !caller.approve(Proposal::Deletion(&outcome.planned)).await? {
            outcome.verdict = Verdict::Refused;
            return Ok(outcome);
        }
        outcome.kept = repository.kept_of_snapshots(outcome.planned.ids()).await;
        for id in &outcome.planned.unreadable {
            superseded::delete(repository, id).await?;
            holds.delete_of(repository, *id).await?;
            caller.tell(News::DeletedUnreadable(*id));
            outcome.deleted.unreadable.push(*id);
        }
        for snapshot in &outcome.planned.snapshots {
            superseded::delete(repository, &snapshot.id).await?;
            holds.delete_of(repository, snapshot.id).await?;
            caller.tell(News::Deleted(snapshot));
            outcome.deleted.snapshots.push(snapshot.clone());
        }
        outcome.undeleted = still_there(repository, &mut outcome.deleted).await?;
        if !outcome.undeleted.is_empty() {
            outcome.verdict = Verdict::Failed;
        }
        Ok(outcome)
    }
}

/// Takes out of what was deleted what is still there, and gives that.
pub(super) async fn still_there(
    repository: &Repository,
    deleted: &mut Deletion,
) -> Result<Vec<SnapshotId>, Error> {
    let undeleted = repository.undeleted(&deleted.ids().collect::<Vec<_>>()).await?;
    deleted.snapshots.retain(|snapshot| !undeleted.contains(&snapshot.id));
    deleted.unreadable.retain(|id| !undeleted.contains(id));
    Ok(undeleted)
}
