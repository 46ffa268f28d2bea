use crate::objects::{PACKS, SNAPSHOTS};
use crate::{Repository, Result, index};

/// How much a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Snapshots.
    pub snapshots: u64,
    /// Bytes of all snapshots as stored.
    pub snapshot_bytes: u64,
    /// Packs, indexed or not.
    pub packs: u64,
    /// Bytes of all packs as stored.
    pub pack_bytes: u64,
    /// Index objects.
    pub index_objects: u64,
    /// Bytes of all index objects as stored.
    pub index_bytes: u64,
    /// Different chunks that the index names.
    pub chunks: u64,
    /// Bytes of these chunks before compression.
    pub plain_bytes: u64,
}

impl Statistics {
    /// Bytes of everything that grows with use.
    pub fn stored_bytes(&self) -> u64 {
        self.snapshot_bytes + self.pack_bytes + self.index_bytes
    }
}

impl Repository {
    /// Counts what is stored: lists everything and reads the index.
    pub async fn statistics(&self) -> Result<Statistics> {
        let snapshots = self.objects().list(SNAPSHOTS).await?;
        let packs = self.objects().list(PACKS).await?;
        let index::Loaded { builder, listed: index_objects, .. } =
            index::load(self.objects(), self.sealer()).await?;
        let index = builder.finish();
        let mut plain_bytes = 0;
        let mut last = None;
        for place in index.all() {
            if last.replace(place.entry.id) != Some(place.entry.id) {
                plain_bytes += u64::from(place.entry.plain_len);
            }
        }
        Ok(Statistics {
            snapshots: snapshots.len() as u64,
            snapshot_bytes: snapshots.iter().map(|object| object.bytes).sum(),
            packs: packs.len() as u64,
            pack_bytes: packs.iter().map(|object| object.bytes).sum(),
            index_objects: index_objects.len() as u64,
            index_bytes: index_objects.iter().map(|object| object.bytes).sum(),
            chunks: index.chunks(),
            plain_bytes,
        })
    }
}
