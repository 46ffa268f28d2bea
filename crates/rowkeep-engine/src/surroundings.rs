use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_format::clock::{Clock, SystemClock};
use secrecy::SecretString;

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
    /// What PostgreSQL's own programs would go by where a URL says nothing.
    pub libpq: LibpqEnvironment,
    /// What the environment has for Cloudflare D1.
    pub cloudflare: CloudflareEnvironment,
    /// Whether a state of a database that can only be read piece by piece may be none that it ever had as a whole.
    pub allow_moving: bool,
    /// Variables of the environment that hold secrets of the repository, which no program that is started gets.
    pub withheld: Vec<String>,
}

/// What a user has told PostgreSQL's own programs, by variables and files.
#[derive(Clone, Default)]
pub struct LibpqEnvironment {
    /// Variables whose names begin with `PG`.
    pub variables: BTreeMap<String, String>,
    /// The user's home, where service and password files are.
    pub home: Option<PathBuf>,
}

impl LibpqEnvironment {
    /// What a variable says, if it says something.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// What a user has told Cloudflare's own programs, and rowkeep's Worker.
#[derive(Debug, Clone, Default)]
pub struct CloudflareEnvironment {
    /// The token of the REST API.
    pub token: Option<SecretString>,
    /// Another address of the REST API.
    pub api: Option<String>,
    /// The secret that the Worker wants.
    pub worker_secret: Option<SecretString>,
}

/// Shows no values: one is a password.
impl fmt::Debug for LibpqEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibpqEnvironment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .finish()
    }
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
            libpq: LibpqEnvironment::default(),
            cloudflare: CloudflareEnvironment::default(),
            allow_moving: false,
            withheld: Vec::new(),
        }
    }
}
