//! What may become a snapshot.

use std::path::PathBuf;

use jiff::Timestamp;

use super::outcome::TimeFrom;
use crate::jobs::workspace::Source;

/// A file with what is known of it before it is read.
pub(super) struct Candidate {
    pub(super) source: Source,
    pub(super) what: String,
    pub(super) written_by: Option<String>,
    pub(super) time: Timestamp,
    pub(super) time_from: TimeFrom,
    /// The files that it is read from, and whether the rows of one table are all that it is meant to have.
    pub(super) files: Vec<PathBuf>,
    pub(super) is_one_table: bool,
    /// What tells it from others, where it is of a format that is read.
    pub(super) content: Option<String>,
}
