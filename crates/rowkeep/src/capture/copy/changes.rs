//! The changes beside a safety snapshot, under the keys of another repository.

use rowkeep_format::changeset::{Changeset, StoredChanges};
use rowkeep_format::{ChunkId, chunk};
use rowkeep_repository::{Reader, Repository};

use super::trouble::Trouble;
use crate::Error;
use crate::capture::chunk::store;
use crate::state::reader::read_changeset;

/// Stores a changeset with its parts as they are; returns the chunk that says where they are.
pub(super) async fn copy_changes(reader: &Reader, to: &Repository, id: ChunkId) -> Result<ChunkId, Trouble> {
    let changeset = read_changeset(reader, id).await.map_err(Trouble::Reading)?;
    let writing = |error: rowkeep_repository::Error| Trouble::Writing(Error::from(error));
    let (keys, writer) = (to.content_keys(), to.writer().await.map_err(writing)?);
    let mut tables = Vec::with_capacity(changeset.tables.len());
    for stored in changeset.tables {
        let mut chunks = Vec::with_capacity(stored.chunks.len());
        for part in &stored.chunks {
            let plain = reader.read(part).await.map_err(|error| Trouble::Reading(error.into()))?;
            let id = keys.chunk_id(&plain);
            store(keys, &writer, id, &plain).await?;
            chunks.push(id);
        }
        tables.push(StoredChanges { chunks, ..stored });
    }
    let plain = chunk::encode_text(&Changeset::new(tables).to_json());
    let id = keys.chunk_id(&plain);
    store(keys, &writer, id, &plain).await?;
    writer.finish().await.map_err(writing)?;
    Ok(id)
}
