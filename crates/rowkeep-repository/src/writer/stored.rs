use std::ops::Add;

/// What a run stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// New packs.
    pub packs: u64,
    /// New chunks.
    pub chunks: u64,
    /// Bytes of the new packs.
    pub bytes: u64,
    /// Bytes of the new chunks before compression.
    pub plain_bytes: u64,
    /// Packs that an earlier run had written and not come to index, which are used now.
    pub adopted_packs: u64,
}

impl Add for Stored {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            packs: self.packs + other.packs,
            chunks: self.chunks + other.chunks,
            bytes: self.bytes + other.bytes,
            plain_bytes: self.plain_bytes + other.plain_bytes,
            adopted_packs: self.adopted_packs + other.adopted_packs,
        }
    }
}
