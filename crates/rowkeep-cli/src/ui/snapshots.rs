//! Snapshots in a table.

use rowkeep::jobs::outcome::{SnapshotSummary, UnreadableSnapshot};
use rowkeep::jobs::snapshots::SnapshotsOutcome;

use super::table::{Column, render};
use super::units::{bytes, count, counted, local_time, short, time_zone};

/// What somebody called it, or what it was taken before.
fn name(snapshot: &SnapshotSummary) -> String {
    match (&snapshot.name, &snapshot.before) {
        (Some(name), _) => name.clone(),
        (None, Some(before)) => format!("(before {before})"),
        (None, None) => String::new(),
    }
}

/// Snapshots in a table, and those that cannot be read below it.
pub(crate) fn told(outcome: &SnapshotsOutcome) -> String {
    let unreadable = outcome.unreadable.iter();
    let unreadable =
        unreadable.map(|UnreadableSnapshot { id, error }| format!("cannot read snapshot {id}: {error}"));
    std::iter::once(all(&outcome.snapshots)).chain(unreadable).collect::<Vec<_>>().join("\n")
}

fn all(snapshots: &[SnapshotSummary]) -> String {
    if snapshots.is_empty() {
        return "no snapshots yet; create one with `rowkeep backup DATABASE`".to_owned();
    }
    let new = snapshots.iter().map(|snapshot| snapshot.new_bytes).sum();
    let all = counted(snapshots.len() as u64, "snapshot");
    let total = format!("{all}, {} stored; times are {}", bytes(new), time_zone());
    format!("{}\n\n{total}", table(snapshots))
}

/// Snapshots in a table.
pub(super) fn table(snapshots: &[SnapshotSummary]) -> String {
    let columns = [
        Column("SNAPSHOT", false),
        Column("TIME", false),
        Column("DATABASE", false),
        Column("NAME", false),
        Column("TABLES", true),
        Column("ROWS", true),
        Column("SIZE", true),
        Column("NEW", true),
    ];
    let rows = snapshots.iter().map(|snapshot| {
        vec![
            short(snapshot.id),
            local_time(snapshot.time),
            snapshot.database.clone(),
            name(snapshot),
            count(snapshot.tables),
            count(snapshot.rows),
            bytes(snapshot.bytes),
            bytes(snapshot.new_bytes),
        ]
    });
    render(&columns, rows)
}
