//! Snapshots in a table.

use rowkeep::jobs::outcome::{SnapshotSummary, UnreadableSnapshot};
use rowkeep::jobs::snapshots::SnapshotsOutcome;

use super::table::{Column, render};
use super::units::{bytes, count, counted, local_time, short};

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
    std::iter::once(table(&outcome.snapshots)).chain(unreadable).collect::<Vec<_>>().join("\n")
}

fn table(snapshots: &[SnapshotSummary]) -> String {
    if snapshots.is_empty() {
        return "no snapshots yet; create one with `rowkeep backup DATABASE`".to_owned();
    }
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
    let new = snapshots.iter().map(|snapshot| snapshot.new_bytes).sum();
    let total = format!("{}; {} stored", counted(snapshots.len() as u64, "snapshot"), bytes(new));
    format!("{}\n\n{total}", render(&columns, rows))
}
