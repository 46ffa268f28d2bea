//! The index: which chunk is where.
//!
//! ```text
//! index object := document (see `document`) of:
//! index        := count:u32 pack*
//! pack         := id:32 size:u64 salt:32 directory (see `pack`)
//! ```
//!
//! An index object only repeats what the packs' own directories say, so that a reader finds chunks without listing
//! and opening packs. One that is lost or damaged is made anew by the next writer.

mod load;
mod memory;
mod segment;
mod shared;

use rowkeep_format::ids::{IndexId, PackId};

use crate::cursor::Cursor;
use crate::header::{INDEX, Salt};
use crate::pack::{Directory, PackRecord};
use crate::seal::{Sealer, random};
use crate::{Flaw, Result, document, objects};

pub(crate) use load::{Loaded, load};
pub(crate) use memory::{Copy, Index, PackNumber, PackPlace, Place};
pub(crate) use shared::{Packs, SharedIndex};

/// An index object is written after this many packs.
pub(crate) const PACKS_PER_OBJECT: usize = 64;

/// An index object is written after this many chunks.
pub(crate) const CHUNKS_PER_OBJECT: usize = 1 << 14;

/// Bytes of the shortest pack in an index object.
const RECORD_BYTES: usize = 32 + 8 + 32 + 4;

fn encode(packs: &[PackRecord]) -> Vec<u8> {
    let len = packs.iter().map(|pack| RECORD_BYTES + pack.directory.encoded_len()).sum::<usize>();
    let mut out = Vec::with_capacity(4 + len);
    out.extend_from_slice(&(packs.len() as u32).to_le_bytes());
    for pack in packs {
        out.extend_from_slice(&pack.id.0);
        out.extend_from_slice(&pack.size.to_le_bytes());
        out.extend_from_slice(&pack.salt);
        pack.directory.encode(&mut out);
    }
    out
}

fn decode(bytes: &[u8]) -> Result<Vec<PackRecord>, Flaw> {
    let mut cursor = Cursor::new(bytes, "the list of packs");
    let count = cursor.count(RECORD_BYTES)?;
    let mut packs = Vec::with_capacity(count);
    for _ in 0..count {
        let (id, size, salt) = (PackId(cursor.array()?), cursor.u64()?, cursor.array()?);
        let directory = Directory::decode(&mut cursor)?;
        packs.push(PackRecord { id, size, salt, directory });
    }
    cursor.end()?;
    Ok(packs)
}

/// Makes an index object; gives its name and bytes.
pub(crate) fn seal(sealer: &Sealer, packs: &[PackRecord]) -> Result<(IndexId, Vec<u8>)> {
    seal_with_salt(sealer, packs, &random()?)
}

fn seal_with_salt(sealer: &Sealer, packs: &[PackRecord], salt: &Salt) -> Result<(IndexId, Vec<u8>)> {
    let object = document::seal(sealer, INDEX, salt, &encode(packs), "an index object")?;
    Ok((IndexId(*blake3::hash(&object).as_bytes()), object))
}

/// Opens the index object of a name.
pub(crate) fn open(sealer: &Sealer, id: &IndexId, object: &[u8]) -> Result<Vec<PackRecord>, Flaw> {
    if blake3::hash(object).as_bytes() != &id.0 {
        return Err(Flaw::Name);
    }
    decode(&document::open(sealer, INDEX, object)?)
}

/// The id in the name of an index object.
pub(crate) fn id_of(object: &objects::Listed) -> Option<IndexId> {
    IndexId::from_hex(object.within(objects::INDEX)?).ok()
}

#[cfg(test)]
#[path = "index/tests.rs"]
mod tests;
