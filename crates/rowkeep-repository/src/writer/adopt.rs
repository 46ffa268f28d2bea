//! What a writer finds when it starts: what is stored, and what a killed process left undone.

use futures::{StreamExt, TryStreamExt};

use crate::index::{self, Index};
use crate::ledger::{self, Entry};
use crate::objects::{KEYS, SNAPSHOTS};
use crate::pack::PackRecord;
use crate::pack::{list_packs, read_record};
use crate::{Error, Repository, Result, slot_objects, snapshots};

/// How many packs are opened at the same time.
const AT_ONCE: usize = 8;

/// What is stored.
pub(super) struct Found {
    pub(super) index: Index,
    /// Packs that are in `index` but in no index object.
    pub(super) unindexed: Vec<PackRecord>,
}

/// Looks what is stored, and completes the ledger.
pub(super) async fn find(repository: &Repository) -> Result<Found> {
    let (objects, sealer) = (repository.objects(), repository.sealer());
    // The index first: a pack written in between is then found in the list, and not missed.
    let mut builder = index::load(objects, sealer).await?.builder;
    let listed = list_packs(objects).await?;
    builder.keep_chunks_of(|pack| {
        let there = listed.get(&pack.id) == Some(&pack.size);
        if !there {
            tracing::warn!(pack = %pack.id, "a pack is missing or has another size: its chunks are stored again");
        }
        there
    });

    let unknown: Vec<_> = listed.into_iter().filter(|(id, _)| !builder.has(id)).collect();
    let unindexed: Vec<PackRecord> = futures::stream::iter(unknown)
        .map(|(id, size)| async move { usable(read_record(objects, sealer, id, size).await) })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|record| async move { Ok::<_, Error>(record) })
        .try_collect()
        .await?;
    unindexed.iter().for_each(|pack| builder.add(pack));
    complete_ledger(repository).await?;
    Ok(Found { index: builder.finish(), unindexed })
}

/// Leaves out a pack that cannot be used; fails if the store does.
fn usable(outcome: Result<PackRecord>) -> Result<Option<PackRecord>> {
    match outcome {
        Ok(record) => Ok(Some(record)),
        Err(error @ (Error::Damaged { .. } | Error::Missing { .. } | Error::NewerFormat { .. })) => {
            tracing::warn!(%error, "a pack that no index object names is left alone");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Records snapshots and key slots whose writers were killed before they could.
async fn complete_ledger(repository: &Repository) -> Result<()> {
    let objects = repository.objects();
    let slots = objects.list(KEYS).await?;
    let snapshots = objects.list(SNAPSHOTS).await?;
    let recorded = ledger::entries(objects).await?;

    for id in slots.iter().filter_map(slot_objects::id_of) {
        let entry = Entry::KeySlot(id);
        // A slot of another repository was never one of ours.
        if !recorded.contains(&entry) && slot_objects::belongs(objects, id, &repository.id()).await? {
            ledger::repair(objects, entry).await?;
        }
    }
    for id in snapshots.iter().filter_map(snapshots::id_of) {
        let entry = Entry::Snapshot(id);
        if recorded.contains(&entry) {
            continue;
        }
        match repository.read_snapshot(&id).await {
            Ok(_) => ledger::repair(objects, entry).await?,
            Err(Error::Damaged { .. } | Error::Missing { .. } | Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
