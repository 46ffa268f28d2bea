//! Retention: which snapshots are kept, by which rules, and since when none keeps the others.
//!
//! The decision is pure: what a repository holds, the rules, and what time it is. Nothing is deleted here.

mod decide;
mod forecast;
mod length;
mod named;
mod period;
mod rules;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

pub use decide::{Subject, decide};
pub use forecast::{Forecast, forecast};
pub use length::Length;
pub use named::{Going, going};
pub use period::Period;
pub use rules::{Limit, Rules, Stated, StatedRules};

/// What is known of snapshots beside their summaries.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// The holds on each, none of which is released.
    pub holds: BTreeMap<SnapshotId, Vec<Held>>,
    /// The suspicious ones that somebody looked at.
    pub cleared: BTreeSet<SnapshotId>,
    /// Those that have lost rows for good.
    pub incomplete: BTreeSet<SnapshotId>,
}

/// A hold on a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// What becomes of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// What keeps it; nothing where it is not kept.
    pub kept: Vec<Kept>,
    /// Since when nothing keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unkept_since: Option<Timestamp>,
    /// When it goes if no more snapshots come. None where it is not kept, so that it goes with the next prune, and where only
    /// newer snapshots or a person can end its being kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes: Option<Timestamp>,
}

impl Decision {
    /// Whether it is kept.
    pub fn is_kept(&self) -> bool {
        !self.kept.is_empty()
    }
}

/// What keeps a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What does.
    #[serde(flatten)]
    pub by: By,
    /// Until when, where time alone ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What can keep a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum By {
    /// No rule says what is kept, so all is.
    NoRules,
    /// It is the newest of its kind and device that can be read whole.
    Newest,
    /// It is one of the last so many.
    Last {
        /// How many.
        count: u64,
    },
    /// It is the newest of a period.
    Period {
        /// Which kind of period.
        every: Period,
        /// Which one: `2026-11-20`.
        period: String,
    },
    /// It is not older than that.
    Within {
        /// How old it may become.
        length: String,
    },
    /// It has a tag.
    Tag {
        /// The tag.
        tag: String,
    },
    /// It is a safety snapshot.
    Safety {
        /// How many are kept, or how long.
        limit: String,
    },
    /// Somebody holds it.
    Held {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Much is gone in it, and nobody has looked at it yet.
    Suspicious,
    /// It is the last before one in which much is gone, at which nobody has looked yet.
    BeforeSuspicious {
        /// The suspicious one.
        suspicious: SnapshotId,
    },
    /// It tells that what followed a safety snapshot was taken back, which an undo of that needs to know.
    UndoOf {
        /// The safety snapshot.
        safety: SnapshotId,
    },
    /// Its time cannot be right, so that nobody can tell how old it is.
    WrongTime {
        /// Why not.
        doubt: String,
    },
}

impl By {
    /// What keeps it, in words.
    pub fn told(&self) -> String {
        let short = crate::state::snapshots::short_id;
        match self {
            By::NoRules => "no rules".to_owned(),
            By::Newest => "newest".to_owned(),
            By::Last { count } => format!("last {count}"),
            By::Period { every, period } => format!("{} {period}", every.name()),
            By::Within { length } => format!("within {length}"),
            By::Tag { tag } => format!("tag {tag}"),
            By::Safety { limit } => format!("safety {limit}"),
            By::Held { reason: Some(reason) } => format!("held ({reason})"),
            By::Held { reason: None } => "held".to_owned(),
            By::Suspicious => "suspicious".to_owned(),
            By::BeforeSuspicious { suspicious } => format!("before suspicious {}", short(*suspicious)),
            By::UndoOf { safety } => format!("undo of {}", short(*safety)),
            By::WrongTime { .. } => "wrong time".to_owned(),
        }
    }
}

#[cfg(test)]
mod plain_rule;
#[cfg(test)]
mod tests;
