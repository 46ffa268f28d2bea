//! The snapshots of a repository, in short.

use serde::{Deserialize, Serialize};

use super::outcome::{SnapshotSummary, UnreadableSnapshot};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::Error;

/// The snapshots of one database or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotsOutcome {
    /// Those that can be read, the oldest first.
    pub snapshots: Vec<SnapshotSummary>,
    /// Those of all databases whose manifests are damaged, lost or of a newer format.
    pub unreadable: Vec<UnreadableSnapshot>,
}

impl SnapshotsOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.unreadable.is_empty() { Verdict::Done } else { Verdict::Differences }
    }
}

/// Lists the snapshots of one database or of all.
///
/// ```no_run
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// for snapshot in rowkeep::jobs::snapshots::list(workspace, Some("shop")).await?.snapshots {
///     assert_eq!(snapshot.database, "shop");
/// }
/// # Ok(())
/// # }
/// ```
pub async fn list(workspace: &Workspace, database: Option<&str>) -> Result<SnapshotsOutcome, Error> {
    let catalog = workspace.repository().await?.catalog().await?;
    let unreadable = catalog.unreadable().iter();
    let unreadable = unreadable
        .map(|unreadable| UnreadableSnapshot { id: unreadable.id, error: unreadable.error.to_string() });
    Ok(SnapshotsOutcome {
        snapshots: catalog.of(database).map(|summary| SnapshotSummary::from(&**summary)).collect(),
        unreadable: unreadable.collect(),
    })
}
