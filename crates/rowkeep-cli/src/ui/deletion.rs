//! Snapshots that are to be deleted, or were.

use rowkeep::jobs::Verdict;
use rowkeep::jobs::delete::DeleteOutcome;
use rowkeep::jobs::outcome::{Deletion, SnapshotSummary};
use serde_json::{Value, json};

use super::snapshots::table;
use super::units::{counted, short};

/// What is to be deleted.
pub(crate) fn plan_told(plan: &Deletion) -> String {
    let snapshots = &plan.snapshots;
    let has_namesake = |one: &&SnapshotSummary| {
        snapshots.iter().any(|other| other.database == one.database && other.place != one.place)
    };
    let shared: Vec<String> =
        snapshots.iter().filter(has_namesake).map(|snapshot| snapshot.database.clone()).collect();
    let mut told = "to be deleted:".to_owned();
    if !snapshots.is_empty() {
        told += &format!("\n{}", table(snapshots, &shared));
    }
    for id in &plan.unreadable {
        told += &format!("\nsnapshot {}, which cannot be read", short(*id));
    }
    told
}

/// How it ended.
pub(crate) fn told(outcome: &DeleteOutcome) -> String {
    match (outcome.verdict(), outcome.deleted.ids().count()) {
        (Verdict::Done, 0) => "nothing was deleted; run it without --dry-run to delete them".to_owned(),
        (Verdict::Done, deleted) => format!("{} deleted", counted(deleted as u64, "snapshot")),
        _ => "nothing was deleted".to_owned(),
    }
}

/// The same for programs.
pub(crate) fn json(outcome: &DeleteOutcome) -> Value {
    let ids = |snapshots: &Deletion| snapshots.ids().map(|id| json!(id)).collect::<Vec<_>>();
    json!({ "planned": ids(&outcome.planned), "deleted": ids(&outcome.deleted) })
}
