//! What is needed: one bit for each copy of a chunk that the index knows, and who tells.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::ids::{ChunkId, PlanId, SnapshotId};

use crate::index::{Copy, Index, PackNumber};
use crate::{Error, Reader};

/// What knows what snapshots and plans need.
#[async_trait]
pub trait Needs: Send + Sync {
    /// What can go wrong.
    type Error: From<Error> + Send;

    /// Tells of every chunk that some snapshots and plans need, as far as they are still there. It has to fail when it cannot
    /// tell: what it does not tell of is deleted in the end.
    async fn find(&self, reader: &Reader, roots: Roots, needed: &mut Needed) -> Result<(), Self::Error>;
}

/// What needs chunks.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// All snapshots, those that do not count yet included.
    pub snapshots: Vec<SnapshotId>,
    /// All plans.
    pub plans: Vec<PlanId>,
}

/// The chunks that snapshots and plans need, as far as they were told of.
pub struct Needed {
    index: Arc<Index>,
    /// By the ordinals of the index.
    bits: Vec<u64>,
}

impl Needed {
    pub(super) fn new(index: Arc<Index>) -> Self {
        let bits = vec![0; index.rows_len().div_ceil(64)];
        Self { index, bits }
    }

    /// Takes note of a chunk; says whether that is new, so that whoever goes through what is shared does so once.
    pub fn add(&mut self, id: &ChunkId) -> bool {
        let index = Arc::clone(&self.index);
        let mut is_new = false;
        let mut is_known = false;
        for ordinal in index.ordinals(id) {
            is_known = true;
            is_new |= self.set(ordinal);
        }
        if !is_known {
            return true;
        }
        if is_new {
            // One level: what others are a difference to is none itself.
            let bases: Vec<ChunkId> =
                index.places(id).filter_map(|place| place.entry.encoding.base().copied()).collect();
            for base in bases {
                for ordinal in index.ordinals(&base) {
                    self.set(ordinal);
                }
            }
        }
        is_new
    }

    fn set(&mut self, ordinal: usize) -> bool {
        let (word, bit) = (&mut self.bits[ordinal / 64], 1 << (ordinal % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn has(&self, ordinal: usize) -> bool {
        self.bits[ordinal / 64] & 1 << (ordinal % 64) != 0
    }

    /// For each pack how much of it is needed. Of several copies of a chunk, one is: in the first pack for which `is_kept`
    /// holds, or in the first of all where it holds for none.
    pub(super) fn usage(&self, is_kept: impl Fn(PackNumber) -> bool) -> Vec<Usage> {
        let mut usage = vec![Usage::default(); self.index.packs().count()];
        let mut copies: Vec<Copy> = Vec::new();
        let mut last: Option<ChunkId> = None;
        let settle = |copies: &mut Vec<Copy>, usage: &mut Vec<Usage>| {
            // A difference is no substitute: it may be one to what others are differences to.
            copies.sort_unstable_by_key(|copy| (!is_kept(copy.pack), !copy.is_whole, copy.pack));
            for (at, copy) in copies.drain(..).enumerate() {
                let of = &mut usage[copy.pack.at()];
                of.bytes += u64::from(copy.bytes);
                if self.has(copy.ordinal) && at == 0 {
                    of.needed_bytes += u64::from(copy.bytes);
                    of.needed_chunks += 1;
                }
            }
        };
        for copy in self.index.copies() {
            if last != Some(copy.id) {
                settle(&mut copies, &mut usage);
                last = Some(copy.id);
            }
            copies.push(copy);
        }
        settle(&mut copies, &mut usage);
        usage
    }

    /// The needed chunks of some packs that no other pack holds for which `is_kept` holds.
    pub(super) fn only_in(
        &self,
        packs: &HashSet<PackNumber>,
        is_kept: impl Fn(PackNumber) -> bool,
    ) -> Vec<(PackNumber, ChunkId)> {
        let is_meant = |copy: &Copy| packs.contains(&copy.pack) && self.has(copy.ordinal);
        let is_elsewhere = |id: &ChunkId| self.index.is_held_whole(id, &is_kept);
        let copies = self.index.copies().filter(|copy| is_meant(copy) && !is_elsewhere(&copy.id));
        copies.map(|copy| (copy.pack, copy.id)).collect()
    }
}

/// How much of a pack is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Bytes of all its chunks.
    pub(super) bytes: u64,
    /// Bytes of the chunks for which it is needed.
    pub(super) needed_bytes: u64,
    pub(super) needed_chunks: u64,
}
