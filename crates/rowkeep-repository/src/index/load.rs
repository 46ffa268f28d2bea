use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use rowkeep_format::ids::IndexId;

use super::{IndexBuilder, id_of, open};
use crate::document::MAX_OBJECT_BYTES;
use crate::objects::{INDEX, Listed, Objects};
use crate::pack::PackRecord;
use crate::seal::Sealer;
use crate::{Error, Result, objects};

/// How many index objects are read at the same time; each may take a few megabytes.
const AT_ONCE: usize = 8;

/// Bytes of an index object for each chunk, at least.
const BYTES_PER_CHUNK: u64 = 32;

/// What the index objects say, as far as they can be used.
pub(crate) struct Loaded {
    pub(crate) builder: IndexBuilder,
    pub(crate) listed: Vec<Listed>,
    /// What is wrong with those that cannot be used.
    pub(crate) damaged: Vec<Error>,
}

/// Reads all index objects that are listed.
///
/// Damaged ones are told, not failed on: what they say can be had from the packs. A store that fails does fail it, and
/// so does an index object of a newer format.
pub(crate) async fn load(objects: &Objects, sealer: &Arc<Sealer>) -> Result<Loaded> {
    let listed = objects.list(INDEX).await?;
    let mut builder = IndexBuilder::default();
    let mut damaged = Vec::new();
    let bytes = listed.iter().map(|object| object.bytes).sum::<u64>();
    builder.reserve((bytes.min(MAX_OBJECT_BYTES * 16) / BYTES_PER_CHUNK) as usize);

    let ids: Vec<IndexId> = listed.iter().filter_map(id_of).collect();
    let mut reading = futures::stream::iter(ids)
        .map(|id| {
            let (objects, sealer) = (objects.clone(), Arc::clone(sealer));
            async move { Ok::<_, Error>(read(&objects, sealer, id).await) }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(outcome) = reading.try_next().await? {
        match outcome {
            Ok(packs) => packs.iter().for_each(|pack| builder.add(pack)),
            // Prune may have replaced it since it was listed.
            Err(Error::Missing { .. }) => {}
            Err(error @ Error::Damaged { .. }) => {
                tracing::warn!(%error, "an index object is left out");
                damaged.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Loaded { builder, listed, damaged })
}

async fn read(objects: &Objects, sealer: Arc<Sealer>, id: IndexId) -> Result<Vec<PackRecord>> {
    let name = objects::index(&id);
    let object = objects.read(&name, MAX_OBJECT_BYTES).await?;
    let opening = tokio::task::spawn_blocking(move || open(&sealer, &id, &object));
    let opened = opening.await.map_err(|_| Error::System("decoding an index object"))?;
    opened.map_err(|flaw| Error::at(name, flaw))
}
