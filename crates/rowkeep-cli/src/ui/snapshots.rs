//! Snapshots in a table.

use rowkeep::jobs::outcome::{SnapshotSummary, UnreadableSnapshot};
use rowkeep::jobs::repositories::RepositoryState;
use rowkeep::jobs::snapshots::SnapshotsOutcome;

use super::holds;
use super::snapshot::called;
use super::table::{Column, render};
use super::units::{bytes, count, counted, local_time, plain, short, time_zone};

/// What somebody called it and tagged it with, or what it was taken before.
fn name(snapshot: &SnapshotSummary) -> String {
    let before = snapshot.before.as_ref().map(|before| format!("(before {before})"));
    before.into_iter().chain(called(snapshot)).collect::<Vec<_>>().join(" ")
}

/// Snapshots in a table, and those that cannot be read below it.
pub(crate) fn told(outcome: &SnapshotsOutcome) -> String {
    let doubted = outcome.snapshots.iter().filter_map(|snapshot| {
        let doubt = snapshot.time_doubt.as_ref()?;
        Some(format!("WRONG TIME of snapshot {}: {doubt}", short(snapshot.id)))
    });
    let held = outcome.snapshots.iter().flat_map(|snapshot| {
        let told = |hold| format!("HELD snapshot {}: {}", short(snapshot.id), holds::told(hold));
        snapshot.holds.iter().map(told)
    });
    let suspicious = outcome.snapshots.iter().filter_map(holds::suspicious);
    let unreadable_holds =
        outcome.unreadable_holds.iter().map(|error| format!("cannot read a hold: {error}"));
    let unreadable = outcome.unreadable.iter();
    let unreadable =
        unreadable.map(|UnreadableSnapshot { id, error }| format!("cannot read snapshot {id}: {error}"));
    let repositories = outcome.repositories.iter().map(repository);
    std::iter::once(all(outcome))
        .chain(repositories)
        .chain(doubted)
        .chain(held)
        .chain(suspicious)
        .chain(unreadable)
        .chain(unreadable_holds)
        .collect::<Vec<_>>()
        .join("\n")
}

/// How one of several repositories stands to the one that is shown.
fn repository(state: &RepositoryState) -> String {
    let RepositoryState { repository, shown, lacks, ahead, error } = state;
    if let Some(error) = error {
        return format!("repository {repository}: CANNOT BE OPENED: {}", plain(error));
    }
    if *shown {
        return format!("repository {repository}: these");
    }
    let mut told = Vec::new();
    if *lacks > 0 {
        told.push(format!("lacks {}", counted(*lacks, "snapshot")));
    }
    if *ahead > 0 {
        told.push(format!("has {} more", counted(*ahead, "snapshot")));
    }
    match told.is_empty() {
        true => format!("repository {repository}: up to date"),
        false => {
            let which = if lacks + ahead == 1 { "it" } else { "them" };
            format!("repository {repository}: {}; the next backup copies {which}", told.join(", "))
        }
    }
}

/// The database of a snapshot: by its place where several have its name.
fn database(snapshot: &SnapshotSummary, shared_names: &[String]) -> String {
    let place = snapshot.place.as_ref().filter(|_| shared_names.contains(&snapshot.database));
    place.unwrap_or(&snapshot.database).clone()
}

fn all(SnapshotsOutcome { snapshots, shared_names, unreadable, .. }: &SnapshotsOutcome) -> String {
    if snapshots.is_empty() && !unreadable.is_empty() {
        return "no snapshot can be read; `rowkeep check` lists the damage".to_owned();
    }
    if snapshots.is_empty() {
        return "no snapshots yet; create one with `rowkeep backup DATABASE`".to_owned();
    }
    let new = snapshots.iter().map(|snapshot| snapshot.new_bytes).sum();
    let all = counted(snapshots.len() as u64, "snapshot");
    let total = format!("{all}, {} stored; times are {}", bytes(new), time_zone());
    format!("{}\n\n{total}", table(snapshots, shared_names))
}

/// Snapshots in a table; databases that share one of these names are shown by their places.
pub(super) fn table(snapshots: &[SnapshotSummary], shared_names: &[String]) -> String {
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
            database(snapshot, shared_names),
            name(snapshot),
            count(snapshot.tables),
            count(snapshot.rows),
            bytes(snapshot.bytes),
            bytes(snapshot.new_bytes),
        ]
    });
    render(&columns, rows)
}
