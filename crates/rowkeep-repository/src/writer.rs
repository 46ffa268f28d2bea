//! Writing chunks: from claims to packs, and from packs to the index.

pub(crate) mod adopt;
mod doubted;
mod sample;
mod stored;
mod upload;

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rowkeep_format::ids::{ChunkId, PackId};

use crate::compress::Compressed;
use crate::index::PackNumber;
use crate::ledger::{self, Entry};
use crate::pack::PackBuilder;
use crate::{Error, Repository, Result};

use sample::Sample;
pub use stored::Stored;
use upload::Uploads;

/// Takes chunks and stores those that are not stored yet.
///
/// Any number of tasks may use it by reference. Full packs are written in the background, two at a time; a task that
/// adds more waits, so that memory has a ceiling. Dropping the writer without [`Writer::finish`] gives up what is
/// under way, though a write that has begun may still come to its end. Packs that were written stay: the next writer
/// finds and uses them.
///
/// Needs a runtime of tokio. Bound its blocking threads (`max_blocking_threads`) where memory has a ceiling: each of
/// them keeps some of what it freed.
pub struct Writer {
    repository: Repository,
    options: WriterOptions,
    /// Packs that no index object names yet, and that the next one of this writer will name.
    adopted: HashSet<PackNumber>,
    claims: Mutex<Claims>,
    reused: Sample,
    filling: tokio::sync::Mutex<Filling>,
    adopted_packs: u64,
}

/// Which chunks are taken care of in this run.
#[derive(Default)]
struct Claims {
    /// Those that somebody is about to add, and whether anybody else wanted them meanwhile.
    open: HashMap<ChunkId, bool>,
    kept: HashSet<ChunkId>,
}

/// The pack that is being filled, and those before it.
struct Filling {
    pack: PackBuilder,
    uploads: Uploads,
}

/// How a writer works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterOptions {
    /// A pack is closed before it grows beyond this many bytes, unless one chunk alone is larger.
    ///
    /// Up to three packs are in memory at the same time.
    pub pack_bytes: usize,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { pack_bytes: 16 << 20 }
    }
}

impl Repository {
    /// Prepares for writing with [`WriterOptions::default`].
    pub async fn writer(&self) -> Result<Writer> {
        self.writer_with(WriterOptions::default()).await
    }

    /// Prepares for writing: loads the index, looks which packs are really there, and completes what a killed process
    /// left undone.
    ///
    /// Packs that no index object names are used; chunks of packs that have vanished count as not stored, so that the
    /// next backup stores them again. So do chunks that cannot be read from packs which somebody doubted: these are read as
    /// a whole.
    pub async fn writer_with(&self, options: WriterOptions) -> Result<Writer> {
        self.still_there_lately().await?;
        let unindexed = adopt::find(self).await?;
        let adopted_packs = unindexed.len() as u64;
        let index = self.index().current();
        let adopted = unindexed.iter().filter_map(|pack| index.number(&pack.id)).collect();
        let mut uploads = Uploads::new(self.clone());
        uploads.index_later(unindexed);
        let pack = PackBuilder::new(self.sealer(), options.pack_bytes)?;
        Ok(Writer {
            repository: self.clone(),
            options,
            adopted,
            claims: Mutex::default(),
            reused: Sample::new()?,
            filling: tokio::sync::Mutex::new(Filling { pack, uploads }),
            adopted_packs,
        })
    }
}

impl Writer {
    /// Claims a chunk: says whether the caller has to compress and add it.
    ///
    /// Gives `false` for a chunk that is stored, or that somebody claimed before in this run. Whoever is given `true`
    /// has to add the chunk or [release](Self::release) it, or the run cannot be finished.
    pub fn claim(&self, id: &ChunkId) -> bool {
        if self.is_stored(id) {
            self.reused.note(id);
            return false;
        }
        let mut claims = self.claims();
        if claims.kept.contains(id) {
            return false;
        }
        match claims.open.entry(*id) {
            Slot::Vacant(free) => {
                free.insert(false);
                true
            }
            Slot::Occupied(mut taken) => {
                taken.insert(true);
                false
            }
        }
    }

    /// Gives up a claim, so that the chunk need not be added. Refused, with `false`, where somebody else wanted the chunk
    /// meanwhile and relies on its being added.
    pub fn release(&self, id: &ChunkId) -> bool {
        let mut claims = self.claims();
        let is_free = claims.open.get(id) == Some(&false);
        if is_free {
            claims.open.remove(id);
        }
        is_free
    }

    /// Stores a chunk; returns when it is in a pack, which may be written later.
    ///
    /// A chunk that is stored already is left out. Fails also with what went wrong in the background since the last
    /// call; then the writer is of no more use ([`Error::WriterFailed`]). A call that is given up before it returns
    /// leaves the chunk unstored and claimed.
    pub async fn add(&self, chunk: Compressed) -> Result<()> {
        if self.is_stored(&chunk.id) || self.claims().kept.contains(&chunk.id) {
            self.claims().open.remove(&chunk.id);
            return Ok(());
        }
        let mut filling = self.filling.lock().await;
        filling.uploads.collect()?;
        if !filling.pack.has_room_for(&chunk) {
            // Nothing is lost if the caller gives up while this waits: no pack is on its way yet.
            filling.uploads.wait_for_room().await?;
            let next = PackBuilder::new(self.repository.sealer(), self.options.pack_bytes)?;
            let full = mem::replace(&mut filling.pack, next);
            filling.uploads.start(full);
        }
        let mut claims = self.claims();
        if claims.kept.insert(chunk.id) {
            filling.pack.push(&chunk)?;
        }
        claims.open.remove(&chunk.id);
        Ok(())
    }

    /// Whether the chunk is stored, or was added in this run.
    pub fn has(&self, id: &ChunkId) -> bool {
        self.is_stored(id) || self.has_added(id)
    }

    /// Takes note of a chunk that the run depends on without having claimed it.
    pub fn note_reused(&self, id: &ChunkId) {
        self.repository.index().rely_on_chunk(id);
        self.reused.note(id);
    }

    /// Reads some of the chunks that were stored before this run and that it depends on, chosen at random: all of them where
    /// they are few and the store is local, else as many as two megabytes of packs hold, and at least one. From a store that
    /// is far away it is only as many as one request gives.
    ///
    /// Gives the packs in which one was found that cannot be read. They are doubted from now on: they were read as a whole,
    /// and for the next writer those of their chunks that are damaged are not stored. A store that fails to answer is no
    /// finding.
    pub async fn verify_reused(&self) -> Result<Vec<PackId>> {
        let index = self.repository.index().current();
        let doubted = self.reused.verify(&self.repository, &index).await;
        for pack in &doubted {
            ledger::record(self.repository.objects(), Entry::Doubt(*pack)).await?;
        }
        doubted::examine(&self.repository, doubted.iter().copied()).await?;
        Ok(doubted)
    }

    /// Whether the chunk was added in this run, and not there before.
    pub fn has_added(&self, id: &ChunkId) -> bool {
        self.claims().kept.contains(id)
    }

    /// Writes what is left and then the index: from now on, everything that was added is stored.
    ///
    /// Fails with [`Error::Unkept`] if something was claimed and not added.
    pub async fn finish(self) -> Result<Stored> {
        let open = self.claims().open.len() as u64;
        if open > 0 {
            return Err(Error::Unkept { chunks: open });
        }
        let Filling { pack, mut uploads } = self.filling.into_inner();
        if !pack.is_empty() {
            uploads.wait_for_room().await?;
            uploads.start(pack);
        }
        let stored = uploads.finish().await?;
        Ok(Stored { adopted_packs: self.adopted_packs, ..stored })
    }

    /// Whether an index object names the chunk, or one of this writer is going to.
    fn is_stored(&self, id: &ChunkId) -> bool {
        self.repository.index().is_stored(id, &self.adopted)
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
