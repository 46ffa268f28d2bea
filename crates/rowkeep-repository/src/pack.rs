//! A pack: many chunks in one file.
//!
//! ```text
//! pack      := header frame* seal(directory) directory_len:u32 "rowkpend"
//! frame     := seal(stored bytes of a chunk)
//! directory := count:u32 entry*
//! entry     := chunk:32 encoding:u8 frame_len:u32 plain_len:u32 (base:32 if encoding = 2)
//! ```
//!
//! Frames stand back to back from the end of the header on, so their offsets follow from their lengths. The name of a
//! pack is the BLAKE3 hash of the whole file.

mod build;
mod directory;
mod read;
mod record;
mod stored;

use rowkeep_format::ids::{ChunkId, ContentKeys};

use crate::compress::unzstd;
use crate::encoding::Encoding;
use crate::header::HEADER_BYTES;
use crate::seal::{ObjectSealer, Part};
use crate::{Flaw, Result};

pub(crate) use build::{PackBuilder, frame};
pub(crate) use directory::Directory;
pub(crate) use read::open_pack;
pub(crate) use record::PackRecord;
pub(crate) use stored::{pack_id_of, read_record};

/// No pack is longer than this many bytes.
pub(crate) const MAX_PACK_BYTES: u64 = u32::MAX as u64 * 2;

/// A pack is closed when it holds this many chunks.
pub(crate) const MAX_CHUNKS: usize = 1 << 14;

/// A chunk in the directory of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: ChunkId,
    pub(crate) encoding: Encoding,
    /// Bytes in the pack, seal included.
    pub(crate) frame_len: u32,
    /// Bytes of the chunk.
    pub(crate) plain_len: u32,
}

impl Entry {
    /// Which part of the pack the frame is.
    pub(crate) fn part(&self, offset: u32) -> Part<'_> {
        Part::Frame {
            offset,
            id: &self.id,
            encoding: self.encoding.code(),
            plain_len: self.plain_len,
            base: self.encoding.base(),
        }
    }

    /// Opens a frame: gives the plain bytes of the chunk, which are certainly the chunk's.
    ///
    /// `base` are the plain bytes of the chunk that this one is a difference to.
    pub(crate) fn open(
        &self,
        sealer: &ObjectSealer,
        keys: &ContentKeys,
        offset: u32,
        frame: &[u8],
        base: Option<&[u8]>,
    ) -> Result<Vec<u8>, Flaw> {
        let stored = sealer.open(self.part(offset), frame)?;
        let plain = match self.encoding {
            Encoding::Plain => stored,
            Encoding::Zstd => {
                unzstd(&stored, self.plain_len, None).ok_or(Flaw::Compression("the content"))?
            }
            Encoding::Difference { .. } => {
                let base = base.ok_or(Flaw::Malformed("the difference"))?;
                unzstd(&stored, self.plain_len, Some(base)).ok_or(Flaw::Compression("the content"))?
            }
        };
        if plain.len() == self.plain_len as usize && keys.chunk_id(&plain) == self.id {
            Ok(plain)
        } else {
            Err(Flaw::Content(self.id))
        }
    }
}

/// Each entry with the offset of its frame.
pub(crate) fn with_offsets(entries: &[Entry]) -> impl Iterator<Item = (u32, &Entry)> {
    // `Directory::decode` and `PackBuilder` keep the sum within 32 bits.
    entries.iter().scan(HEADER_BYTES as u32, |next, entry| {
        let offset = *next;
        *next = next.saturating_add(entry.frame_len);
        Some((offset, entry))
    })
}

#[cfg(test)]
#[path = "pack/tests.rs"]
mod tests;
