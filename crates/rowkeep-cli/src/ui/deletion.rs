//! Snapshots that are to be deleted, or were.

use rowkeep::jobs::Verdict;
use rowkeep::jobs::delete::DeleteOutcome;
use rowkeep::jobs::outcome::SnapshotSummary;
use serde_json::{Value, json};

use super::snapshots::table;
use super::units::counted;

/// What is to be deleted.
pub(crate) fn plan_told(snapshots: &[SnapshotSummary]) -> String {
    let has_namesake = |one: &&SnapshotSummary| {
        snapshots.iter().any(|other| other.database == one.database && other.place != one.place)
    };
    let shared: Vec<String> =
        snapshots.iter().filter(has_namesake).map(|snapshot| snapshot.database.clone()).collect();
    format!("to be deleted:\n{}", table(snapshots, &shared))
}

/// How it ended.
pub(crate) fn told(outcome: &DeleteOutcome) -> String {
    match (outcome.verdict(), outcome.deleted.len()) {
        (Verdict::Done, 0) => "nothing was deleted; run it without --dry-run to delete them".to_owned(),
        (Verdict::Done, deleted) => format!("{} deleted", counted(deleted as u64, "snapshot")),
        _ => "nothing was deleted".to_owned(),
    }
}

/// The same for programs.
pub(crate) fn json(outcome: &DeleteOutcome) -> Value {
    let ids = |snapshots: &[SnapshotSummary]| {
        snapshots.iter().map(|snapshot| json!(snapshot.id)).collect::<Vec<_>>()
    };
    json!({ "planned": ids(&outcome.planned), "deleted": ids(&outcome.deleted) })
}
