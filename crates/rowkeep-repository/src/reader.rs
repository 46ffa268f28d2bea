mod near;

use std::sync::Arc;

use rowkeep_format::ids::ChunkId;

use crate::encoding::Encoding;
use crate::header::PACK;
use crate::index::{Index, Place};
use crate::{Compressed, Error, Flaw, Repository, Result, objects};
use near::Near;

/// Gives the plain bytes of chunks. Clones share everything; any number of tasks may read.
///
/// Knows what the repository knows, which grows with everything that is written by it. When a chunk cannot be read, the
/// index is brought up to date once, for another machine may have written it; and packs are looked for that no index object
/// names, for that one may be damaged or lost.
#[derive(Clone)]
pub struct Reader {
    repository: Repository,
    /// The index as it was at a check, which alone counts then.
    fixed: Option<Arc<Index>>,
    near: Arc<Near>,
}

/// The level of zstd for chunks that are stored again.
const LEVEL: i32 = 3;

/// Up to so many bytes a chunk is opened where it was asked for: handing it to another thread would take longer.
const SMALL_BYTES: u32 = 32 * 1024;

impl Repository {
    /// Gives what reads chunks. The index is loaded if it was not yet.
    ///
    /// Damaged index objects are left out, with a warning in the log; the chunks that only they name are looked for in the
    /// packs when one is read.
    pub async fn reader(&self) -> Result<Reader> {
        self.index().begin_reading();
        self.index().load().await?;
        Ok(Reader { repository: self.clone(), fixed: None, near: Arc::default() })
    }

    /// What reads by an index as it is.
    pub(crate) fn reader_of(&self, index: Arc<Index>) -> Reader {
        Reader { repository: self.clone(), fixed: Some(index), near: Arc::default() }
    }
}

/// A chunk that was read.
#[derive(Debug)]
pub struct WithBase {
    /// Its plain bytes.
    pub plain: Vec<u8>,
    /// The chunk that it is stored as a difference to, and the plain bytes of that one.
    pub base: Option<(ChunkId, Arc<Vec<u8>>)>,
}

impl Reader {
    /// Whether the chunk is stored, as far as is known; nothing is looked for anew.
    pub fn contains(&self, id: &ChunkId) -> bool {
        self.index().contains(id)
    }

    /// The chunk itself if a pack that stays has it whole, else the one that it is stored as a difference to.
    pub fn whole_behind(&self, id: &ChunkId) -> Option<ChunkId> {
        self.index().whole_behind(id)
    }

    /// Bytes that the chunk takes in its pack.
    pub fn stored_len(&self, id: &ChunkId) -> Option<u32> {
        self.index().places(id).next().map(|place| place.entry.frame_len)
    }

    /// Bytes of the chunk itself.
    pub fn plain_len(&self, id: &ChunkId) -> Option<u32> {
        self.index().places(id).next().map(|place| place.entry.plain_len)
    }

    /// Reads a chunk: gives its plain bytes, which are certainly the chunk's, or fails.
    ///
    /// If one copy is damaged or gone, another is tried. Fails with [`Error::MissingChunk`] when no index object and no pack
    /// names the chunk, and with what is wrong with the first copy when none can be read.
    pub async fn read(&self, id: &ChunkId) -> Result<Vec<u8>> {
        Ok(self.read_with_base(id).await?.plain)
    }

    /// Reads a chunk, and keeps the one that it is a difference to, which had to be read for it.
    pub async fn read_with_base(&self, id: &ChunkId) -> Result<WithBase> {
        let mut index = self.index();
        let mut outcome = self.read_by(&index, id).await;
        if self.fixed.is_some() {
            return outcome;
        }
        let shared = self.repository.index();
        // Another machine may have written it, or written it anew after a pack was lost or damaged.
        if let Err(Error::MissingChunk { .. } | Error::Missing { .. } | Error::Damaged { .. }) = outcome
            && shared.look_again(&index).await?
        {
            index = self.index();
            outcome = self.read_by(&index, id).await;
        }
        // The index object that named its pack may be damaged or lost.
        if let Err(Error::MissingChunk { .. }) = outcome
            && shared.look_into_packs(&index).await?
        {
            outcome = self.read_by(&self.index(), id).await;
        }
        outcome
    }

    /// Reads a chunk for storing it again as it was, as a difference if it was one.
    pub(crate) async fn read_compressed(&self, id: &ChunkId) -> Result<Compressed> {
        let plain = self.read(id).await?;
        let place = self.index().places(id).next();
        let base = match place.and_then(|place| place.entry.encoding.base().copied()) {
            Some(base) => Some((base, self.read(&base).await?)),
            None => None,
        };
        let keys = self.repository.content_keys().clone();
        let id = *id;
        let compressing = tokio::task::spawn_blocking(move || match base {
            Some((base, of_base)) => Compressed::difference(&keys, id, &plain, LEVEL, (base, &of_base)),
            None => Compressed::new(&keys, id, &plain, LEVEL),
        });
        compressing.await.map_err(|_| Error::System("compressing a chunk"))?
    }

    fn index(&self) -> Arc<Index> {
        self.fixed.clone().unwrap_or_else(|| self.repository.index().current())
    }

    async fn read_by(&self, index: &Index, id: &ChunkId) -> Result<WithBase> {
        let mut first = None;
        for place in index.places(id) {
            match self.read_place(index, place).await {
                Ok(read) => return Ok(read),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::MissingChunk { chunk: *id }))
    }

    async fn read_place(&self, index: &Index, place: Place) -> Result<WithBase> {
        let base = match place.entry.encoding {
            Encoding::Plain | Encoding::Zstd => None,
            Encoding::Difference { base } => Some((base, Arc::new(self.read_whole(index, &base).await?))),
        };
        let of_base = base.as_ref().map(|(_, plain)| Arc::clone(plain));
        Ok(WithBase { plain: self.open(index, place, of_base).await?, base })
    }

    /// Reads a chunk that others are a difference to, from a copy that is not a difference itself.
    async fn read_whole(&self, index: &Index, id: &ChunkId) -> Result<Vec<u8>> {
        let mut first = None;
        for place in index.places(id).filter(|place| place.entry.encoding.base().is_none()) {
            match self.open(index, place, None).await {
                Ok(plain) => return Ok(plain),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::MissingChunk { chunk: *id }))
    }

    async fn open(&self, index: &Index, place: Place, base: Option<Arc<Vec<u8>>>) -> Result<Vec<u8>> {
        let pack = index.pack(place.pack).clone();
        if self.fixed.is_none() {
            // Who writes may rely on what was read.
            self.repository.index().rely_on(place.pack);
        }
        let name = objects::pack(&pack.id);
        let start = u64::from(place.offset);
        let range = start..start + u64::from(place.entry.frame_len);
        if range.end > pack.size {
            return Err(Error::at(name, Flaw::Size { found: pack.size, expected: range.end }));
        }
        let repository = &self.repository;
        let frame = self.near.read(repository.objects(), &pack, &name, range).await?;
        let (sealer, keys) = (Arc::clone(repository.sealer()), repository.content_keys().clone());
        let is_small = place.entry.frame_len.max(place.entry.plain_len) <= SMALL_BYTES && base.is_none();
        let open = move || {
            let sealer = sealer.object(PACK, &pack.salt)?;
            let plain = place.entry.open(
                &sealer,
                &keys,
                place.offset,
                &frame,
                base.as_ref().map(|base| base.as_slice()),
            );
            plain.map_err(|flaw| Error::at(name, flaw))
        };
        if is_small {
            return open();
        }
        tokio::task::spawn_blocking(open).await.map_err(|_| Error::System("decoding a chunk"))?
    }
}
