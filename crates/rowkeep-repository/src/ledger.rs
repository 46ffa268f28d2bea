//! The ledger: which snapshots and key slots were completed, what was done after which safety snapshots, and what is
//! known to be damaged.
//!
//! An entry is an empty object but for those of what superseded a safety snapshot and of what was left alone, written after the object it is about and deleted before it. So an entry whose object
//! is gone tells of a loss that nothing else would tell of, and an object without an entry tells of a process that was
//! killed in between, which [`repair`] completes.
//!
//! Two more kinds say what somebody found who looked: which packs are doubted, so that nobody builds on their chunks
//! unseen, and which snapshots are known to be incomplete, so that a check need not tell of them again.

use std::collections::BTreeSet;

use bytes::Bytes;
use rowkeep_format::ids::{KeySlotId, PackId, SnapshotId};

use crate::objects::{LEDGER, Listed, Objects, key_slot, pack, snapshot};
use crate::{Error, Result};

/// An entry of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    /// A snapshot was completed.
    Snapshot(SnapshotId),
    /// A key slot was completed.
    KeySlot(KeySlotId),
    /// A pack was found damaged.
    Doubt(PackId),
    /// A snapshot has lost chunks for good.
    Incomplete(SnapshotId),
}

impl Entry {
    /// The name of the entry.
    pub(crate) fn name(self) -> String {
        match self {
            Entry::Snapshot(id) => format!("{LEDGER}/snapshot-{id}"),
            Entry::KeySlot(id) => format!("{LEDGER}/key-{id}"),
            Entry::Doubt(id) => format!("{LEDGER}/doubt-{id}"),
            Entry::Incomplete(id) => format!("{LEDGER}/incomplete-{id}"),
        }
    }

    /// The name of the object that it is about.
    pub(crate) fn object(self) -> String {
        match self {
            Entry::Snapshot(id) | Entry::Incomplete(id) => snapshot(&id),
            Entry::KeySlot(id) => key_slot(&id),
            Entry::Doubt(id) => pack(&id),
        }
    }

    /// Reads the name of an entry.
    pub(crate) fn parse(listed: &Listed) -> Option<Self> {
        let (kind, id) = listed.last().split_once('-')?;
        let entry = match kind {
            "snapshot" => Entry::Snapshot(SnapshotId::from_hex(id).ok()?),
            "key" => Entry::KeySlot(KeySlotId::from_hex(id).ok()?),
            "doubt" => Entry::Doubt(PackId::from_hex(id).ok()?),
            "incomplete" => Entry::Incomplete(SnapshotId::from_hex(id).ok()?),
            _ => return None,
        };
        (entry.name() == listed.name).then_some(entry)
    }
}

/// Whether an object of the ledger says that a snapshot counts.
pub(crate) fn is_of_snapshot(listed: &Listed) -> bool {
    matches!(Entry::parse(listed), Some(Entry::Snapshot(_)))
}

/// Lists the ledger.
pub(crate) async fn entries(objects: &Objects) -> Result<BTreeSet<Entry>> {
    Ok(objects.list(LEDGER).await?.iter().filter_map(Entry::parse).collect())
}

/// Records that an object was completed.
pub(crate) async fn record(objects: &Objects, entry: Entry) -> Result<()> {
    objects.write(&entry.name(), Bytes::new()).await
}

/// Deletes an object with its entry.
///
/// The entry goes first, so that no instant looks like a loss; and once more at the end, for a machine that saw the
/// object without its entry in between and recorded it again.
pub(crate) async fn delete(objects: &Objects, entry: Entry) -> Result<()> {
    objects.delete(&entry.name()).await?;
    objects.delete(&entry.object()).await?;
    objects.delete(&entry.name()).await
}

/// Records an object that a killed process left without its entry.
///
/// Looks afterwards whether the object is still there, in case another machine is deleting it.
pub(crate) async fn repair(objects: &Objects, entry: Entry) -> Result<()> {
    record(objects, entry).await?;
    if objects.exists(&entry.object()).await? {
        return Ok(());
    }
    match objects.delete(&entry.name()).await {
        // A role that may only create: a check tells of it, and a repair strikes it.
        Err(error @ Error::Denied { .. }) => {
            tracing::warn!(%error, "an entry of the ledger stays although its object was deleted");
            Ok(())
        }
        outcome => outcome,
    }
}

/// The name of the entry that says that what a safety snapshot was taken for was done.
pub(crate) fn applied(id: &SnapshotId) -> String {
    format!("{LEDGER}/applied-{id}")
}

/// Whether an object of the ledger is such an entry.
pub(crate) fn is_applied(listed: &Listed) -> bool {
    applied_to(listed).is_some()
}

/// The safety snapshot of which such an entry tells.
pub(crate) fn applied_to(listed: &Listed) -> Option<SnapshotId> {
    let id = listed.last().strip_prefix("applied-").and_then(|id| SnapshotId::from_hex(id).ok());
    id.filter(|id| applied(id) == listed.name)
}

/// The name of the entry that says which of the changes that a safety snapshot was taken for were not made, while the others were.
pub(crate) fn left(id: &SnapshotId) -> String {
    format!("{LEDGER}/left-{id}")
}

/// The safety snapshot of which such an entry tells.
pub(crate) fn left_of(listed: &Listed) -> Option<SnapshotId> {
    let id = listed.last().strip_prefix("left-").and_then(|id| SnapshotId::from_hex(id).ok());
    id.filter(|id| left(id) == listed.name)
}

/// The name of the entry that says that something was done after what a safety snapshot was taken for, of which nothing was
/// kept. It holds the id of the snapshot that was restored then.
pub(crate) fn superseded(id: &SnapshotId) -> String {
    format!("{LEDGER}/superseded-{id}")
}

/// The safety snapshot of which such an entry tells.
pub(crate) fn superseded_in(listed: &Listed) -> Option<SnapshotId> {
    let id = listed.last().strip_prefix("superseded-").and_then(|id| SnapshotId::from_hex(id).ok());
    id.filter(|id| superseded(id) == listed.name)
}

/// The snapshot of which an entry says more than that it was completed.
pub(crate) fn told_of(listed: &Listed) -> Option<SnapshotId> {
    match Entry::parse(listed) {
        Some(Entry::Incomplete(id)) => Some(id),
        Some(Entry::Snapshot(_) | Entry::KeySlot(_) | Entry::Doubt(_)) => None,
        None => applied_to(listed).or_else(|| left_of(listed)).or_else(|| superseded_in(listed)),
    }
}
