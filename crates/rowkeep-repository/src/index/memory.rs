use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use rowkeep_format::ids::{ChunkId, PackId};

use super::segment::{MAX_PACKS, Row, Segment, Stored};
use crate::encoding::Encoding;
use crate::header::Salt;
use crate::pack::{Directory, Entry, PackRecord, with_offsets};

/// Which pack, in the order in which the index met them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PackNumber(u32);

impl PackNumber {
    /// Its place among all packs.
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

/// A pack as far as reading chunks from it needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct PackPlace {
    pub(crate) id: PackId,
    pub(crate) size: u64,
    pub(crate) salt: Salt,
    pub(crate) state: PackState,
}

/// What is known of a pack beside what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackState {
    /// An index object names it.
    Named,
    /// It is there, but no index object names it.
    Unnamed,
    /// It is there, but it is marked or condemned: it can be read, and nobody relies on it any more.
    Doomed,
    /// It was missing, or had another size, when packs were last listed.
    Gone,
}

/// A copy of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: PackNumber,
    pub(crate) offset: u32,
    pub(crate) entry: Entry,
}

/// A copy of a chunk by its number, as [`Index::copies`] goes through all of them.
pub(crate) struct Copy {
    pub(crate) ordinal: usize,
    pub(crate) id: ChunkId,
    pub(crate) pack: PackNumber,
    /// Bytes that it takes in its pack.
    pub(crate) bytes: u32,
    /// Whether it is no difference to another chunk.
    pub(crate) is_whole: bool,
}

/// All chunks of a repository in memory: 56 bytes for each, sorted by name.
///
/// A chunk that several packs hold is there several times, so that one lost copy does not hurt. What is added later
/// stands in segments of its own, and clones share all of them; so bringing an index up to date copies little.
#[derive(Clone, Default)]
pub(crate) struct Index {
    segments: Vec<Arc<Segment>>,
    packs: Arc<Vec<PackPlace>>,
    numbers: Arc<HashMap<PackId, PackNumber>>,
    /// Whether chunks of packs that are gone are not even tried.
    leaves_gone_out: bool,
    /// Copies that were found unreadable.
    unreadable: Arc<HashSet<(PackNumber, ChunkId)>>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("packs", &self.packs.len()).finish_non_exhaustive()
    }
}

impl Index {
    /// Whether any pack holds the chunk, as far as is known, and of a difference also what it is one to.
    pub(crate) fn contains(&self, id: &ChunkId) -> bool {
        self.held_in(id, |_, state| state != PackState::Gone).is_some()
    }

    /// A pack that holds the chunk and for which a condition holds; of a difference, also for a pack that holds what it is one
    /// to. Copies that are known to be unreadable are none.
    pub(crate) fn held_in(
        &self,
        id: &ChunkId,
        condition: impl Fn(PackNumber, PackState) -> bool,
    ) -> Option<PackNumber> {
        let holds = |pack: PackNumber| condition(pack, self.pack(pack).state);
        let has_base = |row: &Row| {
            let mut bases = self.places_of(row).filter_map(|place| place.entry.encoding.base().copied());
            bases.any(|base| self.is_held_whole(&base, holds))
        };
        let is_held = |row: &&Row| {
            let pack = PackNumber(row.pack());
            holds(pack) && !self.is_unreadable(pack, id) && (row.is_whole() || has_base(row))
        };
        self.rows_of(id).find(is_held).map(|row| PackNumber(row.pack()))
    }

    /// The chunk itself if a pack that stays has it whole, else the one that it is a difference to, if such a pack has that.
    pub(crate) fn whole_behind(&self, id: &ChunkId) -> Option<ChunkId> {
        let stays = |pack: PackNumber| matches!(self.pack(pack).state, PackState::Named | PackState::Unnamed);
        if self.is_held_whole(id, stays) {
            return Some(*id);
        }
        let mut bases = self.places(id).filter_map(|place| place.entry.encoding.base().copied());
        bases.find(|base| self.is_held_whole(base, stays))
    }

    /// Whether a copy of a chunk was found unreadable.
    pub(crate) fn is_unreadable(&self, pack: PackNumber, id: &ChunkId) -> bool {
        !self.unreadable.is_empty() && self.unreadable.contains(&(pack, *id))
    }

    /// Takes note of copies that cannot be read.
    pub(crate) fn set_unreadable(&mut self, pack: PackNumber, chunks: impl IntoIterator<Item = ChunkId>) {
        let found: Vec<_> = chunks.into_iter().map(|id| (pack, id)).collect();
        if !found.is_empty() {
            Arc::make_mut(&mut self.unreadable).extend(found);
        }
    }

    /// All copies of a chunk, those in packs that are there to stay first, and those in packs that are gone last.
    ///
    /// A difference whose base is in no pack is none.
    pub(crate) fn places(&self, id: &ChunkId) -> impl Iterator<Item = Place> {
        let rank = |place: &Place| match self.pack(place.pack).state {
            PackState::Named | PackState::Unnamed => 0,
            PackState::Doomed => 1,
            PackState::Gone => 2,
        };
        let all = || self.rows_of(id).flat_map(|row| self.places_of(row));
        let ranks = if self.leaves_gone_out { 0..=1 } else { 0..=2 };
        ranks.flat_map(move |wanted| all().filter(move |place| rank(place) == wanted))
    }

    /// All copies of all chunks, those of the same chunk one after the other; see [`Index::places`].
    pub(crate) fn all(&self) -> impl Iterator<Item = Place> {
        self.rows().flat_map(|row| self.places_of(row))
    }

    /// How many copies of chunks there are.
    pub(crate) fn rows_len(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows.len()).sum()
    }

    /// The numbers of the copies of a chunk, which count up through all copies of all chunks.
    pub(crate) fn ordinals(&self, id: &ChunkId) -> impl Iterator<Item = usize> {
        let mut first = 0;
        self.segments.iter().flat_map(move |segment| {
            let (start, len) = segment.range_of(id);
            let ordinals = first + start..first + start + len;
            first += segment.rows.len();
            ordinals
        })
    }

    /// Whether a pack for which a condition holds has the chunk as a whole, and not as a difference to another.
    pub(crate) fn is_held_whole(&self, id: &ChunkId, condition: impl Fn(PackNumber) -> bool) -> bool {
        self.rows_of(id).any(|row| {
            let pack = PackNumber(row.pack());
            row.is_whole() && condition(pack) && !self.is_unreadable(pack, id)
        })
    }

    /// All copies of all chunks, those of the same chunk one after the other.
    pub(crate) fn copies(&self) -> impl Iterator<Item = Copy> {
        let mut first = 0;
        let mut rest = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            rest.push((first..).zip(&segment.rows).peekable());
            first += segment.rows.len();
        }
        std::iter::from_fn(move || {
            let heads = rest.iter_mut().enumerate().filter_map(|(at, rows)| Some((rows.peek()?.1.id, at)));
            let (_, least) = heads.min()?;
            let (ordinal, row) = rest[least].next()?;
            let pack = PackNumber(row.pack());
            Some(Copy { ordinal, id: row.id, pack, bytes: row.frame_len, is_whole: row.is_whole() })
        })
    }

    /// Whether a pack is there, as far as is known.
    pub(crate) fn is_there(&self, pack: PackNumber) -> bool {
        self.pack(pack).state != PackState::Gone
    }

    /// The pack of a place.
    pub(crate) fn pack(&self, number: PackNumber) -> &PackPlace {
        &self.packs[number.0 as usize]
    }

    /// All packs.
    pub(crate) fn packs(&self) -> impl Iterator<Item = (PackNumber, &PackPlace)> {
        (0..).map(PackNumber).zip(self.packs.iter())
    }

    /// The number of a pack that the index knows.
    pub(crate) fn number(&self, id: &PackId) -> Option<PackNumber> {
        self.numbers.get(id).copied()
    }

    /// How many different chunks there are.
    pub(crate) fn chunks(&self) -> u64 {
        let mut last = None;
        self.rows().filter(|row| last.replace(row.id) != Some(row.id)).count() as u64
    }

    /// The packs that are there although no index object names them, each with what an index object would say of it;
    /// see [`Index::records`].
    pub(crate) fn without_name(&self) -> Vec<(PackPlace, Option<PackRecord>)> {
        let unnamed = self.packs().filter(|(_, pack)| pack.state == PackState::Unnamed);
        self.records(unnamed.map(|(number, _)| number))
    }

    /// Packs, each with what an index object would say of it; with nothing when that is not certain, because of a chunk that
    /// is a difference.
    pub(crate) fn records(
        &self,
        packs: impl Iterator<Item = PackNumber>,
    ) -> Vec<(PackPlace, Option<PackRecord>)> {
        let mut rows: BTreeMap<u32, Vec<&Row>> = packs.map(|number| (number.0, Vec::new())).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        for row in self.segments.iter().flat_map(|segment| &segment.rows) {
            if let Some(rows) = rows.get_mut(&row.pack()) {
                rows.push(row);
            }
        }
        rows.into_iter()
            .map(|(number, mut rows)| {
                rows.sort_unstable_by_key(|row| row.offset);
                let pack = self.pack(PackNumber(number)).clone();
                let only = |row| {
                    let mut places = self.places_of(row);
                    places.next().filter(|_| places.next().is_none()).map(|place| place.entry)
                };
                let entries = rows.into_iter().map(only).collect();
                let record = Option::map(entries, |entries| {
                    let PackPlace { id, size, salt, .. } = pack.clone();
                    PackRecord { id, size, salt, directory: Directory { entries } }
                });
                (pack, record)
            })
            .collect()
    }

    /// The chunks that a pack holds.
    pub(crate) fn chunks_of(&self, pack: PackNumber) -> Vec<ChunkId> {
        let rows = self.segments.iter().flat_map(|segment| &segment.rows);
        rows.filter(|row| row.pack() == pack.0).map(|row| row.id).collect()
    }

    /// Adds packs that it does not know yet.
    pub(crate) fn add(&mut self, collected: Collected) {
        let Collected { rows, packs } = collected;
        let first = self.packs.len();
        Arc::make_mut(&mut self.packs).extend(packs);
        let numbers = Arc::make_mut(&mut self.numbers);
        numbers.extend((first as u32..).map(PackNumber).zip(&self.packs[first..]).map(|(n, p)| (p.id, n)));
        if rows.is_empty() {
            return;
        }
        let mut last = Arc::new(Segment::new(rows));
        while let Some(before) = self.segments.pop_if(|before| before.merges_with(&last)) {
            last = Arc::new(before.merged(&last));
        }
        self.segments.push(last);
    }

    /// The same without the chunks of packs that are gone, and of some others.
    pub(crate) fn without(&self, packs: &HashSet<PackId>) -> Self {
        let mut index = self.clone();
        index.set_states(|_, pack| match packs.contains(&pack.id) {
            true => PackState::Gone,
            false => pack.state,
        });
        index.leaves_gone_out = true;
        index
    }

    /// Changes what is known of packs.
    pub(crate) fn set_states(&mut self, state: impl Fn(PackNumber, &PackPlace) -> PackState) {
        let changed: Vec<_> = self
            .packs()
            .filter_map(|(number, pack)| {
                let next = state(number, pack);
                (next != pack.state).then_some((number, next))
            })
            .collect();
        if !changed.is_empty() {
            let packs = Arc::make_mut(&mut self.packs);
            changed.into_iter().for_each(|(number, state)| packs[number.0 as usize].state = state);
        }
    }

    #[cfg(test)]
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    fn rows_of(&self, id: &ChunkId) -> impl Iterator<Item = &Row> {
        self.segments.iter().flat_map(|segment| segment.of(id))
    }

    /// All rows in the order of their chunks' names.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let mut rest: Vec<_> = self.segments.iter().map(|segment| segment.rows.iter().peekable()).collect();
        std::iter::from_fn(move || {
            let heads = rest.iter_mut().enumerate().filter_map(|(at, rows)| Some((*rows.peek()?, at)));
            let (_, least) = heads.min()?;
            rest[least].next()
        })
    }

    /// The place of a row; several where its base could be several chunks, none where it is none that is known.
    fn places_of(&self, row: &Row) -> impl Iterator<Item = Place> {
        let (whole, base) = match row.encoding() {
            Stored::Whole(encoding) => (Some(encoding), None),
            Stored::Difference(base) => (None, Some(base)),
        };
        let bases = base.into_iter().flat_map(|base| self.segments.iter().map(move |s| (s, base)));
        let bases: BTreeSet<ChunkId> =
            bases.flat_map(|(segment, base)| segment.beginning_with(base)).map(|row| row.id).collect();
        let differences = bases.into_iter().map(|base| Encoding::Difference { base });
        let Row { id, offset, frame_len, plain_len, .. } = *row;
        let pack = PackNumber(row.pack());
        whole.into_iter().chain(differences).map(move |encoding| Place {
            pack,
            offset,
            entry: Entry { id, encoding, frame_len, plain_len },
        })
    }
}

/// Packs that are going to be added to an index.
pub(crate) struct Collected {
    rows: Vec<Row>,
    packs: Vec<PackPlace>,
}

impl Collected {
    /// Collects packs for an index, with room for about so many chunks, so that collecting them does not take twice the
    /// memory.
    pub(crate) fn with_room(chunks: usize) -> Self {
        let mut rows = Vec::new();
        // An estimate: without the room, the rows take it as they come.
        let _ = rows.try_reserve_exact(chunks);
        Self { rows, packs: Vec::new() }
    }

    /// Adds a pack, which gets the number after those of `known` packs and the ones collected before.
    ///
    /// Gives nothing when there are too many packs.
    pub(crate) fn push(&mut self, known: &Index, pack: &PackRecord, state: PackState) -> Option<PackNumber> {
        let number = known.packs.len() + self.packs.len();
        if number >= MAX_PACKS {
            return None;
        }
        let number = number as u32;
        self.packs.push(PackPlace { id: pack.id, size: pack.size, salt: pack.salt, state });
        self.rows.extend(
            with_offsets(&pack.directory.entries).map(|(offset, entry)| Row::new(number, offset, entry)),
        );
        Some(PackNumber(number))
    }
}
