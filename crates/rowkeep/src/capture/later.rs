//! What makes a snapshot later than those that are there, and what its clock says to that.

use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_format::{Manifest, Sameness, SnapshotId, Summary, order};
use rowkeep_repository::{Catalog, Repository};

use crate::state::owner::{Owner, owners};
use crate::state::snapshots::short_id;
use crate::state::times::TOLERANCE;
use crate::{Context, Error};

/// The snapshots that a new one is later than.
pub(crate) struct Later {
    known: Arc<Catalog>,
    /// The database and the time of a state that may be earlier than others that are there.
    at: Option<(Owner, Timestamp)>,
}

impl Later {
    /// Later than all of these.
    pub(crate) fn than(known: Arc<Catalog>) -> Self {
        Self { known, at: None }
    }

    /// Later than those of its database that are not after a time, and earlier than the others.
    pub(crate) fn at(known: Arc<Catalog>, owner: Owner, time: Timestamp) -> Self {
        Self { known, at: Some((owner, time)) }
    }

    /// Warns when other databases have snapshots of the name of one that has none yet.
    pub(crate) fn warn_of_namesakes(&self, context: &Context, owner: &Owner) {
        let Owner { name, identity: Some(own) } = owner else { return };
        let place = &own.place;
        for other in owners(&self.known, name) {
            let Some(other) = other.identity.filter(|other| own.compare(other) == Sameness::Other) else {
                continue;
            };
            context.warn(match own.is_at_place_of(&other) {
                true => format!(
                    "{place} is another database than the one that the earlier snapshots are of: it was dropped and created \
                     again, or another file took its place; its own history begins with this snapshot"
                ),
                false => format!(
                    "there are snapshots of another {name} ({}); those of {place} are kept apart from them, and a name in \
                     rowkeep.toml tells the two apart",
                    other.place
                ),
            });
        }
    }

    /// The sequence number for a snapshot that becomes visible now, later than those too that appeared meanwhile.
    pub(crate) async fn sequence(self, repository: &Repository, manifest: &Manifest) -> Result<u64, Error> {
        let next = |catalog: &Catalog| order::next_sequence(catalog.snapshots().map(AsRef::as_ref));
        let now = repository.catalog().await?;
        if let Some((owner, time)) = &self.at {
            let own: Vec<&Arc<Summary>> = now.snapshots().filter(|summary| owner.owns(summary)).collect();
            let after = own.iter().rposition(|summary| summary.time <= *time).map_or(0, |last| last + 1);
            if let Some(before) = own.get(after) {
                let behind = after.checked_sub(1).and_then(|last| own.get(last));
                let summary = Summary::of(SnapshotId([0; 16]), manifest);
                return Ok(order::sequence_between(&summary, behind.map(|one| &***one), Some(before)));
            }
        }
        Ok(next(&self.known).max(next(&now)))
    }
}

/// The snapshot before a time that the one of that time follows.
pub(crate) fn parent_at(known: &Catalog, owner: &Owner, time: Timestamp) -> Option<SnapshotId> {
    let is_before =
        |summary: &&Arc<Summary>| !summary.is_aside() && owner.continues(summary) && summary.time <= time;
    known.snapshots().rfind(is_before).map(|last| last.id)
}

/// The snapshot that the next one of a database follows: the last of this very database.
pub(crate) fn parent(known: &Catalog, owner: &Owner) -> Option<SnapshotId> {
    let last = known.snapshots().rfind(|summary| !summary.is_aside() && owner.continues(summary));
    last.map(|last| last.id)
}

/// Whether rowkeep was about to change a database after the last snapshot of it: what a restore put back carries the marks that it had
/// when it was lost.
pub(crate) fn is_changed_by_us(known: &Catalog, owner: &Owner) -> bool {
    known.snapshots().rfind(|summary| owner.continues(summary)).is_some_and(|last| last.is_safety())
}

/// Warns when the last snapshot of a database has a later time than the one that is made now.
pub(crate) fn warn_of_clock(context: &Context, known: &Catalog, owner: &Owner, now: Timestamp) {
    let Some(last) = known.snapshots().rfind(|summary| owner.owns(summary)) else { return };
    if last.time.duration_since(now) > TOLERANCE {
        context.warn(format!(
            "it is {now} by the clock, but snapshot {} was taken before, at {}: the clock is behind, or was ahead then; \
             snapshots stay in the order in which they were made",
            short_id(last.id),
            last.time
        ));
    }
}
