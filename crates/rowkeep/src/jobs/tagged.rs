//! Snapshots by a tag, in every repository: what somebody put away with them is found again.

use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::workspace::Workspace;
use crate::Error;
use crate::config::SERVICE_DATABASE;

/// A snapshot that has a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaggedSnapshot {
    /// The snapshot.
    pub id: SnapshotId,
    /// The database that it is of.
    pub database: String,
    /// The name of the repository, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What the tag says.
    pub value: String,
}

/// A repository that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRepository {
    /// Its name where there are several, else where it is.
    pub repository: String,
    /// Why not.
    pub error: String,
}

/// Snapshots that have a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaggedOutcome {
    /// The snapshots, those of each repository together, the oldest first.
    pub snapshots: Vec<TaggedSnapshot>,
    /// The repositories that could not be looked at.
    pub unreadable: Vec<UnreadableRepository>,
}

/// Finds the snapshots that have a tag, of the databases that are configured and of the service, or of all where none is.
///
/// ```no_run
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) {
/// for snapshot in rowkeep::jobs::tagged::tagged(workspace, "release").await.snapshots {
///     assert!(!snapshot.value.is_empty(), "{} has the tag", snapshot.id);
/// }
/// # }
/// ```
pub async fn tagged(workspace: &Workspace, tag: &str) -> TaggedOutcome {
    let mut outcome = TaggedOutcome::default();
    let first = look(workspace, None, tag).await;
    // Which of several it is, is known when it is open.
    let name = workspace.answering().map(str::to_owned);
    match first {
        Ok(found) => {
            let named = found.into_iter().map(|one| TaggedSnapshot { repository: name.clone(), ..one });
            outcome.snapshots.extend(named);
        }
        Err(error) => outcome.unreadable.push(UnreadableRepository {
            repository: name.unwrap_or_else(|| workspace.shown_location()),
            error: error.in_one_line(),
        }),
    }
    for (name, other) in workspace.others() {
        match look(other, Some(name), tag).await {
            Ok(found) => outcome.snapshots.extend(found),
            Err(error) => outcome
                .unreadable
                .push(UnreadableRepository { repository: name.to_owned(), error: error.in_one_line() }),
        }
    }
    outcome
}

async fn look(
    workspace: &Workspace,
    repository_name: Option<&str>,
    tag: &str,
) -> Result<Vec<TaggedSnapshot>, Error> {
    let repository = workspace.repository().await?;
    // A folder that is not mounted has no snapshots, and is not the repository.
    repository.still_there().await?;
    let catalog = repository.catalog().await?;
    let databases = &workspace.config().databases;
    let is_meant =
        |name: &str| databases.is_empty() || databases.contains_key(name) || name == SERVICE_DATABASE;
    let meant = catalog.snapshots().filter(|summary| is_meant(&summary.database));
    let tagged = meant.filter_map(|summary| {
        Some(TaggedSnapshot {
            id: summary.id,
            database: summary.database.to_string(),
            repository: repository_name.map(str::to_owned),
            value: summary.tags.get(tag)?.clone(),
        })
    });
    Ok(tagged.collect())
}
