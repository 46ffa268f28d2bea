//! Summary objects: sealed documents that hold what a listing needs of many manifests.

use std::sync::Arc;

use bytes::Bytes;
use rowkeep_format::ids::{SnapshotId, SummaryId};
use rowkeep_format::{FormatError, Summary, summary};

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header::SUMMARY;
use crate::objects::{self, Listed, Objects, short_hash};
use crate::seal::{Sealer, random};
use crate::{Error, Flaw, Result};

/// No object is made of more snapshots, so that none takes much memory to read.
pub(super) const MAX_SNAPSHOTS: usize = 50_000;

/// Objects of at most so many snapshots are always made one with others.
const SMALL: usize = 256;

/// What is known of a summary object: the snapshots that it is of.
pub(super) struct Known {
    pub(super) id: SummaryId,
    pub(super) snapshots: Vec<SnapshotId>,
}

/// Chooses the objects that a new one of `new` snapshots takes the place of: small ones, and those of which most
/// snapshots are gone. So there are never many, and each snapshot is written again only a few times.
pub(super) fn absorbed(
    known: &[Known],
    mut new: usize,
    is_there: impl Fn(&SnapshotId) -> bool,
) -> Vec<SummaryId> {
    let live = |known: &Known| known.snapshots.iter().filter(|id| is_there(id)).count();
    let mut smallest_first: Vec<(usize, &Known)> = known.iter().map(|known| (live(known), known)).collect();
    smallest_first.sort_by_key(|(live, known)| (*live, known.id));
    let mut absorbed = Vec::new();
    for (live, known) in smallest_first {
        let is_dying = live < known.snapshots.len() / 2;
        if (live <= SMALL.max(2 * new) || is_dying) && new + live <= MAX_SNAPSHOTS {
            absorbed.push(known.id);
            new += live;
        }
    }
    absorbed
}

/// Reads a summary object.
pub(crate) async fn read(objects: &Objects, sealer: &Arc<Sealer>, id: SummaryId) -> Result<Vec<Summary>> {
    let name = objects::summary(&id);
    let object = objects.read(&name, MAX_OBJECT_BYTES).await?;
    let sealer = Arc::clone(sealer);
    let opening = tokio::task::spawn_blocking(move || {
        if short_hash(&object) != id.0 {
            return Err(Flaw::Name);
        }
        let plain = document::open(&sealer, SUMMARY, &object)?;
        summary::from_json(&plain).map_err(|error| match error {
            FormatError::NewerVersion { found, supported, .. } => Flaw::NewerVersion { found, supported },
            _ => Flaw::Malformed("the content"),
        })
    });
    let opened = opening.await.map_err(|_| Error::System("decoding a summary"))?;
    opened.map_err(|flaw| Error::at(name, flaw))
}

/// Writes a summary object; gives its name.
pub(super) async fn write(
    objects: &Objects,
    sealer: &Arc<Sealer>,
    summaries: Vec<Arc<Summary>>,
) -> Result<SummaryId> {
    let sealer = Arc::clone(sealer);
    let sealing = tokio::task::spawn_blocking(move || {
        let plain = summary::to_json(&summaries);
        drop(summaries);
        document::seal(&sealer, SUMMARY, &random()?, &plain, "a summary")
    });
    let object = sealing.await.map_err(|_| Error::System("making a summary"))??;
    let id = SummaryId(short_hash(&object));
    objects.write(&objects::summary(&id), Bytes::from(object)).await?;
    Ok(id)
}

/// The id in the name of a summary object.
pub(crate) fn id_of(object: &Listed) -> Option<SummaryId> {
    SummaryId::from_hex(object.within(objects::SUMMARIES)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: u8, snapshots: std::ops::Range<u32>) -> Known {
        let snapshot = |number: u32| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            SnapshotId(id)
        };
        Known { id: SummaryId([id; 16]), snapshots: snapshots.map(snapshot).collect() }
    }

    #[test]
    fn small_objects_become_one_and_large_ones_stay() {
        let all = [known(1, 0..10), known(2, 10..250), known(3, 1_000..2_000), known(4, 5_000..50_000)];
        let ids = |new| absorbed(&all, new, |_| true).iter().map(|id| id.0[0]).collect::<Vec<_>>();
        assert_eq!(ids(1), [1, 2]);
        assert_eq!(ids(300), [1, 2, 3]);
        assert_eq!(ids(20_000), [1, 2, 3], "no object becomes too large");
    }

    #[test]
    fn objects_of_deleted_snapshots_go() {
        let all = [known(1, 0..10_000), known(2, 10_000..20_000)];
        let kept = |id: &SnapshotId| id.0[..4] >= 8_000_u32.to_be_bytes()[..];
        assert!(absorbed(&all, 1, |_| true).is_empty());
        assert_eq!(absorbed(&all, 1, |_| false).len(), 2);
        let some: Vec<u8> = absorbed(&all, 1, kept).iter().map(|id| id.0[0]).collect();
        assert_eq!(some, [1], "four in five of its snapshots are gone, and none of the other's");
    }

    #[test]
    fn each_snapshot_is_written_again_only_a_few_times() {
        let (mut all, mut written, mut next) = (Vec::<Known>::new(), 0, 0);
        for run in 0..2_000_u32 {
            let new = known(0, next..next + 5).snapshots;
            next += 5;
            let gone = absorbed(&all, new.len(), |_| true);
            let mut snapshots = new;
            for known in all.iter().filter(|known| gone.contains(&known.id)) {
                snapshots.extend(&known.snapshots);
            }
            all.retain(|known| !gone.contains(&known.id));
            written += snapshots.len();
            let mut id = [0; 16];
            id[..4].copy_from_slice(&run.to_le_bytes());
            all.push(Known { id: SummaryId(id), snapshots });
        }
        assert_eq!(all.iter().map(|known| known.snapshots.len()).sum::<usize>(), 10_000);
        assert!(all.len() <= 12, "{} objects", all.len());
        assert!(written < 10_000 * 60, "{written}");
    }
}
