//! What a prune did, or would do.

use jiff::Timestamp;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::outcome::Deletion;
use rowkeep::jobs::prune::PruneOutcome;
use rowkeep::repository::Space;
use serde_json::{Value, json};

use super::units::{bytes, counted};
use super::{deletion, kept};

/// What was done, in words.
pub(crate) fn told(outcome: &PruneOutcome) -> String {
    if outcome.verdict() == Verdict::Refused {
        return "nothing was deleted".to_owned();
    }
    let (space, is_plan) = (&outcome.space, outcome.plan_only);
    let snapshots = if is_plan { &outcome.planned } else { &outcome.deleted };
    let would = |done: &'static str, planned: &'static str| if is_plan { planned } else { done };
    let mut lines = Vec::new();
    match snapshots.ids().count() as u64 {
        0 => lines.push("no snapshot expired".to_owned()),
        number => {
            lines.push(format!("{} {}", counted(number, "snapshot"), would("deleted", "would be deleted")))
        }
    }
    lines.extend(deletion::undeleted(&outcome.undeleted));
    let mut of = |packs: Space, words: &str| {
        if packs.packs > 0 {
            lines.push(format!("{} in {} {words}", bytes(packs.bytes), counted(packs.packs, "pack")));
        }
    };
    of(space.deleted, would("freed", "would be freed"));
    of(space.taken_back, would("are needed again and stay", "would stay: they are needed again"));
    of(space.undeleted, "are still listed although the store answered that they were deleted");
    of(space.marked, would("marked, for no snapshot needs it", "would be marked, for no snapshot needs it"));
    if space.repacked.packs > 0 {
        lines.push(format!(
            "{} still needed {} out of {} first",
            bytes(space.repacked.bytes),
            would("was copied", "would be copied"),
            counted(space.repacked.packs, "pack"),
        ));
    }
    if let Some(until) = space.waiting_until_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        let until = until.strftime("%Y-%m-%d %H:%M UTC");
        lines.push(format!(
            "{} will be freed by a prune after {until}, when the grace period is over",
            bytes(space.waiting.bytes)
        ));
    }
    if space.young.packs > 0 {
        lines.push(format!("{} may belong to backups that are still running", bytes(space.young.bytes)));
    }
    if space.unneeded_bytes > 0 {
        lines.push(format!("{} in packs that snapshots need stay unused", bytes(space.unneeded_bytes)));
    }
    if let Some(kept) = &space.kept {
        lines.push(kept::told(kept));
    } else if space.keeps_versions {
        lines.push(
            "the bucket keeps versions: space comes back when its own rules expire noncurrent versions"
                .to_owned(),
        );
    }
    if is_plan {
        lines.push("nothing was changed; run it without --dry-run".to_owned());
    }
    lines.join("\n")
}

/// The same for programs.
pub(crate) fn json(outcome: &PruneOutcome) -> Value {
    let ids = |snapshots: &Deletion| snapshots.ids().map(|id| json!(id)).collect::<Vec<_>>();
    json!({
        "planned": ids(&outcome.planned),
        "deleted": ids(&outcome.deleted),
        "undeleted": outcome.undeleted,
        "space": outcome.space,
    })
}
