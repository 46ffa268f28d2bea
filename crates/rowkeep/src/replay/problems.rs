//! Entries of a log that do not fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why entries do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// They say no time.
    NoTime,
    /// They came into the log later than the base, and say an earlier time than entries that it has.
    Earlier,
    /// The base has them, and they are others now.
    Altered,
    /// They are about a table that is not there.
    NoTable,
    /// They say no key of the table.
    NoKey,
    /// The row that they change is not there.
    Missing,
    /// The row that they insert is there already.
    Exists,
    /// What they say a row was is not what it is.
    Differs,
    /// What they say a row became cannot be had, or not for certain.
    Unreadable,
    /// Nothing says which of several at one moment was first.
    Unordered,
}

/// Entries that do not fit for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Why they do not.
    pub kind: ProblemKind,
    /// The table that they are about, or the log.
    pub table: String,
    /// What is wrong in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many there are.
    pub entries: u64,
    /// The key of the first.
    pub first: String,
}

/// What does not fit, with what is wrong in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw(pub(super) ProblemKind, pub(super) Option<String>);

impl Flaw {
    pub(super) fn plain(kind: ProblemKind) -> Self {
        Self(kind, None)
    }

    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self(ProblemKind::Unreadable, Some(detail.into()))
    }
}

/// How many entries have a flaw, and which is the first, by table and flaw.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<(String, ProblemKind, Option<String>), (u64, String)>);

impl Problems {
    pub(super) fn add(&mut self, table: &str, entry: &str, flaw: Flaw) {
        let place = self.0.entry((table.to_owned(), flaw.0, flaw.1));
        place.or_insert_with(|| (0, entry.to_owned())).0 += 1;
    }

    pub(super) fn listed(self) -> Vec<Problem> {
        let problem =
            |((table, kind, detail), (entries, first))| Problem { kind, table, detail, entries, first };
        self.0.into_iter().map(problem).collect()
    }
}
