//! What makes a snapshot later than those that are there, and what its clock says to that.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use rowkeep_format::SnapshotId;
use rowkeep_repository::{ErrorKind as RepositoryKind, Repository};

use crate::state::order;
use crate::state::snapshots::{self, Snapshot};
use crate::{Context, Error, ErrorKind};

/// By how much clocks may disagree that are kept right by others.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// The snapshots that a new one is later than.
pub(crate) struct Later {
    known: HashSet<SnapshotId>,
    next: u64,
}

impl Later {
    /// Later than all of these.
    pub(crate) fn than(all: &[Snapshot]) -> Self {
        Self {
            known: all.iter().map(|snapshot| snapshot.id).collect(),
            next: order::next_sequence(all.iter().map(|snapshot| (snapshot.id, &snapshot.manifest))),
        }
    }

    /// The sequence number for a snapshot that becomes visible now; those that appeared meanwhile are asked for theirs.
    pub(crate) async fn sequence(self, repository: &Repository) -> Result<u64, Error> {
        let mut sequence = self.next;
        for id in repository.snapshots().await?.into_iter().filter(|id| !self.known.contains(id)) {
            match snapshots::open(repository, id).await {
                Ok(snapshot) => {
                    let theirs = snapshot.manifest.sequence.unwrap_or(self.next);
                    sequence = sequence.max(theirs.saturating_add(1));
                }
                // One that is damaged, or gone again, is followed by nothing.
                Err(error) if error.kind() == ErrorKind::Damage => {}
                Err(Error::Repository(error)) if error.kind() == RepositoryKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sequence)
    }
}

/// The newest snapshot of a database that was not taken to make something undoable.
pub(crate) fn newest_backup(mut all: Vec<Snapshot>, database: &str) -> Option<Snapshot> {
    let is_backup =
        |snapshot: &Snapshot| snapshot.manifest.database == database && snapshot.manifest.before.is_none();
    let newest = all.iter().rposition(is_backup)?;
    Some(all.swap_remove(newest))
}

/// Warns when the last snapshot of a database has a later time than the one that is made now.
pub(crate) fn warn_of_clock(context: &Context, all: &[Snapshot], database: &str, now: Timestamp) {
    let last = all.iter().rfind(|snapshot| snapshot.manifest.database == database);
    let Some(ahead) = last else { return };
    let time = ahead.manifest.time;
    if time.duration_since(now) > TOLERANCE {
        context.warn(format!(
            "it is {now} by the clock, but snapshot {} was taken before, at {time}: the clock is behind, or was ahead then; \
             snapshots stay in the order in which they were made",
            ahead.short_id()
        ));
    }
}
