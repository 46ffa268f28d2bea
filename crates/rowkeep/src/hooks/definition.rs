//! What a hook is, and when it runs.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

use crate::variables::Expanded;

/// An operation that hooks can stand around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A snapshot is made.
    Backup,
    /// A snapshot is restored.
    Restore,
    /// A restore is taken back.
    Undo,
    /// A migration is run.
    Migrate,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 4] =
        [Operation::Backup, Operation::Restore, Operation::Undo, Operation::Migrate];

    /// Its name, as configurations and hooks know it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Backup => "backup",
            Operation::Restore => "restore",
            Operation::Undo => "undo",
            Operation::Migrate => "migrate",
        }
    }
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before anything of an operation is done.
    Before(Operation),
    /// After it, however it ended.
    After(Operation),
}

impl Moment {
    /// The moment of a name such as `before-restore`.
    pub fn parse(text: &str) -> Option<Self> {
        let all = Operation::ALL.into_iter().flat_map(|of| [Moment::Before(of), Moment::After(of)]);
        all.into_iter().find(|moment| moment.to_string() == text)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Before(operation) => write!(f, "before-{}", operation.name()),
            Moment::After(operation) => write!(f, "after-{}", operation.name()),
        }
    }
}

/// Something to run at some moments.
#[derive(Debug, Clone)]
pub struct Hook {
    /// What people call it. It holds no secret.
    pub name: String,
    /// When it runs.
    pub when: Vec<Moment>,
    /// The longest that it may take, tries again included.
    pub timeout: Duration,
    pub(super) action: Action,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// A command line for the shell. People write tokens into those.
    Command(SecretString),
    /// A request.
    Webhook { url: Expanded, headers: Vec<(String, Expanded)> },
}

/// Why a hook did not end well.
pub(super) enum Problem {
    /// Somebody asked to stop.
    Stopped,
    /// Anything else, in words that go on after the hook's name.
    Failed(String),
}
