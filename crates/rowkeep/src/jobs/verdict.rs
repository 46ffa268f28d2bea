//! How a job ended, for whoever has to go on from there.

use serde::{Deserialize, Serialize};

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it was asked for.
    Done,
    /// It came to its end, and what it looked at differs, is damaged or lacks something.
    Differences,
    /// Whoever was asked did not approve of it; nothing was changed.
    Refused,
    /// It came to its end, and something of it failed.
    Failed,
}

/// What has a verdict.
pub(crate) trait Verdicted {
    /// How it ended.
    fn verdict(&self) -> Verdict;
}
