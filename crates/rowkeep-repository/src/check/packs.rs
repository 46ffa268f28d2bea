//! Whether packs exist, and which chunks are lost with a missing one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use rowkeep_format::ids::{ChunkId, PackId};

use super::progress::{CheckProgress, OnProgress, Stage};
use super::report::{CheckReport, Remedy};
use super::structure::{stranger, words};
use crate::index::{Index, PackNumber};
use crate::objects::{self, PACKS};
use crate::pack::{pack_id_of, read_record};
use crate::{Error, Reader, Repository, Result};

/// How many packs are opened, or chunks read, at the same time.
const AT_ONCE: usize = 8;

/// What is known of the packs in the course of a check.
pub(super) struct Packs {
    pub(super) index: Arc<Index>,
    pub(super) reader: Reader,
    /// Packs that are there, with their sizes.
    pub(super) there: HashMap<PackId, u64>,
    /// Packs that the index names.
    pub(super) numbers: HashMap<PackId, PackNumber>,
    /// Packs whose chunks may be unreadable, and those whose chunks certainly are.
    suspect: HashSet<PackNumber>,
    gone: HashSet<PackNumber>,
    /// Single chunks that were found unreadable in one of their places.
    suspect_chunks: BTreeSet<ChunkId>,
}

impl Packs {
    pub(super) fn new(repository: &Repository, index: Arc<Index>) -> Self {
        let reader = repository.reader_of(Arc::clone(&index));
        let numbers = index.packs().map(|(number, pack)| (pack.id, number)).collect();
        Self {
            index,
            reader,
            there: HashMap::new(),
            numbers,
            suspect: HashSet::new(),
            gone: HashSet::new(),
            suspect_chunks: BTreeSet::new(),
        }
    }

    /// Compares what the store lists with what the index names.
    pub(super) async fn look(
        &mut self,
        repository: &Repository,
        vanishing: &HashSet<PackId>,
        report: &mut CheckReport,
        progress: OnProgress<'_>,
    ) -> Result<()> {
        for listed in repository.objects().list(PACKS).await? {
            match pack_id_of(&listed) {
                Some(id) => {
                    self.there.insert(id, listed.bytes);
                    report.packs += 1;
                    report.pack_bytes += listed.bytes;
                }
                None => stranger(listed.name, report),
            }
        }
        let mut deleted = HashSet::new();
        for (number, pack) in self.index.packs() {
            match self.there.get(&pack.id) {
                Some(size) if *size == pack.size => {}
                Some(size) => {
                    let what = format!("it has {size} bytes instead of {}", pack.size);
                    report.damaged(objects::pack(&pack.id), what, SUFFERS);
                    report.damaged_pack(pack.id);
                    self.suspect.insert(number);
                }
                // What is needed of it is in another pack.
                None if vanishing.contains(&pack.id) => drop(deleted.insert(pack.id)),
                None => {
                    report.damaged(objects::pack(&pack.id), "it is missing", SUFFERS);
                    report.damaged_pack(pack.id);
                    self.gone.insert(number);
                }
            }
        }
        if !deleted.is_empty() {
            self.index = Arc::new(self.index.without(&deleted));
            self.reader = repository.reader_of(Arc::clone(&self.index));
        }
        self.look_at_unindexed(repository, report, progress).await
    }

    async fn look_at_unindexed(
        &self,
        repository: &Repository,
        report: &mut CheckReport,
        progress: OnProgress<'_>,
    ) -> Result<()> {
        let (objects, sealer) = (repository.objects(), repository.sealer());
        let unindexed: Vec<(PackId, u64)> = self
            .there
            .iter()
            .filter(|(id, _)| !self.numbers.contains_key(id))
            .map(|(id, size)| (*id, *size))
            .collect();
        let total = unindexed.len() as u64;
        let mut reading = futures::stream::iter(unindexed)
            .map(|(id, size)| async move { (id, read_record(objects, sealer, id, size).await) })
            .buffer_unordered(AT_ONCE);
        let mut done = 0;
        while let Some((id, outcome)) = reading.next().await {
            let name = objects::pack(&id);
            match outcome {
                Ok(_) => {
                    report.note(
                        name,
                        "no index object names it",
                        "left by a backup that was interrupted or is running; the next backup uses it",
                    );
                    report.remedy(Remedy::Name(id));
                }
                Err(error) if error.is_finding() => unneeded(&id, words(&error), report),
                Err(error) => return Err(error),
            }
            done += 1;
            progress(CheckProgress { stage: Stage::Packs, done, total });
        }
        Ok(())
    }

    /// Notes that a chunk was found unreadable in one of its places.
    pub(super) fn suspect_chunk(&mut self, id: ChunkId) {
        self.suspect_chunks.insert(id);
    }

    /// Notes that nothing is known of the chunks of a pack.
    pub(super) fn suspect_pack(&mut self, number: PackNumber) {
        self.suspect.insert(number);
    }

    /// Finds out which chunks cannot be read from any of their places.
    pub(super) async fn conclude(self, report: &mut CheckReport) -> Result<()> {
        let mut suspects = self.suspect_chunks;
        for place in self.index.all().filter(|place| self.index.is_there(place.pack)) {
            let bad = self.gone.contains(&place.pack) || self.suspect.contains(&place.pack);
            if bad {
                suspects.insert(place.entry.id);
            }
        }
        let mut damaged = unreadable(&self.index, &self.gone, &self.reader, suspects).await?;
        // Differences to chunks that cannot be read. One level: a base is never a difference itself.
        let dependent = self.index.all().filter_map(|place| {
            let base = place.entry.encoding.base()?;
            damaged.contains(base).then_some(place.entry.id)
        });
        // What no index object names is looked for when a snapshot needs it.
        let dependent: BTreeSet<ChunkId> = dependent.filter(|id| !damaged.contains(id)).collect();
        if !dependent.is_empty() {
            damaged.extend(unreadable(&self.index, &self.gone, &self.reader, dependent).await?);
        }
        report.damaged_chunks = damaged;
        Ok(())
    }
}

/// A damaged pack that nothing depends on.
pub(super) fn unneeded(id: &PackId, what: impl std::fmt::Display, report: &mut CheckReport) {
    report.note(objects::pack(id), what, "no index object names it, so nothing depends on it as it is");
    // Somebody may use it whose index object was lost.
    report.damaged_pack(*id);
}

const SUFFERS: &str = "snapshots that need its chunks cannot be restored in full; the next backup stores those \
                       of them again that the database still has";

/// Of some chunks, those that cannot be read.
async fn unreadable(
    index: &Index,
    gone: &HashSet<PackNumber>,
    reader: &Reader,
    suspects: BTreeSet<ChunkId>,
) -> Result<BTreeSet<ChunkId>> {
    futures::stream::iter(suspects)
        .map(|id| async move {
            if index.places(&id).all(|place| gone.contains(&place.pack)) {
                return Ok(Some(id));
            }
            match reader.read(&id).await {
                Ok(_) => Ok(None),
                Err(error) if error.is_finding() => Ok(Some(id)),
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|id| async move { Ok::<_, Error>(id) })
        .try_collect()
        .await
}
