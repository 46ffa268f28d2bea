//! Storing chunks again that are in packs which are to go.

use std::collections::HashSet;

use futures::StreamExt;
use rowkeep_format::ids::{ChunkId, PackId};

use crate::index::PackNumber;
use crate::{Repository, Result};

/// How many chunks are read at the same time.
const AT_ONCE: usize = 4;

/// What was stored again.
#[derive(Default)]
pub(super) struct Copied {
    pub(super) chunks: HashSet<ChunkId>,
    pub(super) bytes: u64,
}

impl Repository {
    /// Stores chunks again in packs of their own, so that packs that are leaving are not needed for them. Those that cannot be
    /// read are left where they are.
    pub(super) async fn copy_chunks(
        &self,
        mut chunks: Vec<(PackNumber, ChunkId)>,
        leaving: &HashSet<PackId>,
    ) -> Result<Copied> {
        let mut copied = Copied::default();
        if chunks.is_empty() {
            return Ok(copied);
        }
        let (writer, reader) = (self.writer().await?, self.reader().await?);
        // From now on their chunks do not count as stored.
        let mut doomed = HashSet::clone(&self.index().doomed());
        doomed.extend(leaving);
        self.index().set_doomed(doomed).await;
        let index = self.index().current();
        // What lies near each other is read at once.
        chunks.sort_by_cached_key(|(pack, id)| {
            let place = index.places(id).find(|place| place.pack == *pack);
            (*pack, place.map(|place| place.offset))
        });
        let mut seen = HashSet::new();
        chunks.retain(|(_, id)| seen.insert(*id));
        let (reader, writer_ref) = (&reader, &writer);
        let mut reading = futures::stream::iter(chunks)
            .map(|(_, id)| async move { (id, reader.read_compressed(&id).await) })
            .buffered(AT_ONCE);
        while let Some((id, outcome)) = reading.next().await {
            match outcome {
                Ok(compressed) => {
                    let bytes = compressed.frame_len();
                    if writer_ref.claim(&id) {
                        writer_ref.add(compressed).await?;
                        copied.bytes += bytes;
                    }
                    copied.chunks.insert(id);
                }
                Err(error) if error.is_finding() => {
                    tracing::warn!(chunk = %id, %error, "a chunk cannot be stored again");
                }
                Err(error) => return Err(error),
            }
        }
        drop(reading);
        writer.finish().await?;
        Ok(copied)
    }
}
