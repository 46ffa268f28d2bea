//! The snapshots of a repository: making, listing, reading, deleting.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream};
use rowkeep_format::ids::SnapshotId;

use crate::catalog::{Catalog, Unreadable};
use crate::document::MAX_OBJECT_BYTES;
use crate::header::{LEFT, SNAPSHOT};
use crate::ledger::{self, Entry};
use crate::listings::Folder;
use crate::objects::{LEDGER, Listed, SNAPSHOTS, short_hash, snapshot};
use crate::seal::random;
use crate::snapshot_objects::{self, id_of};
use crate::{Error, Flaw, Reader, Repository, Result, document};

/// The size of the entry that says what superseded a safety snapshot: an id in hexadecimal digits.
const SUPERSEDED_BYTES: u64 = 32;

/// Says whether a reader that knows nothing but what stays has all that something needs.
pub type IsWhole<'a> = &'a (dyn Fn(Reader) -> BoxFuture<'a, Result<bool>> + Send + Sync);

/// What says that nothing else has what is being deleted.
fn nothing_else<'a>() -> BoxFuture<'a, Result<bool>> {
    futures::future::ready(Ok(false)).boxed()
}

/// What became of a snapshot that did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// It is whole, and counts.
    Completed,
    /// It lacked something, and is gone.
    Deleted,
    /// It lacks something, and this role may not delete it: whoever may does so another time.
    Kept,
    /// It may still be written, or needs packs that are being deleted, perhaps without it: a later look decides.
    Undecided,
}

impl Repository {
    /// Makes a snapshot visible: seals the manifest, writes it, reads it back, and records it in the ledger.
    ///
    /// Everything the manifest refers to has to be stored: call it after [`Writer::finish`]. If it fails, or the
    /// process is killed, the snapshot is there as a whole or not at all.
    ///
    /// Fails with [`Error::Pruned`] where anything that was relied on has been deleted meanwhile, or is being deleted;
    /// [`Repository::commit_if_whole`] looks whether there is another copy of it.
    ///
    /// [`Writer::finish`]: crate::Writer::finish
    pub async fn commit(&self, manifest: &[u8]) -> Result<SnapshotId> {
        self.commit_if_whole(manifest, &|_| nothing_else()).await
    }

    /// The same; where something that was relied on is being deleted, `is_whole` says whether a reader that knows only what stays
    /// has everything that the snapshot needs.
    pub async fn commit_if_whole(&self, manifest: &[u8], is_whole: IsWhole<'_>) -> Result<SnapshotId> {
        self.still_there_for_snapshot().await?;
        let object = document::seal(self.sealer(), SNAPSHOT, &random()?, manifest, "the manifest")?;
        let id = SnapshotId(short_hash(&object));
        let name = snapshot(&id);
        let written_ms = self.listings().now_ms();
        self.objects().write(&name, Bytes::from(object)).await?;
        if self.read_snapshot(&id).await? != manifest {
            return Err(Error::at(name, Flaw::ReadBack));
        }
        let entry = Entry::Snapshot(id);
        if let Err(error) = self.look_once_more("the snapshot", is_whole).await {
            // What stays of it, another writer looks at. The entry too: somebody may have completed it meanwhile.
            let _ = self.objects().delete_all(&[name]).await;
            let _ = self.objects().delete_all(&[entry.name()]).await;
            return Err(error);
        }
        ledger::record(self.objects(), entry).await?;
        // Whoever sleeps so long may find it completed by somebody else, and deleted by a third.
        if self.listings().is_half_as_long(written_ms) && !self.objects().exists(&name).await? {
            self.objects().delete(&entry.name()).await?;
            return Err(Error::Pruned { object: "the snapshot".to_owned() });
        }
        self.shared_catalog().made(id, manifest).await;
        Ok(id)
    }

    /// Lists the snapshots by name.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotId>> {
        let mut ids: Vec<_> = self.objects().list(SNAPSHOTS).await?.iter().filter_map(id_of).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The snapshots whose names begin with some hexadecimal digits.
    pub async fn find_snapshots(&self, prefix: &str) -> Result<Vec<SnapshotId>> {
        let mut ids = self.snapshots().await?;
        ids.retain(|id| id.to_string().starts_with(prefix));
        Ok(ids)
    }

    /// Reads the manifest of a snapshot.
    pub async fn read_snapshot(&self, id: &SnapshotId) -> Result<Vec<u8>> {
        self.index().begin_reading();
        snapshot_objects::read(self.objects(), self.sealer(), *id).await
    }

    /// Reads the manifests of many snapshots, several at a time, in the order of `ids`.
    ///
    /// Each has an outcome of its own, so that one that is damaged does not hide the others.
    pub fn read_snapshots(
        &self,
        ids: Vec<SnapshotId>,
    ) -> impl Stream<Item = (SnapshotId, Result<Vec<u8>>)> + Send + use<> {
        self.index().begin_reading();
        snapshot_objects::read_all(self.objects().clone(), Arc::clone(self.sealer()), ids)
    }

    /// Completes a snapshot whose writer was killed before it counted, if it is whole; deletes it if it lacks anything.
    ///
    /// `is_whole` is asked about a reader that knows what stays. What only packs have that are being deleted leaves it as it is:
    /// whoever deletes them may have seen the snapshot, or not. A role that may only create leaves what it may not delete.
    pub async fn complete(&self, id: &SnapshotId, is_whole: IsWhole<'_>) -> Result<Completion> {
        self.listings().forget().await;
        let folders = [Folder::Snapshots, Folder::Packs, Folder::Index];
        let [snapshots, packs, index] = self.listings().get(folders).await?;
        let Some(listed) = snapshots.objects.iter().find(|object| id_of(object) == Some(*id)) else {
            return Ok(Completion::Deleted);
        };
        // By the store's clock as well: something must have been written so much later.
        let all = [&snapshots, &packs, &index].into_iter().flat_map(|listing| listing.objects.iter());
        let latest_ms = all.map(|object| object.modified_ms).max().unwrap_or(listed.modified_ms);
        let is_left = |now_ms| self.listings().is_long(listed.modified_ms, now_ms);
        if !is_left(self.listings().now_ms()) || !is_left(latest_ms) {
            return Ok(Completion::Undecided);
        }
        let vanishing = self.prune_records_now().await?.vanishing();
        let entry = Entry::Snapshot(*id);
        let completion = if is_whole(self.reader_of_what_stays(&vanishing).await?).await? {
            ledger::repair(self.objects(), entry).await?;
            Completion::Completed
        } else if is_whole(self.reader_of_what_stays(&HashSet::new()).await?).await? {
            Completion::Undecided
        } else {
            // The entry last: its writer may have woken up.
            let deleted = match self.objects().delete(&entry.object()).await {
                Ok(()) => self.objects().delete(&entry.name()).await,
                refused => refused,
            };
            match deleted {
                Ok(()) => Completion::Deleted,
                // Nobody is shown it, and its chunks stay.
                Err(Error::Denied { .. }) => Completion::Kept,
                Err(error) => return Err(error),
            }
        };
        self.listings().forget().await;
        Ok(completion)
    }

    /// Deletes a snapshot; its chunks stay.
    ///
    /// One that has vanished is struck off the ledger. When it is killed in between, the snapshot is still there.
    pub async fn delete_snapshot(&self, id: &SnapshotId) -> Result<()> {
        let entry = Entry::Snapshot(*id);
        let known =
            self.objects().exists(&entry.object()).await? || self.objects().exists(&entry.name()).await?;
        if !known {
            return Err(Error::NotFound { object: format!("snapshot {id}") });
        }
        ledger::delete(self.objects(), entry).await?;
        let more =
            [ledger::applied(id), ledger::left(id), ledger::superseded(id), Entry::Incomplete(*id).name()];
        self.objects().delete_all(&more).await?;
        self.shared_catalog().deleted(*id).await;
        Ok(())
    }

    /// Of snapshots that were deleted those that are still there: there are stores that say so and delete nothing.
    pub async fn undeleted(&self, deleted: &[SnapshotId]) -> Result<Vec<SnapshotId>> {
        if deleted.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.snapshots().await?;
        Ok(deleted.iter().filter(|id| there.binary_search(id).is_ok()).copied().collect())
    }

    /// The snapshots that are known to have lost chunks for good.
    pub async fn incomplete_snapshots(&self) -> Result<BTreeSet<SnapshotId>> {
        let entries = ledger::entries(self.objects()).await?.into_iter();
        let incomplete = entries.filter_map(|entry| match entry {
            Entry::Incomplete(id) => Some(id),
            Entry::Snapshot(_) | Entry::KeySlot(_) | Entry::Doubt(_) => None,
        });
        Ok(incomplete.collect())
    }

    /// Records that what a safety snapshot was taken for was done.
    pub async fn record_applied(&self, id: &SnapshotId) -> Result<()> {
        self.objects().write(&ledger::applied(id), Bytes::new()).await
    }

    /// Records that what a safety snapshot was taken for was done, but for some of its changes; what is said of them is known to the
    /// layer above. To be called before [`Repository::record_applied`].
    pub async fn record_left(&self, id: &SnapshotId, words: &[u8]) -> Result<()> {
        let object = document::seal(self.sealer(), LEFT, &random()?, words, "what was left alone")?;
        self.objects().write(&ledger::left(id), Bytes::from(object)).await
    }

    /// What is recorded so of the changes that were not made; nothing where all were.
    pub async fn left_of(&self, id: &SnapshotId) -> Result<Option<Vec<u8>>> {
        let name = ledger::left(id);
        let Some(object) = self.objects().find(&name, MAX_OBJECT_BYTES).await? else { return Ok(None) };
        document::open(self.sealer(), LEFT, &object).map(Some).map_err(|flaw| Error::at(name, flaw))
    }

    /// Whether it is recorded that what a safety snapshot was taken for was done, all of it or some.
    pub async fn is_applied(&self, id: &SnapshotId) -> Result<bool> {
        Ok(self.objects().exists(&ledger::applied(id)).await?
            || self.objects().exists(&ledger::left(id)).await?)
    }

    /// The safety snapshots of which that is recorded.
    pub async fn applied_snapshots(&self) -> Result<BTreeSet<SnapshotId>> {
        let told = |listed: &Listed| ledger::applied_to(listed).or_else(|| ledger::left_of(listed));
        Ok(self.objects().list(LEDGER).await?.iter().filter_map(told).collect())
    }

    /// Records that a snapshot was restored after what a safety snapshot was taken for, without anything to undo that by.
    pub async fn record_superseded(&self, id: &SnapshotId, restored: &SnapshotId) -> Result<()> {
        self.objects().write(&ledger::superseded(id), Bytes::from(restored.to_string())).await
    }

    /// The snapshot that was restored so after what a safety snapshot was taken for, where one was.
    pub async fn superseded_by(&self, id: &SnapshotId) -> Result<Option<SnapshotId>> {
        let name = ledger::superseded(id);
        let Some(restored) = self.objects().find(&name, SUPERSEDED_BYTES).await? else { return Ok(None) };
        let restored = std::str::from_utf8(&restored).ok().and_then(|id| SnapshotId::from_hex(id).ok());
        restored.map(Some).ok_or_else(|| Error::at(name, Flaw::Malformed("the id of a snapshot")))
    }

    /// The safety snapshots of which that is recorded.
    pub async fn superseded_snapshots(&self) -> Result<BTreeSet<SnapshotId>> {
        Ok(self.objects().list(LEDGER).await?.iter().filter_map(ledger::superseded_in).collect())
    }

    /// What the snapshots are, as of a listing no older than [`Options::freshness`].
    ///
    /// Snapshots whose manifests are damaged, lost or of a newer format are no reason to fail: the catalog names them
    /// beside the others. Where many manifests had to be read one by one, a summary of them is written for the next who
    /// asks; a store that refuses it fails nothing.
    ///
    /// [`Options::freshness`]: crate::Options::freshness
    pub async fn catalog(&self) -> Result<Arc<Catalog>> {
        self.shared_catalog().update().await
    }

    /// The same as of the last listing, however long ago that was, with what was made and deleted by this process since; no request
    /// is sent. None where nothing was listed yet.
    pub async fn known_catalog(&self) -> Option<Arc<Catalog>> {
        self.shared_catalog().known().await
    }

    /// The catalog after one snapshot was looked at: what cannot be read of it is not listed, whatever a summary tells.
    pub async fn catalog_after_a_look_at(&self, id: SnapshotId) -> Result<Arc<Catalog>> {
        self.shared_catalog().look_at(id).await
    }

    /// What was found harmed since the repository was opened, without looking for it: snapshots that cannot be read.
    pub async fn harmed(&self) -> Vec<Unreadable> {
        self.shared_catalog().unreadable().await
    }

    /// The same for whoever goes through very many of them: what was listed for it is not kept.
    pub async fn catalog_alone(&self) -> Result<Arc<Catalog>> {
        let catalog = self.catalog().await?;
        self.listings().forget().await;
        Ok(catalog)
    }

    /// Forgets what the snapshots are, which may take as much memory as where the chunks are: whoever asks next reads it again.
    pub async fn forget_catalog(&self) {
        self.shared_catalog().forget().await;
        self.listings().forget().await;
    }

    /// The catalog as of now: for what is not found in an older one.
    pub async fn catalog_now(&self) -> Result<Arc<Catalog>> {
        self.listings().forget().await;
        self.catalog().await
    }

    /// Writes what the next process would otherwise have to find out by many requests: a summary of the snapshots that
    /// have none, and one index object in the place of many small ones.
    ///
    /// For the end of a run. It does nothing where nothing was written, and a store that refuses it fails nothing.
    pub async fn settle(&self) {
        self.shared_catalog().settle().await;
        self.index().settle().await;
    }
}
