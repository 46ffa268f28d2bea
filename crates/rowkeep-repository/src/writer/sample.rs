use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use rowkeep_format::ids::{ChunkId, PackId};

use crate::header::PACK;
use crate::index::{Index, Place};
use crate::seal::random;
use crate::{Error, Repository, Result, objects};

/// No more chunks than this are read.
const MOST_CHUNKS: usize = 64;

/// No more bytes of packs than this are read, unless one chunk alone is larger.
const MOST_BYTES: u64 = 2 << 20;

/// How many chunks are read at the same time.
const AT_ONCE: usize = 4;

/// Of the chunks that a run found stored, some that are chosen by lot.
pub(super) struct Sample {
    seed: [u8; 32],
    /// Those that drew the lowest lots.
    chosen: Mutex<BTreeMap<u64, ChunkId>>,
}

impl Sample {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { seed: random()?, chosen: Mutex::default() })
    }

    /// Takes note of a chunk; of the same one as often as somebody likes.
    pub(super) fn note(&self, id: &ChunkId) {
        let mut lot = [0; 8];
        lot.copy_from_slice(&blake3::keyed_hash(&self.seed, &id.0).as_bytes()[..8]);
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.insert(u64::from_le_bytes(lot), *id);
        if chosen.len() > MOST_CHUNKS {
            chosen.pop_last();
        }
    }

    /// Reads the chosen chunks, or from a store that is far away those that one request gives; says which packs hold some that
    /// cannot be read.
    pub(super) async fn verify(&self, repository: &Repository, index: &Arc<Index>) -> Vec<PackId> {
        match repository.is_local() {
            true => self.verify_each(repository, index).await,
            false => self.verify_neighbours(repository, index).await.into_iter().collect(),
        }
    }

    /// Reads with one request the first that was drawn and those near it.
    async fn verify_neighbours(&self, repository: &Repository, index: &Index) -> Option<PackId> {
        let places = self.neighbours(index);
        let pack = index.pack(places.first()?.pack);
        let name = objects::pack(&pack.id);
        let range = places.iter().map(start).min()?..places.iter().map(end).max()?;
        let opened = async {
            let bytes = repository.objects().read_part(&name, range.clone(), pack.size).await?;
            let sealer = repository.sealer().object(PACK, &pack.salt)?;
            places.iter().try_for_each(|place| {
                let within = (start(place) - range.start) as usize..(end(place) - range.start) as usize;
                let opened = sealer.open(place.entry.part(place.offset), &bytes[within]);
                opened.map(drop).map_err(|flaw| Error::at(&name, flaw))
            })
        };
        match opened.await {
            Ok(()) => None,
            Err(error) if error.is_finding() => {
                tracing::warn!(%error, "a stored chunk cannot be read");
                Some(pack.id)
            }
            Err(error) => {
                tracing::info!(%error, "stored chunks are not verified");
                None
            }
        }
    }

    /// The first that was drawn, and of the others those that one request gives as well.
    fn neighbours(&self, index: &Index) -> Vec<Place> {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let readable = |id| index.places(id).find(|place| !index.is_unreadable(place.pack, id));
        let mut places = chosen.values().filter_map(readable);
        let Some(first) = places.next() else { return Vec::new() };
        let (pack, at) = (first.pack, start(&first));
        let is_near = |place: &Place| place.pack == pack && start(place).abs_diff(at) < MOST_BYTES / 2;
        std::iter::once(first).chain(places.filter(is_near)).collect()
    }

    async fn verify_each(&self, repository: &Repository, index: &Arc<Index>) -> Vec<PackId> {
        let reader = repository.reader_of(Arc::clone(index));
        let mut reading = futures::stream::iter(self.within_bounds(index))
            .map(|id| {
                let reader = &reader;
                async move { (id, reader.read(&id).await) }
            })
            .buffer_unordered(AT_ONCE);
        let mut doubted = BTreeSet::new();
        while let Some((id, outcome)) = reading.next().await {
            match outcome {
                Ok(_) => {}
                Err(error) if error.is_finding() => {
                    tracing::warn!(chunk = %id, %error, "a stored chunk cannot be read");
                    doubted.extend(index.places(&id).map(|place| index.pack(place.pack).id));
                }
                Err(error) => tracing::info!(chunk = %id, %error, "a stored chunk is not verified"),
            }
        }
        doubted.into_iter().collect()
    }

    fn within_bounds(&self, index: &Index) -> Vec<ChunkId> {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        let mut ids = Vec::new();
        for id in chosen.values() {
            bytes += index.places(id).next().map_or(0, |place| u64::from(place.entry.frame_len));
            if bytes > MOST_BYTES && !ids.is_empty() {
                break;
            }
            ids.push(*id);
        }
        // What lies near each other is read at once.
        ids.sort_by_key(|id| index.places(id).next().map(|place| (place.pack, place.offset)));
        ids
    }
}

/// Where a chunk begins in its pack.
fn start(place: &Place) -> u64 {
    u64::from(place.offset)
}

/// Where it ends.
fn end(place: &Place) -> u64 {
    start(place) + u64::from(place.entry.frame_len)
}
