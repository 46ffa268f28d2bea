//! What a writer finds when it starts: what is stored, and what a killed process left undone.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};

use super::doubted;
use crate::index::Packs;
use crate::ledger::{self, Entry};
use crate::listings::{Folder, Listing};
use crate::objects::{Listed, PACKS};
use crate::pack::{PackRecord, pack_id_of, read_record};
use crate::{Error, Repository, Result, slot_objects};

/// How many packs are opened at the same time.
const AT_ONCE: usize = 8;

/// Brings the index up to date, compares it with the packs that are there, and completes the ledger.
///
/// Gives packs that are there but in no index object, and that nobody is deleting: what a killed prune left is known as well, so
/// that the next one can end it, but no index object is to name them again.
pub(crate) async fn find(repository: &Repository) -> Result<Vec<PackRecord>> {
    let folders = [Folder::Prune, Folder::Index, Folder::Packs, Folder::Keys, Folder::Ledger];
    let [prune, index, packs, keys, ledger] = repository.listings().get(folders).await?;
    let shared = repository.index();
    repository.record_reader().begin(&prune.objects);
    repository.prune_records().await?;
    shared.update(&index).await?;
    let packs = compare(repository, &packs).await?.sizes;

    let (objects, sealer) = (repository.objects(), repository.sealer());
    let (current, doomed) = (shared.current(), shared.doomed());
    let unknown: Vec<_> = packs.into_iter().filter(|(id, _)| current.number(id).is_none()).collect();
    let mut unindexed: Vec<PackRecord> = futures::stream::iter(unknown)
        .map(|(id, size)| async move { usable(read_record(objects, sealer, id, size).await) })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|record| async move { Ok::<_, Error>(record) })
        .try_collect()
        .await?;
    shared.found(&unindexed).await;
    unindexed.retain(|record| !doomed.contains(&record.id));
    unindexed.extend(without_name(repository, &unindexed).await?);
    let entries = ledger.objects.iter().filter_map(Entry::parse);
    let doubted = entries.filter_map(|entry| match entry {
        Entry::Doubt(pack) => Some(pack),
        Entry::Snapshot(_) | Entry::KeySlot(_) | Entry::Incomplete(_) => None,
    });
    doubted::examine(repository, doubted.collect::<Vec<_>>()).await?;
    if repository.is_new_ledger(&ledger) {
        complete_ledger(repository, &keys, &ledger).await?;
    }
    Ok(unindexed)
}

/// Takes note of the packs that are gone, and gives those that are there with their sizes.
async fn compare(repository: &Repository, listing: &Listing) -> Result<Packs> {
    let packs = |objects: &[Listed], began| {
        let sizes = objects.iter().filter_map(|object| Some((pack_id_of(object)?, object.bytes))).collect();
        Packs { sizes, began }
    };
    let index = repository.index();
    let mut there = packs(&listing.objects, listing.began);
    if !index.missing_in(&there).await.is_empty() {
        // Looked for once more: a store that lists in no order may have come by before a pack whose index object it met.
        let began = repository.listings().moment();
        there = packs(&repository.objects().list(PACKS).await?, began);
        for pack in index.missing_in(&there).await {
            tracing::warn!(%pack, "a pack is missing or has another size: its chunks are stored again");
        }
    }
    index.compare_with(&there).await;
    Ok(there)
}

/// Packs that the index knows although no index object names them any more, or none does yet.
async fn without_name(repository: &Repository, beside: &[PackRecord]) -> Result<Vec<PackRecord>> {
    let mut records = Vec::new();
    for (pack, record) in repository.index().current().without_name() {
        if beside.iter().any(|record| record.id == pack.id) {
            continue;
        }
        let record = match record {
            Some(record) => Ok(record),
            None => read_record(repository.objects(), repository.sealer(), pack.id, pack.size).await,
        };
        records.extend(usable(record)?);
    }
    Ok(records)
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

/// Records key slots whose writers were killed before they could. Snapshots have to be looked at first.
async fn complete_ledger(repository: &Repository, keys: &Listing, ledger: &Listing) -> Result<()> {
    let objects = repository.objects();
    let recorded: BTreeSet<Entry> = ledger.objects.iter().filter_map(Entry::parse).collect();
    for id in keys.objects.iter().filter_map(slot_objects::id_of) {
        let entry = Entry::KeySlot(id);
        // A slot of another repository was never one of ours.
        if !recorded.contains(&entry) && slot_objects::belongs(objects, id, &repository.id()).await? {
            ledger::repair(objects, entry).await?;
        }
    }
    Ok(())
}
