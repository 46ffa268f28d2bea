use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use rowkeep_format::ids::IndexId;

use super::memory::{Collected, Index, PackState};
use super::{id_of, open};
use crate::document::MAX_OBJECT_BYTES;
use crate::objects::{INDEX, Listed, Objects};
use crate::pack::PackRecord;
use crate::seal::Sealer;
use crate::{Error, Result, objects};

/// How many index objects are read at the same time; each may take a few megabytes.
const AT_ONCE: usize = 8;

/// Bytes of an index object for each chunk, at least.
const BYTES_PER_CHUNK: u64 = 32;

/// How many chunks index objects of so many bytes name, at most.
pub(super) fn chunks_in(bytes: u64) -> usize {
    (bytes.min(MAX_OBJECT_BYTES * 16) / BYTES_PER_CHUNK) as usize
}

/// What the index objects say, as far as they can be used.
pub(crate) struct Loaded {
    pub(crate) index: Index,
    pub(crate) listed: Vec<Listed>,
    /// What is wrong with those that cannot be used.
    pub(crate) damaged: Vec<Error>,
}

/// How often index objects are listed anew because some were replaced before they were read.
pub(super) const ATTEMPTS: usize = 5;

/// What became of index objects that were to be read.
pub(super) struct NotRead {
    /// Those that cannot be used.
    pub(super) damaged: Vec<(IndexId, Error)>,
    /// Whether any is gone: others took its place since it was listed.
    pub(super) any_gone: bool,
}

/// Reads all index objects that are there, whatever was read before.
pub(crate) async fn load(objects: &Objects, sealer: &Arc<Sealer>) -> Result<Loaded> {
    let mut attempt = 1;
    loop {
        let (loaded, any_gone) = try_load(objects, sealer).await?;
        if !any_gone || attempt == ATTEMPTS {
            return Ok(loaded);
        }
        attempt += 1;
    }
}

async fn try_load(objects: &Objects, sealer: &Arc<Sealer>) -> Result<(Loaded, bool)> {
    let listed = objects.list(INDEX).await?;
    let ids = listed.iter().filter_map(id_of).collect();
    let mut index = Index::default();
    let bytes = listed.iter().map(|object| object.bytes).sum();
    let mut collected = Collected::with_room(chunks_in(bytes));
    let mut seen = HashSet::new();
    let not_read = read_all(objects, sealer, ids, |_, packs| {
        for pack in packs.iter().filter(|pack| seen.insert(pack.id)) {
            collected.push(&index, pack, PackState::Named);
        }
    })
    .await?;
    index.add(collected);
    let damaged = not_read.damaged.into_iter().map(|(_, error)| error).collect();
    Ok((Loaded { index, listed, damaged }, not_read.any_gone))
}

/// Reads index objects, in no order; says of which it could not.
pub(super) async fn read_all(
    objects: &Objects,
    sealer: &Arc<Sealer>,
    ids: Vec<IndexId>,
    mut each: impl FnMut(IndexId, Vec<PackRecord>),
) -> Result<NotRead> {
    let mut not_read = NotRead { damaged: Vec::new(), any_gone: false };
    let mut reading = futures::stream::iter(ids)
        .map(|id| async move { (id, read(objects, Arc::clone(sealer), id).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((id, outcome)) = reading.next().await {
        match outcome {
            Ok(packs) => each(id, packs),
            Err(Error::Missing { .. }) => not_read.any_gone = true,
            Err(error @ Error::Damaged { .. }) => not_read.damaged.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(not_read)
}

async fn read(objects: &Objects, sealer: Arc<Sealer>, id: IndexId) -> Result<Vec<PackRecord>> {
    let name = objects::index(&id);
    let object = objects.read(&name, MAX_OBJECT_BYTES).await?;
    let opening = tokio::task::spawn_blocking(move || open(&sealer, &id, &object));
    let opened = opening.await.map_err(|_| Error::System("decoding an index object"))?;
    opened.map_err(|flaw| Error::at(name, flaw))
}
