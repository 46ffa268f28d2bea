//! How the bytes of a chunk are stored.

use rowkeep_format::ids::ChunkId;

/// How the bytes of a chunk are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are.
    Plain,
    /// As one zstd frame.
    Zstd,
    /// As one zstd frame whose window begins with the plain bytes of another chunk, which is stored otherwise.
    Difference { base: ChunkId },
}

impl Encoding {
    pub(crate) fn code(self) -> u8 {
        match self {
            Encoding::Plain => 0,
            Encoding::Zstd => 1,
            Encoding::Difference { .. } => 2,
        }
    }

    pub(crate) fn base(&self) -> Option<&ChunkId> {
        match self {
            Encoding::Plain | Encoding::Zstd => None,
            Encoding::Difference { base } => Some(base),
        }
    }
}
