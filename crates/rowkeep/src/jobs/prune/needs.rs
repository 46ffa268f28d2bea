//! What the snapshots and plans of a repository need.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::StreamExt;
use rowkeep_format::{Manifest, SnapshotId};
use rowkeep_repository::{ErrorKind as RepositoryKind, Needed, Needs, Reader, Repository, Roots};

use crate::jobs::plans::{self, Action};
use crate::state::needs::{visit_changes, visit_snapshot};
use crate::{Error, ErrorKind};

/// Knows what the snapshots and plans of a repository need.
pub(super) struct AllNeeds<'a> {
    pub(super) repository: &'a Repository,
    /// Snapshots that are going, so that nothing is needed for them.
    pub(super) going: BTreeSet<SnapshotId>,
}

#[async_trait]
impl Needs for AllNeeds<'_> {
    type Error = Error;

    async fn find(&self, reader: &Reader, roots: Roots, needed: &mut Needed) -> Result<(), Error> {
        // Of these, what is left is kept.
        let incomplete = self.repository.incomplete_snapshots().await?;
        let staying: Vec<SnapshotId> =
            roots.snapshots.into_iter().filter(|id| !self.going.contains(id)).collect();
        let mut manifests = self.repository.read_snapshots(staying).boxed();
        while let Some((id, outcome)) = manifests.next().await {
            let json = match outcome {
                Ok(json) => json,
                // Deleted since it was listed.
                Err(error) if error.kind() == RepositoryKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let manifest = Manifest::from_json(&json).map_err(Error::content(format!("snapshot {id}")))?;
            match visit_snapshot(reader, &manifest, &mut |chunk| needed.add(chunk)).await {
                Err(error) if incomplete.contains(&id) && error.kind() == ErrorKind::Damage => {}
                outcome => outcome?,
            }
        }
        for id in roots.plans {
            match plans::read(self.repository, id).await {
                Ok(plan) => {
                    if let Action::Rows { changes, .. } = plan.action {
                        visit_changes(reader, changes, &mut |chunk| needed.add(chunk)).await?;
                    }
                }
                Err(error) if plans::is_deleted(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
