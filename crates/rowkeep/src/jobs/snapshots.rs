//! The snapshots of a repository, in short.

use super::outcome::SnapshotSummary;
use super::workspace::Workspace;
use crate::Error;
use crate::state::snapshots;

/// All snapshots, of one database or of all, the oldest first.
///
/// ```no_run
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// for snapshot in rowkeep::jobs::snapshots::list(workspace, Some("shop")).await? {
///     assert_eq!(snapshot.database, "shop");
/// }
/// # Ok(())
/// # }
/// ```
pub async fn list(workspace: &Workspace, database: Option<&str>) -> Result<Vec<SnapshotSummary>, Error> {
    let all = snapshots::list(workspace.repository().await?, database).await?;
    Ok(all.iter().map(SnapshotSummary::of).collect())
}
