//! The last state that two snapshots of several devices have in common.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rowkeep_format::{SnapshotId, Summary};

/// The tag that says which snapshots the state of a snapshot came from: ids divided by spaces. The last one that a device has
/// sent, merged or restored.
pub const AFTER: &str = "after";

/// The newest snapshot that both come from, by what their tags say; one of the two where the other comes from it.
pub fn common_ancestor<'a>(
    known: impl IntoIterator<Item = &'a Arc<Summary>>,
    one: SnapshotId,
    other: SnapshotId,
) -> Option<SnapshotId> {
    let known: HashMap<SnapshotId, &BTreeMap<String, String>> =
        known.into_iter().map(|summary| (summary.id, &summary.tags)).collect();
    let of_one: HashSet<SnapshotId> = ancestors(&known, one).into_iter().collect();
    // The nearest come first.
    ancestors(&known, other).into_iter().find(|id| of_one.contains(id))
}

/// A snapshot and all that it comes from, the nearest first.
fn ancestors(known: &HashMap<SnapshotId, &BTreeMap<String, String>>, id: SnapshotId) -> Vec<SnapshotId> {
    let (mut found, mut seen, mut left) = (Vec::new(), HashSet::new(), VecDeque::from([id]));
    while let Some(id) = left.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        found.push(id);
        let after = known.get(&id).and_then(|tags| tags.get(AFTER));
        left.extend(
            after.into_iter().flat_map(|ids| ids.split(' ')).filter_map(|id| SnapshotId::from_hex(id).ok()),
        );
    }
    found
}
