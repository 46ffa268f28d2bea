//! Snapshots that are to be deleted, or were.

use std::collections::{BTreeMap, BTreeSet};

use rowkeep::format::SnapshotId;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::delete::DeleteOutcome;
use rowkeep::jobs::outcome::Deletion;
use serde_json::{Value, json};

use super::kept;
use super::snapshots::table;
use super::units::{counted, short};

/// What is to be deleted.
pub(crate) fn plan_told(plan: &Deletion) -> String {
    let snapshots = &plan.snapshots;
    let mut places: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for snapshot in snapshots {
        places.entry(&snapshot.database).or_default().insert(snapshot.place.as_deref());
    }
    let shared = places.iter().filter(|(_, places)| places.len() > 1);
    let shared: Vec<String> = shared.map(|(name, _)| (*name).to_owned()).collect();
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
    let deleted = outcome.deleted.ids().count();
    let mut lines = vec![match (outcome.verdict(), deleted) {
        (Verdict::Done, 0) => "nothing was deleted; run it without --dry-run to delete them".to_owned(),
        (Verdict::Refused, _) | (_, 0) => "nothing was deleted".to_owned(),
        _ => format!("{} deleted", counted(deleted as u64, "snapshot")),
    }];
    lines.extend(undeleted(&outcome.undeleted));
    lines.extend(outcome.kept.as_ref().filter(|_| deleted > 0).map(kept::told));
    lines.join("\n")
}

/// What the store did not delete although it said so.
pub(crate) fn undeleted(ids: &[SnapshotId]) -> Option<String> {
    let first = ids.first()?;
    let more = if ids.len() > 1 { format!(" and {} more", ids.len() - 1) } else { String::new() };
    Some(format!(
        "still there although the store answered that it was deleted: snapshot {}{more}; `rowkeep doctor --repository` tries the store",
        short(*first)
    ))
}

/// The same for programs.
pub(crate) fn json(outcome: &DeleteOutcome) -> Value {
    let ids = |snapshots: &Deletion| snapshots.ids().map(|id| json!(id)).collect::<Vec<_>>();
    json!({
        "planned": ids(&outcome.planned),
        "deleted": ids(&outcome.deleted),
        "undeleted": outcome.undeleted,
        "kept": outcome.kept,
    })
}
