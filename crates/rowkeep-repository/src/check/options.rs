/// How thoroughly to look.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CheckOptions {
    /// Which packs to read, and not only to look for.
    pub read_data: ReadData,
}

/// Which packs to read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ReadData {
    /// None.
    #[default]
    Nothing,
    /// About so many of a hundred, and at least one.
    Percent {
        /// How many of a hundred.
        percent: f64,
        /// Another seed chooses other packs.
        seed: u64,
    },
    /// All.
    Everything,
}
