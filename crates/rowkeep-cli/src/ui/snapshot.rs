//! A snapshot that was just made.

use std::time::Duration;

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
