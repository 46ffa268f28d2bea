//! Packs that somebody doubted: what can still be read of them.

use std::sync::Arc;

use bytes::Bytes;
use rowkeep_format::ids::{ChunkId, PackId};

use crate::header::PACK;
use crate::index::{Index, PackNumber};
use crate::pack::{MAX_PACK_BYTES, PackRecord, frame, with_offsets};
use crate::seal::Sealer;
use crate::{ContentKeys, Error, Repository, Result, objects};

/// Reads doubted packs as a whole, and takes note of the chunks that cannot be read.
pub(crate) async fn examine(
    repository: &Repository,
    doubted: impl IntoIterator<Item = PackId>,
) -> Result<()> {
    for id in doubted {
        let index = repository.index().current();
        if let Some(number) = index.number(&id) {
            let chunks = unreadable(repository, &index, number).await?;
            repository.index().found_unreadable(number, chunks).await;
        }
    }
    Ok(())
}

/// The chunks that cannot be read from a pack.
pub(crate) async fn unreadable(
    repository: &Repository,
    index: &Index,
    number: PackNumber,
) -> Result<Vec<ChunkId>> {
    // What is a difference to another chunk is found out when it is read.
    let records = index.records(std::iter::once(number)).into_iter();
    let Some(record) = records.filter_map(|(_, record)| record).next() else { return Ok(Vec::new()) };
    let file = match repository.objects().find(&objects::pack(&record.id), MAX_PACK_BYTES).await {
        Ok(file) => file.unwrap_or_default(),
        Err(Error::Damaged { .. }) => Bytes::new(),
        Err(error) => return Err(error),
    };
    let (sealer, keys) = (Arc::clone(repository.sealer()), repository.content_keys().clone());
    let examining = tokio::task::spawn_blocking(move || unreadable_in(&sealer, &keys, &record, &file));
    examining.await.map_err(|_| Error::System("examining a pack"))?
}

fn unreadable_in(
    sealer: &Sealer,
    keys: &ContentKeys,
    record: &PackRecord,
    file: &[u8],
) -> Result<Vec<ChunkId>> {
    if blake3::hash(file).as_bytes() == &record.id.0 {
        return Ok(Vec::new());
    }
    let sealer = sealer.object(PACK, &record.salt)?;
    let is_damaged = |offset, entry: &crate::pack::Entry| {
        let opened =
            frame(file, offset, entry).and_then(|frame| entry.open(&sealer, keys, offset, frame, None));
        opened.is_err()
    };
    let entries = with_offsets(&record.directory.entries);
    Ok(entries.filter(|(offset, entry)| is_damaged(*offset, entry)).map(|(_, entry)| entry.id).collect())
}
