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
    last_of_both(&known, one, other)
}

fn last_of_both(
    known: &HashMap<SnapshotId, &BTreeMap<String, String>>,
    one: SnapshotId,
    other: SnapshotId,
) -> Option<SnapshotId> {
    let of_one: HashSet<SnapshotId> = ancestors(known, one).into_iter().collect();
    // The nearest come first; of those that both have, one that another of them comes from is not the last.
    let common: Vec<SnapshotId> =
        ancestors(known, other).into_iter().filter(|id| of_one.contains(id)).collect();
    let is_before_another =
        |id: &&SnapshotId| common.iter().any(|later| later != *id && ancestors(known, *later).contains(id));
    common.iter().find(|id| !is_before_another(id)).copied()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_common_state_is_found() {
        let id = |number: u8| SnapshotId([number; 16]);
        let known = [(2u8, "1"), (3, "2"), (4, "2"), (5, "3 4"), (6, "4 1"), (7, "5"), (9, "8")];
        let known: HashMap<SnapshotId, BTreeMap<String, String>> = known
            .iter()
            .map(|(own, after)| {
                let after: Vec<String> = after
                    .split(' ')
                    .map(|number| id(number.parse().expect("a number")).to_string())
                    .collect();
                (id(*own), BTreeMap::from([(AFTER.to_owned(), after.join(" "))]))
            })
            .collect();
        let known: HashMap<SnapshotId, &BTreeMap<String, String>> =
            known.iter().map(|(id, tags)| (*id, tags)).collect();
        for (one, other, common) in [
            (3, 4, Some(2)),
            (5, 3, Some(3)),
            (6, 3, Some(2)),
            (7, 6, Some(4)),
            (7, 7, Some(7)),
            (7, 9, None),
        ] {
            assert_eq!(last_of_both(&known, id(one), id(other)), common.map(id), "{one} and {other}");
            assert_eq!(last_of_both(&known, id(other), id(one)), common.map(id), "{other} and {one}");
        }
    }
}
