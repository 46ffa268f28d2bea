use rowkeep_format::ids::ChunkId;

use super::Entry;
use crate::Flaw;
use crate::compress::MAX_CHUNK_BYTES;
use crate::cursor::Cursor;
use crate::encoding::Encoding;
use crate::header::HEADER_BYTES;
use crate::seal::SEAL_BYTES;

/// Bytes of the shortest entry.
const ENTRY_BYTES: usize = 32 + 1 + 4 + 4;

/// Bytes of the longest entry.
pub(super) const MAX_ENTRY_BYTES: usize = ENTRY_BYTES + 32;

/// What chunks a pack holds, in the order of their frames.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
}

impl Directory {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            out.extend_from_slice(&entry.id.0);
            out.push(entry.encoding.code());
            out.extend_from_slice(&entry.frame_len.to_le_bytes());
            out.extend_from_slice(&entry.plain_len.to_le_bytes());
            if let Some(base) = entry.encoding.base() {
                out.extend_from_slice(&base.0);
            }
        }
    }

    /// Bytes that [`Directory::encode`] makes.
    pub(crate) fn encoded_len(&self) -> usize {
        let bases = self.entries.iter().filter(|entry| entry.encoding.base().is_some()).count();
        4 + self.entries.len() * ENTRY_BYTES + bases * 32
    }

    /// Decodes a directory and leaves the cursor behind it.
    ///
    /// Every entry is possible by itself, and all frames end within 4 GiB.
    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Flaw> {
        let count = cursor.count(ENTRY_BYTES)?;
        let mut entries = Vec::with_capacity(count);
        let mut end = HEADER_BYTES as u32;
        for _ in 0..count {
            let entry = decode_entry(cursor)?;
            end = end.checked_add(entry.frame_len).ok_or(MALFORMED)?;
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Bytes that all frames take.
    pub(crate) fn frames_len(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.frame_len)).sum()
    }
}

const MALFORMED: Flaw = Flaw::Malformed("an entry for a chunk");

fn decode_entry(cursor: &mut Cursor<'_>) -> Result<Entry, Flaw> {
    let id = ChunkId(cursor.array()?);
    let code = cursor.byte()?;
    let frame_len = cursor.u32()?;
    let plain_len = cursor.u32()?;
    let stored_len = frame_len.checked_sub(SEAL_BYTES as u32).ok_or(MALFORMED)?;
    let encoding = match code {
        0 if stored_len == plain_len => Encoding::Plain,
        1 => Encoding::Zstd,
        2 => Encoding::Difference { base: ChunkId(cursor.array()?) },
        _ => return Err(MALFORMED),
    };
    if u64::from(plain_len) > MAX_CHUNK_BYTES {
        return Err(MALFORMED);
    }
    Ok(Entry { id, encoding, frame_len, plain_len })
}
