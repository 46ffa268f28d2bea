//! The snapshots of a repository, in short.

use std::sync::Arc;

use futures::StreamExt;
use rowkeep_format::Summary;
use rowkeep_repository::Catalog;
use serde::{Deserialize, Serialize};

use super::holds::Holds;
use super::outcome::{SnapshotSummary, UnreadableSnapshot};
use super::repositories::{RepositoryState, states};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::state::devices;
use crate::state::owner::{Owner, meant, shared_names};
use crate::state::times::doubt;
use crate::{Context, Error};

/// The snapshots of one database or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotsOutcome {
    /// The names that several databases have: their snapshots are told apart by place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_names: Vec<String>,
    /// Those that can be read, the oldest first.
    pub snapshots: Vec<SnapshotSummary>,
    /// Holds that cannot be read, so that nobody can tell which snapshot they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable_holds: Vec<String>,
    /// How several repositories stand to each other; nothing where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<RepositoryState>,
    /// Those of all databases whose manifests are damaged, lost or of a newer format, and those that the ledger has not known for
    /// more than an hour.
    pub unreadable: Vec<UnreadableSnapshot>,
}

impl SnapshotsOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.unreadable.is_empty() && self.unreadable_holds.is_empty() {
            Verdict::Done
        } else {
            Verdict::Differences
        }
    }

    /// The same with the snapshots of one device alone; fails where there are none of it.
    pub fn of_device(mut self, wanted: &str) -> Result<Self, Error> {
        devices::check(wanted, self.snapshots.iter().map(|snapshot| &snapshot.tags))?;
        self.snapshots.retain(|snapshot| devices::device(&snapshot.tags) == Some(wanted));
        Ok(self)
    }
}

/// So many manifests are read although a summary tells of their snapshots.
const LOOKED_AT: usize = 32;

/// Lists the snapshots of one database, by its name or its URL or path, or of all. A name may be that of several.
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
    list_of(workspace, workspace.repository().await?.catalog().await?, database).await
}

/// Does what [`list`] does, by a catalog of the repository that somebody has.
pub async fn list_of(
    workspace: &Workspace,
    mut catalog: Arc<Catalog>,
    database: Option<&str>,
) -> Result<SnapshotsOutcome, Error> {
    let repository = workspace.repository().await?;
    // A summary tells of snapshots that may be damaged since; of the newest that is found out.
    let newest = catalog.snapshots().rev().take(LOOKED_AT).map(|summary| summary.id).collect();
    let mut looking = repository.read_snapshots(newest).boxed();
    while let Some((id, manifest)) = looking.next().await {
        if manifest.is_err() {
            catalog = repository.catalog_after_a_look_at(id).await?;
        }
    }
    let owner = match database {
        Some(name) if catalog.of(Some(name)).next().is_none() => Some(match meant(&catalog, name)? {
            Some(owner) => owner,
            None => Owner::named(name),
        }),
        _ => None,
    };
    // A name that snapshots have is looked for among theirs alone.
    let among = if owner.is_some() { None } else { database };
    let is_meant = |summary: &Summary| owner.as_ref().is_none_or(|owner| owner.owns(summary));
    let (holds, unreadable_holds) = Holds::readable(repository).await?;
    let now = workspace.surroundings().clock.now();
    let mut snapshots = Vec::new();
    for summary in catalog.of(among).filter(|summary| is_meant(summary)) {
        let mut listed = SnapshotSummary::from(&**summary);
        listed.time_doubt = doubt(summary, &catalog, now);
        listed.holds = holds.on(summary.id, now);
        listed.looked_at = summary.suspicious_after.is_some() && holds.is_looked_at(summary.id);
        snapshots.push(listed);
    }
    let unreadable = catalog.unreadable().iter();
    let mut unreadable: Vec<UnreadableSnapshot> = unreadable
        .map(|unreadable| UnreadableSnapshot { id: unreadable.id, error: unreadable.error.to_string() })
        .collect();
    for id in catalog.left() {
        if unreadable.iter().all(|other| other.id != *id) {
            let error = "the ledger does not know it: its backup was killed at the end, or the ledger is lost; the next backup \
                         looks whether it is whole"
                .to_owned();
            unreadable.push(UnreadableSnapshot { id: *id, error });
        }
    }
    let context = Context::silent().with_clock(Arc::clone(&workspace.surroundings().clock));
    Ok(SnapshotsOutcome {
        repositories: states(&context, workspace).await?,
        shared_names: shared_names(&catalog).into_iter().collect(),
        snapshots,
        unreadable,
        unreadable_holds: unreadable_holds.iter().map(|(_, error)| error.in_one_line()).collect(),
    })
}
