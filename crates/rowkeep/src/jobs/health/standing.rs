//! How a database stands to what was promised of it, in a word and in a sentence.

use serde::{Deserialize, Serialize};

use crate::config::Promise;

/// How a database stands to what was promised of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// What was promised is kept, or nothing was, and the last backup is done.
    Kept,
    /// It is kept, and the last backup or drill failed, or `back_in` is promised and drills have left out one of its devices.
    AtRisk,
    /// Nothing was promised, and the last backup that its schedule wanted did not come.
    Overdue,
    /// It is not kept: the newest snapshot is older than may be lost, or there is none.
    Broken,
    /// There is no snapshot, and nothing was promised.
    Unprotected,
    /// The repository cannot be read, so that nobody knows.
    Unknown,
}

impl Standing {
    /// All of them, the worst first.
    pub const ALL: [Standing; 6] = [
        Standing::Broken,
        Standing::Unknown,
        Standing::Unprotected,
        Standing::Overdue,
        Standing::AtRisk,
        Standing::Kept,
    ];

    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Kept => "kept",
            Standing::AtRisk => "at_risk",
            Standing::Overdue => "overdue",
            Standing::Broken => "broken",
            Standing::Unprotected => "unprotected",
            Standing::Unknown => "unknown",
        }
    }
}

/// What is known of a database.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Whether the repository can be read.
    pub is_readable: bool,
    /// The age of what the newest snapshot holds; none where there is no snapshot.
    pub age_seconds: Option<u64>,
    /// What was promised.
    pub promise: Option<Promise>,
    /// Whether a backup that its schedule wanted did not come.
    pub is_overdue: bool,
    /// Whether the last backup or drill failed.
    pub has_failed: bool,
    /// Whether some of its devices were drilled and others never.
    pub is_partly_drilled: bool,
}

impl Known {
    /// How the database stands by that.
    pub fn standing(&self) -> Standing {
        match (self.age_seconds, self.promise) {
            _ if !self.is_readable => Standing::Unknown,
            (None, None) => Standing::Unprotected,
            (None, Some(_)) => Standing::Broken,
            (Some(age_seconds), Some(promise)) if age_seconds > promise.lose_seconds => Standing::Broken,
            (Some(_), None) if self.is_overdue => Standing::Overdue,
            _ if self.has_failed => Standing::AtRisk,
            // Nobody knows of those whether they come back.
            (_, Some(Promise { back_in_seconds: Some(_), .. })) if self.is_partly_drilled => Standing::AtRisk,
            _ => Standing::Kept,
        }
    }
}

/// How so many databases are, in one sentence.
pub fn summary(databases: u64, kept: u64, all_promised: bool) -> String {
    match (databases, all_promised) {
        (0, _) => "no database is configured".to_owned(),
        (1, true) => format!("{kept} of 1 database keeps its promise"),
        (_, true) => format!("{kept} of {databases} databases keep their promise"),
        (1, false) => format!("{kept} of 1 database is protected"),
        (_, false) => format!("{kept} of {databases} databases are protected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_all_that_is_known() {
        let promise = Some(Promise { lose_seconds: 3_600, back_in_seconds: None });
        let known = Known {
            is_readable: true,
            age_seconds: Some(60),
            promise: None,
            is_overdue: false,
            has_failed: false,
            is_partly_drilled: false,
        };
        let back_in = Some(Promise { lose_seconds: 3_600, back_in_seconds: Some(60) });
        for (known, standing) in [
            (known, Standing::Kept),
            (Known { has_failed: true, ..known }, Standing::AtRisk),
            (Known { is_partly_drilled: true, promise: back_in, ..known }, Standing::AtRisk),
            (Known { is_partly_drilled: true, promise, ..known }, Standing::Kept),
            (Known { is_overdue: true, has_failed: true, ..known }, Standing::Overdue),
            (Known { age_seconds: None, ..known }, Standing::Unprotected),
            (Known { age_seconds: None, promise, ..known }, Standing::Broken),
            (Known { age_seconds: Some(3_600), promise, is_overdue: true, ..known }, Standing::Kept),
            (Known { age_seconds: Some(3_601), promise, ..known }, Standing::Broken),
            (Known { is_readable: false, age_seconds: None, promise, ..known }, Standing::Unknown),
        ] {
            assert_eq!(known.standing(), standing, "{known:?}");
        }
    }
}
