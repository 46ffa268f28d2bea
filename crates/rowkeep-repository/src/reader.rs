use std::sync::Arc;

use rowkeep_format::ids::ChunkId;

use crate::encoding::Encoding;
use crate::header::PACK;
use crate::index::{self, Index, Place};
use crate::objects::{self, Objects};
use crate::seal::Sealer;
use crate::{ContentKeys, Error, Flaw, Repository, Result};

/// Gives the plain bytes of chunks. Clones share everything; any number of tasks may read.
///
/// Knows what was stored when it was made, nothing later.
#[derive(Clone)]
pub struct Reader {
    objects: Objects,
    sealer: Arc<Sealer>,
    keys: ContentKeys,
    index: Arc<Index>,
}

impl Repository {
    /// Loads the index and gives what reads chunks by it.
    ///
    /// Damaged index objects are left out, with a warning in the log; the chunks that only they name are missing.
    pub async fn reader(&self) -> Result<Reader> {
        let index = index::load(self.objects(), self.sealer()).await?.builder.finish();
        Ok(self.reader_of(Arc::new(index)))
    }

    pub(crate) fn reader_of(&self, index: Arc<Index>) -> Reader {
        Reader {
            objects: self.objects().clone(),
            sealer: Arc::clone(self.sealer()),
            keys: self.content_keys().clone(),
            index,
        }
    }
}

impl Reader {
    /// Whether the chunk is stored, as far as the index knows.
    pub fn contains(&self, id: &ChunkId) -> bool {
        self.index.contains(id)
    }

    /// Bytes that the chunk takes in its pack.
    pub fn stored_len(&self, id: &ChunkId) -> Option<u32> {
        self.index.places(id).next().map(|place| place.entry.frame_len)
    }

    /// Bytes of the chunk itself.
    pub fn plain_len(&self, id: &ChunkId) -> Option<u32> {
        self.index.places(id).next().map(|place| place.entry.plain_len)
    }

    /// Reads a chunk: gives its plain bytes, which are certainly the chunk's, or fails.
    ///
    /// If one copy is damaged or gone, another is tried. Fails with [`Error::MissingChunk`] when no index object names
    /// the chunk, and with what is wrong with the first copy when none can be read.
    pub async fn read(&self, id: &ChunkId) -> Result<Vec<u8>> {
        let mut first = None;
        for place in self.index.places(id) {
            match self.read_place(place).await {
                Ok(plain) => return Ok(plain),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::MissingChunk { chunk: *id }))
    }

    async fn read_place(&self, place: Place) -> Result<Vec<u8>> {
        let base = match place.entry.encoding {
            Encoding::Plain | Encoding::Zstd => None,
            Encoding::Difference { base } => Some(self.read_whole(&base).await?),
        };
        self.open(place, base).await
    }

    /// Reads a chunk that others are a difference to, from a copy that is not a difference itself.
    pub(crate) async fn read_whole(&self, id: &ChunkId) -> Result<Vec<u8>> {
        let mut first = None;
        for place in self.index.places(id).filter(|place| place.entry.encoding.base().is_none()) {
            match self.open(place, None).await {
                Ok(plain) => return Ok(plain),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::MissingChunk { chunk: *id }))
    }

    async fn open(&self, place: Place, base: Option<Vec<u8>>) -> Result<Vec<u8>> {
        let pack = self.index.pack(place.pack).clone();
        let name = objects::pack(&pack.id);
        let start = u64::from(place.offset);
        let range = start..start + u64::from(place.entry.frame_len);
        if range.end > pack.size {
            return Err(Error::at(name, Flaw::Size { found: pack.size, expected: range.end }));
        }
        let frame = self.objects.read_part(&name, range, pack.size).await?;
        let (sealer, keys) = (Arc::clone(&self.sealer), self.keys.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let sealer = sealer.object(PACK, &pack.salt)?;
            let plain = place.entry.open(&sealer, &keys, place.offset, &frame, base.as_deref());
            plain.map_err(|flaw| Error::at(name, flaw))
        });
        opening.await.map_err(|_| Error::System("decoding a chunk"))?
    }
}
