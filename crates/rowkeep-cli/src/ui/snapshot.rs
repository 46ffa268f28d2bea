//! A snapshot that was just made.

use std::time::Duration;

use rowkeep::jobs::outcome::SnapshotSummary;

use super::units::{bytes, counted, duration, plain, short};

/// The name and the tags that somebody gave a snapshot; nothing where it has none.
pub(super) fn called(snapshot: &SnapshotSummary) -> Option<String> {
    let tags = snapshot.labels().map(|(name, value)| format!("{name}={value}"));
    let called: Vec<String> = snapshot.name.iter().cloned().chain(tags).map(|word| plain(&word)).collect();
    (!called.is_empty()).then(|| called.join(" "))
}

/// What was made, in a line, and one more for whatever could not be read.
pub(crate) fn told(snapshot: &SnapshotSummary) -> String {
    let made = format!(
        "snapshot {} of {}: {}, {} in {}; {} new in the repository",
        short(snapshot.id),
        plain(&snapshot.database),
        counted(snapshot.tables, "table"),
        counted(snapshot.rows, "row"),
        duration(Duration::from_millis(snapshot.duration_ms)),
        bytes(snapshot.new_bytes),
    );
    let gone = snapshot.suspicion.iter().map(|gone| format!("\nSUSPICIOUS: {}", plain(gone)));
    let made = gone.fold(made, |told, line| told + &line);
    let unread = snapshot.unread.iter().map(|unread| format!("\nnot in it: {}", plain(unread)));
    unread.fold(made, |told, line| told + &line)
}
