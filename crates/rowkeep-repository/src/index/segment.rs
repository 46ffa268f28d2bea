use rowkeep_format::ids::ChunkId;

use crate::encoding::Encoding;
use crate::pack::Entry;

/// A copy of a chunk in memory.
///
/// The base of a difference is kept by the first half of its first half, which is enough to find it among all chunks of
/// the largest repository; two that begin alike are both tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) id: ChunkId,
    /// The pack's number, and in the two highest bits the code of the encoding.
    pack_and_code: u32,
    pub(super) offset: u32,
    pub(super) frame_len: u32,
    pub(super) plain_len: u32,
    /// The beginning of the base's id, in two halves so that rows need no padding; zeros without a base.
    base: [u32; 2],
}

const CODE_SHIFT: u32 = 30;
/// No more packs than this have a number.
pub(super) const MAX_PACKS: usize = 1 << CODE_SHIFT;
const _: () = assert!(size_of::<Row>() == 56);

/// What is kept of the id of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix(u64);

impl Prefix {
    pub(super) fn of(id: &ChunkId) -> Self {
        let mut head = [0; 8];
        head.copy_from_slice(&id.0[..8]);
        Self(u64::from_be_bytes(head))
    }
}

impl Row {
    /// A row, for a pack whose number is below [`MAX_PACKS`].
    pub(super) fn new(pack: u32, offset: u32, entry: &Entry) -> Self {
        let base = entry.encoding.base().map_or(0, |base| Prefix::of(base).0);
        Self {
            id: entry.id,
            pack_and_code: pack | u32::from(entry.encoding.code()) << CODE_SHIFT,
            offset,
            frame_len: entry.frame_len,
            plain_len: entry.plain_len,
            base: [(base >> 32) as u32, base as u32],
        }
    }

    pub(super) fn pack(&self) -> u32 {
        self.pack_and_code & (MAX_PACKS as u32 - 1)
    }

    /// Whether it is no difference to another chunk.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.encoding(), Stored::Whole(_))
    }

    /// How it is stored, as far as that is known without its base.
    pub(super) fn encoding(&self) -> Stored {
        match self.pack_and_code >> CODE_SHIFT {
            0 => Stored::Whole(Encoding::Plain),
            1 => Stored::Whole(Encoding::Zstd),
            _ => Stored::Difference(Prefix(u64::from(self.base[0]) << 32 | u64::from(self.base[1]))),
        }
    }
}

/// How the bytes of a chunk are stored, with what is kept of a base.
pub(super) enum Stored {
    Whole(Encoding),
    Difference(Prefix),
}

/// Rows in the order of their chunks' names.
pub(super) struct Segment {
    pub(super) rows: Vec<Row>,
}

/// Segments of more rows stay as they are, so that bringing an index up to date never copies much of it.
const MAX_MERGED_ROWS: usize = 1 << 20;

impl Segment {
    pub(super) fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable();
        Self { rows }
    }

    /// The rows of a chunk.
    pub(super) fn of(&self, id: &ChunkId) -> &[Row] {
        let (start, len) = self.range_of(id);
        &self.rows[start..start + len]
    }

    /// Where the rows of a chunk begin, and how many they are.
    pub(super) fn range_of(&self, id: &ChunkId) -> (usize, usize) {
        let start = self.rows.partition_point(|row| row.id < *id);
        let len = self.rows[start..].iter().take_while(|row| row.id == *id).count();
        (start, len)
    }

    /// The rows of all chunks whose names begin so.
    pub(super) fn beginning_with(&self, prefix: Prefix) -> &[Row] {
        let start = self.rows.partition_point(|row| Prefix::of(&row.id).0 < prefix.0);
        let rows = &self.rows[start..];
        let len = rows.iter().take_while(|row| Prefix::of(&row.id) == prefix).count();
        &rows[..len]
    }

    /// Whether the two are to become one: small ones are merged, so that there are never many.
    pub(super) fn merges_with(&self, later: &Self) -> bool {
        let (rows, later) = (self.rows.len(), later.rows.len());
        rows + later <= MAX_MERGED_ROWS && rows <= later.saturating_mul(2)
    }

    pub(super) fn merged(&self, later: &Self) -> Self {
        let mut rows = Vec::with_capacity(self.rows.len() + later.rows.len());
        let (mut left, mut right) = (self.rows.iter().peekable(), later.rows.iter().peekable());
        while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
            rows.extend(if one <= other { left.next() } else { right.next() });
        }
        rows.extend(left);
        rows.extend(right);
        Self { rows }
    }
}
