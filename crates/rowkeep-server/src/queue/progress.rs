//! How far jobs have come.

use std::sync::{Mutex, PoisonError};

use rowkeep::{Event, Phase};
use serde::Serialize;
use utoipa::ToSchema;

/// How far a job has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// What it is at: `backup`, `restore`, `verify`.
    pub(crate) phase: Option<&'static str>,
    /// The rows that were gone through in this phase.
    pub(crate) rows: u64,
    /// How many there will be, as far as that is known.
    pub(crate) rows_expected: u64,
    /// The bytes that were gone through.
    pub(crate) bytes: u64,
}

/// Takes note of what happened in a job.
pub(crate) fn advance(progress: &Mutex<Progress>, event: &Event<'_>) {
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::Phase { phase, rows, .. } => {
            *progress =
                Progress { phase: Some(phase_name(*phase)), rows_expected: *rows, ..Progress::default() };
        }
        Event::Advanced { rows, bytes, .. } => {
            progress.rows += rows;
            progress.bytes += bytes;
        }
        Event::TableAgain { rows, bytes, .. } => {
            progress.rows = progress.rows.saturating_sub(*rows);
            progress.bytes = progress.bytes.saturating_sub(*bytes);
        }
        Event::Checked { bytes, .. } => progress.bytes += bytes,
        _ => {}
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Backup => "backup",
        Phase::Verify => "verify",
        Phase::Diff => "diff",
        Phase::Apply => "apply",
        Phase::Restore => "restore",
        Phase::Finish => "finish",
        Phase::Export => "export",
        Phase::Check => "check",
        Phase::Copy => "copy",
    }
}
