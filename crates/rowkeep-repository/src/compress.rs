//! Compression of chunks, with the proof that what is to be stored can be read.

use rowkeep_format::ids::{ChunkId, ContentKeys};
use zstd::zstd_safe::{CCtx, CParameter, DCtx};

use crate::encoding::Encoding;
use crate::seal::SEAL_BYTES;
use crate::{Error, Flaw, Result};

/// No chunk has more plain bytes than this.
pub(crate) const MAX_CHUNK_BYTES: u64 = 1 << 30;

/// A chunk as it is going to be stored, made on a thread that may be kept busy.
///
/// It was decompressed again and hashed when it was made, so its content is known to be the chunk's.
pub struct Compressed {
    pub(crate) id: ChunkId,
    pub(crate) encoding: Encoding,
    pub(crate) plain_len: u32,
    pub(crate) bytes: Vec<u8>,
    /// Hash of `bytes` from when they were proven right.
    pub(crate) proof: blake3::Hash,
}

impl Compressed {
    /// Compresses the plain bytes of a chunk at a zstd level, or leaves them if that makes them no shorter.
    ///
    /// Takes milliseconds: call it where blocking is allowed, and only for chunks that [`Writer::claim`] gave.
    /// Fails with [`Flaw::Content`] when `id` is not the name of `plain`.
    ///
    /// [`Writer::claim`]: crate::Writer::claim
    pub fn new(keys: &ContentKeys, id: ChunkId, plain: &[u8], level: i32) -> Result<Self> {
        let plain_len = checked_len(&id, plain)?;
        let packed = zstd(plain, level)?;
        if packed.len() < plain.len() {
            return Self::proven(keys, id, Encoding::Zstd, plain_len, packed, None);
        }
        Self::proven(keys, id, Encoding::Plain, plain_len, plain.to_vec(), None)
    }

    /// How many bytes it takes in a pack.
    pub(crate) fn frame_len(&self) -> u64 {
        (self.bytes.len() + SEAL_BYTES) as u64
    }

    /// Compresses a chunk as its difference to another one, `base`, which has to be stored whole.
    pub fn difference(
        keys: &ContentKeys,
        id: ChunkId,
        plain: &[u8],
        level: i32,
        base: (ChunkId, &[u8]),
    ) -> Result<Self> {
        let plain_len = checked_len(&id, plain)?;
        let packed = zstd_difference(plain, level, base.1)?;
        Self::proven(keys, id, Encoding::Difference { base: base.0 }, plain_len, packed, Some(base.1))
    }

    /// Reads the bytes back as a reader would.
    fn proven(
        keys: &ContentKeys,
        id: ChunkId,
        encoding: Encoding,
        plain_len: u32,
        mut bytes: Vec<u8>,
        base: Option<&[u8]>,
    ) -> Result<Self> {
        // There was room for as much as it could have been; many wait in memory until they are stored.
        bytes.shrink_to_fit();
        let proof = blake3::hash(&bytes);
        let read = match encoding {
            Encoding::Plain => keys.chunk_id(&bytes),
            Encoding::Zstd | Encoding::Difference { .. } => {
                let plain = unzstd(&bytes, plain_len, base)
                    .ok_or_else(|| Error::at(format!("chunk {id}"), Flaw::Compression("the content")))?;
                keys.chunk_id(&plain)
            }
        };
        if read != id {
            return Err(Error::at(format!("chunk {id}"), Flaw::Content(id)));
        }
        Ok(Self { id, encoding, plain_len, bytes, proof })
    }

    /// The chunk's name.
    pub fn id(&self) -> ChunkId {
        self.id
    }

    /// Bytes before compression.
    pub fn plain_len(&self) -> u32 {
        self.plain_len
    }

    /// Bytes after compression, before sealing.
    pub fn compressed_len(&self) -> usize {
        self.bytes.len()
    }
}

fn checked_len(id: &ChunkId, plain: &[u8]) -> Result<u32> {
    let bytes = plain.len() as u64;
    match u32::try_from(bytes) {
        Ok(len) if bytes <= MAX_CHUNK_BYTES => Ok(len),
        _ => Err(Error::TooLarge { object: format!("chunk {id}"), bytes, limit: MAX_CHUNK_BYTES }),
    }
}

/// Compresses into one zstd frame.
///
/// The columns of a chunk repeat themselves close by, so tables of matches that fit the processor's first cache find
/// nearly all that those of the level would, in two thirds of their time.
pub(crate) fn zstd(plain: &[u8], level: i32) -> Result<Vec<u8>> {
    const PARAMETERS: [CParameter; 3] =
        [CParameter::HashLog(14), CParameter::ChainLog(13), CParameter::MinMatch(5)];
    let failed = |_| Error::System("compressing");
    let mut context = CCtx::try_create().ok_or(Error::System("compressing"))?;
    context.set_parameter(CParameter::CompressionLevel(level)).map_err(failed)?;
    for parameter in PARAMETERS {
        context.set_parameter(parameter).map_err(failed)?;
    }
    let mut packed = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()));
    context.compress2(&mut packed, plain).map_err(failed)?;
    Ok(packed)
}

/// Compresses into one zstd frame that refers to `base` as the bytes before its own.
fn zstd_difference(plain: &[u8], level: i32, base: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| Error::System("compressing");
    let mut context = CCtx::try_create().ok_or(Error::System("compressing"))?;
    context.set_parameter(CParameter::CompressionLevel(level)).map_err(failed)?;
    context.set_parameter(CParameter::EnableLongDistanceMatching(true)).map_err(failed)?;
    let window_log = (plain.len() + base.len()).max(1).ilog2() + 1;
    context.set_parameter(CParameter::WindowLog(window_log.clamp(10, 31))).map_err(failed)?;
    context.ref_prefix(base).map_err(failed)?;
    let mut packed = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()));
    context.compress2(&mut packed, plain).map_err(failed)?;
    Ok(packed)
}

/// Decompresses exactly `plain_len` bytes, or nothing at all.
pub(crate) fn unzstd(packed: &[u8], plain_len: u32, base: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut context = DCtx::try_create()?;
    if let Some(base) = base {
        context.ref_prefix(base).ok()?;
    }
    let mut plain = Vec::new();
    plain.try_reserve_exact(plain_len as usize).ok()?;
    let written = context.decompress(&mut plain, packed).ok()?;
    (written == plain_len as usize && plain.len() == written).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_stored_takes_no_more_memory_than_it_has_bytes() {
        let keys = ContentKeys::derive(&[7; 32]);
        let base: Vec<u8> =
            (0..100_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut plain = base.clone();
        plain[200_000] ^= 1;
        let (id, of_base) = (keys.chunk_id(&plain), keys.chunk_id(&base));
        let difference =
            Compressed::difference(&keys, id, &plain, 3, (of_base, &base)).expect("it is compressed");
        assert!(difference.bytes.len() < 1_000 && difference.bytes.capacity() < 2_000);
        let repeated = vec![3; 400_000];
        let whole = Compressed::new(&keys, keys.chunk_id(&repeated), &repeated, 3).expect("it is compressed");
        assert!(whole.bytes.len() < 1_000 && whole.bytes.capacity() < 2_000);
    }
}
