//! What is found out about a database before it is backed up.

use serde::{Deserialize, Serialize};

/// What [`Engine::examine`](crate::Engine::examine) found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Examination {
    /// Facts: server, version, encoding, size, number of tables.
    pub facts: Vec<(String, String)>,
    /// What was looked at, in order, and how it is.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, such as `read every table`.
    pub what: String,
    /// How grave it is.
    pub level: Level,
    /// What was seen, and what to do about it when it is not well.
    pub detail: String,
}

impl Finding {
    /// A finding about `what`.
    pub(crate) fn new(what: &str, level: Level, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), level, detail: detail.into() }
    }
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; a backup works.
    Warning,
    /// A backup would fail or be incomplete.
    Error,
    /// The same, for the database is damaged.
    Damage,
}

/// A number of things: `1 table`, `2 tables`.
pub(crate) fn counted(number: usize, singular: &str) -> String {
    format!("{number} {singular}{}", if number == 1 { "" } else { "s" })
}
