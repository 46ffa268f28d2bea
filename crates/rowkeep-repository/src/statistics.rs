use crate::listings::{Folder, Listing};
use crate::{Repository, Result};

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
    /// Counts what is stored: lists everything and reads what is new of the index.
    pub async fn statistics(&self) -> Result<Statistics> {
        self.listings().forget().await;
        let folders = [Folder::Index, Folder::Packs, Folder::Snapshots];
        let [index_objects, packs, snapshots] = self.listings().get(folders).await?;
        self.index().update(&index_objects).await?;
        let index = self.index().current();
        let mut plain_bytes = 0;
        let mut last = None;
        for place in index.all() {
            if last.replace(place.entry.id) != Some(place.entry.id) {
                plain_bytes += u64::from(place.entry.plain_len);
            }
        }
        let count = |listing: &Listing| {
            (listing.objects.len() as u64, listing.objects.iter().map(|object| object.bytes).sum())
        };
        let (snapshots, snapshot_bytes) = count(&snapshots);
        let (packs, pack_bytes) = count(&packs);
        let (index_objects, index_bytes) = count(&index_objects);
        let chunks = index.chunks();
        Ok(Statistics {
            snapshots,
            snapshot_bytes,
            packs,
            pack_bytes,
            index_objects,
            index_bytes,
            chunks,
            plain_bytes,
        })
    }
}
