//! What cannot be undone, because nothing was kept before it: undo must not take it for what was done before.

use std::sync::Arc;

use rowkeep_format::{Sameness, SnapshotId, Summary};
use rowkeep_repository::{ErrorKind, Repository};

use crate::state::owner::Owner;
use crate::state::snapshots::short_id;
use crate::{Context, Error};

/// Enters into the ledger that a snapshot was restored into a database and nothing kept of what was there before.
///
/// Where nothing could be undone before, nothing needs to be entered. What cannot be entered is said, and fails nothing: the
/// database is what it was to become.
pub(crate) async fn enter_superseded(
    context: &Context,
    repository: &Repository,
    owner: &Owner,
    restored: SnapshotId,
) {
    let entering = async {
        let catalog = repository.catalog().await?;
        let is_its = |summary: &Summary| summary.is_safety() && owner.sameness(summary) != Sameness::Other;
        match catalog.snapshots().rfind(|summary| is_its(summary)) {
            Some(last) => repository.record_superseded(&last.id, &restored).await,
            None => Ok(()),
        }
    };
    if let Err(error) = entering.await {
        context.warn(format!(
            "it is not recorded that snapshot {} was restored without a safety snapshot, and undo would undo what was done \
             before: {error}",
            short_id(restored)
        ));
    }
}

/// Deletes a snapshot. What it says of something that was done later and cannot be undone, the safety snapshot before it says from then
/// on, so that undo does not take what was done earlier still for the last.
pub(crate) async fn delete(repository: &Repository, id: &SnapshotId) -> Result<(), Error> {
    let superseded = match repository.superseded_by(id).await {
        // It says nothing that anybody could read.
        Err(error) if error.kind() == ErrorKind::Damaged => None,
        found => found?,
    };
    if let Some(restored) = superseded {
        let catalog = repository.catalog().await?;
        if let Some(going) = catalog.get(id) {
            let owner =
                Owner { name: going.database.to_string(), identity: going.identity.as_deref().cloned() };
            let earlier = catalog.snapshots().take_while(|summary| summary.id != *id);
            let is_its =
                |summary: &&Arc<Summary>| summary.is_safety() && owner.sameness(summary) != Sameness::Other;
            if let Some(last) = earlier.filter(is_its).last() {
                repository.record_superseded(&last.id, &restored).await?;
            }
        }
    }
    Ok(repository.delete_snapshot(id).await?)
}

/// Fails when something was done after what a safety snapshot was taken for that cannot be undone.
pub(super) async fn refuse_superseded(
    repository: &Repository,
    owner: &Owner,
    safety: &Summary,
) -> Result<(), Error> {
    let Some(restored) = repository.superseded_by(&safety.id).await? else { return Ok(()) };
    let (database, safety) = (owner.name.clone(), (restored != safety.id).then(|| short_id(safety.id)));
    Err(Error::Superseded { database, restored: short_id(restored), safety })
}
