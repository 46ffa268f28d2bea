/// What a check is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Config, key slots and ledger.
    Structure,
    /// Index objects.
    Index,
    /// Whether the packs are there; counts packs that no index object names.
    Packs,
    /// Snapshots; counts snapshots.
    Snapshots,
    /// The contents of packs; counts bytes.
    Data,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckProgress {
    /// What it is busy with.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// Is told of progress, often.
pub(crate) type OnProgress<'a> = &'a (dyn Fn(CheckProgress) + Sync);
