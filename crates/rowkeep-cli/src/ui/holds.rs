//! Holds on snapshots, and suspicious ones.

use rowkeep::jobs::holds::HoldOutcome;
use rowkeep::jobs::outcome::{Hold, SnapshotSummary};

use super::units::{counted, plain, short, zoned_time};

/// A hold that was made.
pub(crate) fn held(outcome: &HoldOutcome) -> String {
    let ends = outcome.holds.iter().find_map(|hold| hold.until);
    let until =
        ends.map_or_else(|| "until it is released".to_owned(), |end| format!("until {}", zoned_time(end)));
    format!("snapshot {} is held {until}", short(outcome.snapshot))
}

/// What was released.
pub(crate) fn released(outcome: &HoldOutcome) -> String {
    let id = short(outcome.snapshot);
    let released = match outcome.holds.len() {
        0 => None,
        holds => Some(format!("snapshot {id} is released from {}", counted(holds as u64, "hold"))),
    };
    let looked_at = outcome.looked_at.then(|| {
        format!("snapshot {id} counts as looked at, and the one before it is no longer kept for it")
    });
    released.into_iter().chain(looked_at).collect::<Vec<_>>().join("\n")
}

/// A hold in words: until when and why.
pub(crate) fn told(hold: &Hold) -> String {
    let until = hold.until.map(|until| format!("until {}", zoned_time(until)));
    let reason = hold.reason.as_ref().map(|reason| plain(reason));
    let told: Vec<String> = until.into_iter().chain(reason).collect();
    if told.is_empty() { "until it is released".to_owned() } else { told.join(": ") }
}

/// Why somebody should look at a suspicious snapshot, where nobody has.
pub(crate) fn suspicious(snapshot: &SnapshotSummary) -> Option<String> {
    let after = snapshot.suspicious_after.filter(|_| !snapshot.looked_at)?;
    let id = short(snapshot.id);
    Some(format!(
        "SUSPICIOUS snapshot {id}: much is gone since {}; `rowkeep show {id}` says what, `rowkeep release {id}` says that it \
         is meant",
        short(after)
    ))
}
