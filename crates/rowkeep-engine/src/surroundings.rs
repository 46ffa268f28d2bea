use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_format::clock::{Clock, SystemClock};

/// What engines need to know of the machine they run on; libraries do not look for themselves.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Folders in which PostgreSQL's client programs may be, the most wanted first.
    pub postgres_bin: Vec<PathBuf>,
    /// The name of the machine, by which files of one path on two machines are told apart.
    pub host: Option<String>,
    /// Where large sorts may spill to; the system's temporary folder when not given.
    pub temporary: Option<PathBuf>,
    /// The clock by which they wait.
    pub clock: Arc<dyn Clock>,
    /// Whether states are to tell nothing of what was written since earlier ones, so that all rows are read.
    pub read_all: bool,
}

/// The clock of this machine, and nothing else.
impl Default for Surroundings {
    fn default() -> Self {
        Self {
            postgres_bin: Vec::new(),
            host: None,
            temporary: None,
            clock: SystemClock::shared(),
            read_all: false,
        }
    }
}
