use std::path::PathBuf;

/// What engines need to know of the machine they run on; libraries do not look for themselves.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Folders in which PostgreSQL's client programs may be, the most wanted first.
    pub postgres_bin: Vec<PathBuf>,
    /// Where large sorts may spill to; the system's temporary folder when not given.
    pub temporary: Option<PathBuf>,
    /// Whether states are to tell nothing of what was written since earlier ones, so that all rows are read.
    pub read_all: bool,
}
