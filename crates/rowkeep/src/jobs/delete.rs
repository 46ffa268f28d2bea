//! Delete: snapshots go.

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::caller::{Caller, News};
use super::outcome::SnapshotSummary;
use super::workspace::Workspace;
use crate::Error;
use crate::state::snapshots;

/// Which snapshots are to be deleted.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::delete::DeleteRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = DeleteRequest { snapshots: vec!["9f2c41aa".to_owned()] };
/// request.run(workspace, &Unattended).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// Ids or their beginnings, or names.
    pub snapshots: Vec<String>,
}

/// Which snapshots were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteOutcome {
    /// The snapshots.
    pub deleted: Vec<SnapshotSummary>,
}

impl DeleteOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        Verdict::Done
    }
}

impl DeleteRequest {
    /// Deletes the snapshots. All are found before any is deleted, so that a misspelt one deletes none.
    pub async fn run(&self, workspace: &Workspace, caller: &dyn Caller) -> Result<DeleteOutcome, Error> {
        let repository = workspace.repository().await?;
        let mut found = Vec::new();
        for reference in &self.snapshots {
            let snapshot = SnapshotSummary::of(&snapshots::find(repository, reference).await?);
            if !found.contains(&snapshot) {
                found.push(snapshot);
            }
        }
        for snapshot in &found {
            repository.delete_snapshot(&snapshot.id).await?;
            caller.tell(News::Deleted(snapshot));
        }
        Ok(DeleteOutcome { deleted: found })
    }
}
