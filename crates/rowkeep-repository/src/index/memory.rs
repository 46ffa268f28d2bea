use std::collections::HashMap;

use rowkeep_format::ids::{ChunkId, PackId};

use crate::encoding::Encoding;
use crate::header::Salt;
use crate::pack::{Entry, PackRecord, with_offsets};

/// Which pack, in the order in which the index met them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PackNumber(u32);

/// A pack as far as reading chunks from it needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct PackPlace {
    pub(crate) id: PackId,
    pub(crate) size: u64,
    pub(crate) salt: Salt,
}

/// A copy of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: PackNumber,
    pub(crate) offset: u32,
    pub(crate) entry: Entry,
}

/// All chunks of a repository in memory: 48 bytes for each, sorted by name.
///
/// A chunk that several packs hold is there several times, so that one lost copy does not hurt.
#[derive(Default)]
pub(crate) struct Index {
    rows: Vec<Row>,
    packs: Vec<PackPlace>,
    /// The bases of chunks stored as a difference, of which there are few.
    bases: HashMap<(u32, u32), ChunkId>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: ChunkId,
    /// The pack's number, and in the two highest bits the code of the encoding.
    pack_and_code: u32,
    offset: u32,
    frame_len: u32,
    plain_len: u32,
}

const CODE_SHIFT: u32 = 30;
const MAX_PACKS: usize = 1 << CODE_SHIFT;
const _: () = assert!(size_of::<Row>() == 48);

impl Row {
    fn pack(&self) -> u32 {
        self.pack_and_code & (MAX_PACKS as u32 - 1)
    }
}

impl Index {
    /// Whether any pack holds the chunk.
    pub(crate) fn contains(&self, id: &ChunkId) -> bool {
        !self.rows_of(id).is_empty()
    }

    /// All copies of a chunk.
    pub(crate) fn places(&self, id: &ChunkId) -> impl Iterator<Item = Place> {
        self.rows_of(id).iter().filter_map(|row| self.place(row))
    }

    /// All copies of all chunks, those of the same chunk one after the other.
    pub(crate) fn all(&self) -> impl Iterator<Item = Place> {
        self.rows.iter().filter_map(|row| self.place(row))
    }

    /// The pack of a place.
    pub(crate) fn pack(&self, number: PackNumber) -> &PackPlace {
        &self.packs[number.0 as usize]
    }

    /// All packs.
    pub(crate) fn packs(&self) -> impl Iterator<Item = (PackNumber, &PackPlace)> {
        (0..).map(PackNumber).zip(&self.packs)
    }

    /// How many different chunks there are.
    pub(crate) fn chunks(&self) -> u64 {
        self.rows.chunk_by(|a, b| a.id == b.id).count() as u64
    }

    fn rows_of(&self, id: &ChunkId) -> &[Row] {
        let start = self.rows.partition_point(|row| row.id < *id);
        let rows = &self.rows[start..];
        let len = rows.iter().take_while(|row| row.id == *id).count();
        &rows[..len]
    }

    fn place(&self, row: &Row) -> Option<Place> {
        let encoding = match row.pack_and_code >> CODE_SHIFT {
            0 => Encoding::Plain,
            1 => Encoding::Zstd,
            _ => Encoding::Difference { base: *self.bases.get(&(row.pack(), row.offset))? },
        };
        let entry = Entry { id: row.id, encoding, frame_len: row.frame_len, plain_len: row.plain_len };
        Some(Place { pack: PackNumber(row.pack()), offset: row.offset, entry })
    }
}

/// Collects packs into an [`Index`].
#[derive(Default)]
pub(crate) struct IndexBuilder {
    index: Index,
    seen: HashMap<PackId, u32>,
}

impl IndexBuilder {
    /// Makes room for about so many chunks, so that collecting them does not take twice the memory.
    pub(crate) fn reserve(&mut self, chunks: usize) {
        // An estimate: without the room, the rows take it as they come.
        let _ = self.index.rows.try_reserve_exact(chunks);
    }

    /// Whether the pack has been added.
    pub(crate) fn has(&self, id: &PackId) -> bool {
        self.seen.contains_key(id)
    }

    /// Adds a pack, unless it is known: index objects of several writers may name the same.
    pub(crate) fn add(&mut self, pack: &PackRecord) {
        let number = self.index.packs.len();
        if number >= MAX_PACKS || self.seen.contains_key(&pack.id) {
            return;
        }
        let number = number as u32;
        self.seen.insert(pack.id, number);
        self.index.packs.push(PackPlace { id: pack.id, size: pack.size, salt: pack.salt });
        for (offset, entry) in with_offsets(&pack.directory.entries) {
            if let Encoding::Difference { base } = entry.encoding {
                self.index.bases.insert((number, offset), base);
            }
            self.index.rows.push(Row {
                id: entry.id,
                pack_and_code: number | u32::from(entry.encoding.code()) << CODE_SHIFT,
                offset,
                frame_len: entry.frame_len,
                plain_len: entry.plain_len,
            });
        }
    }

    /// Forgets the chunks of packs for which the condition does not hold; the packs stay known.
    pub(crate) fn keep_chunks_of(&mut self, condition: impl Fn(&PackPlace) -> bool) {
        let keep: Vec<bool> = self.index.packs.iter().map(condition).collect();
        if keep.contains(&false) {
            self.index.rows.retain(|row| keep[row.pack() as usize]);
        }
    }

    pub(crate) fn finish(mut self) -> Index {
        self.index.rows.sort_unstable();
        self.index
    }
}
