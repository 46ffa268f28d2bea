//! A snapshot that was just made.

use std::time::Duration;

use rowkeep::jobs::backup::BackupOutcome;
use rowkeep::jobs::outcome::SnapshotSummary;

use super::units::{bytes, counted, duration, plain, short};

/// What was made, in a line.
pub(crate) fn told(snapshot: &SnapshotSummary) -> String {
    format!(
        "snapshot {} of {}: {}, {} in {}; {} new in the repository",
        short(snapshot.id),
        plain(&snapshot.database),
        counted(snapshot.tables, "table"),
        counted(snapshot.rows, "row"),
        duration(Duration::from_millis(snapshot.duration_ms)),
        bytes(snapshot.new_bytes),
    )
}

/// Which of several databases were not backed up, in a line.
pub(crate) fn failed(outcome: &BackupOutcome) -> String {
    let failed: Vec<_> = outcome.failed.iter().map(|failed| plain(&failed.database)).collect();
    let all = failed.len() + outcome.snapshots.len();
    let were = if failed.len() == 1 { "was" } else { "were" };
    let all = counted(all as u64, "database");
    format!("{} of {all} {were} not backed up: {}", failed.len(), failed.join(", "))
}
