//! What became of a database in a period.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::AlertEntry;
use super::gaps::Stretch;

/// Whether what was promised was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It was, and that is known of the whole period.
    Kept,
    /// It was not.
    NotKept,
    /// Nobody knows, of some of the period at least.
    Unknown,
    /// Nothing was promised, and nothing is scheduled.
    NotPromised,
}

impl Verdict {
    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Kept => "kept",
            Verdict::NotKept => "not kept",
            Verdict::Unknown => "not known",
            Verdict::NotPromised => "not promised",
        }
    }
}

/// What became of a database in a period.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DatabaseReport {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// Why it is not said to be kept.
    pub(crate) reasons: Vec<String>,
    /// The seconds of work that may be lost at most, where that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lose_seconds: Option<u64>,
    /// The seconds within which it has to be back, where that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) back_in_seconds: Option<u64>,
    /// When it is backed up, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// Backups that are stored.
    pub(crate) backups_stored: u64,
    /// Backups that failed for good.
    pub(crate) backups_failed: u64,
    /// The longest time of whose work nothing could have been restored at some moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) longest_gap: Option<Stretch>,
    /// The seconds that such a gap may have by what is promised or scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allowed_gap_seconds: Option<u64>,
    /// Drills that proved a snapshot.
    pub(crate) drills_proven: u64,
    /// Drills that failed, or found that something differs.
    pub(crate) drills_failed: u64,
    /// The drill that ended last; where none did, it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_drill: Option<LastDrill>,
    /// Its alerts.
    pub(crate) alerts: Vec<AlertEntry>,
}

/// The drill that ended last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LastDrill {
    /// The id of its job.
    pub(crate) job: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) ended: Timestamp,
    /// Whether it proved a snapshot.
    pub(crate) proven: bool,
    /// The milliseconds that it took to restore and to prove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_ms: Option<u64>,
}
