//! The snapshots of a repository: making, listing, reading, deleting.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use rowkeep_format::ids::SnapshotId;

use crate::catalog::{Catalog, Unreadable};
use crate::header::SNAPSHOT;
use crate::ledger::{self, Entry};
use crate::objects::{SNAPSHOTS, short_hash, snapshot};
use crate::seal::random;
use crate::snapshot_objects::{self, id_of};
use crate::{Error, Flaw, Repository, Result, document};

impl Repository {
    /// Makes a snapshot visible: seals the manifest, writes it, reads it back, and records it in the ledger.
    ///
    /// Everything the manifest refers to has to be stored: call it after [`Writer::finish`]. If it fails, or the
    /// process is killed, the snapshot is there as a whole or not at all.
    ///
    /// [`Writer::finish`]: crate::Writer::finish
    pub async fn commit(&self, manifest: &[u8]) -> Result<SnapshotId> {
        self.still_there_for_snapshot().await?;
        let object = document::seal(self.sealer(), SNAPSHOT, &random()?, manifest, "the manifest")?;
        let id = SnapshotId(short_hash(&object));
        let name = snapshot(&id);
        self.objects().write(&name, Bytes::from(object)).await?;
        if self.read_snapshot(&id).await? != manifest {
            return Err(Error::at(name, Flaw::ReadBack));
        }
        ledger::record(self.objects(), Entry::Snapshot(id)).await?;
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
        let more = [ledger::applied(id), Entry::Incomplete(*id).name()];
        self.objects().delete_all(&more).await?;
        self.shared_catalog().deleted(*id).await;
        Ok(())
    }

    /// Records that what a safety snapshot was taken for was done.
    pub async fn record_applied(&self, id: &SnapshotId) -> Result<()> {
        self.objects().write(&ledger::applied(id), Bytes::new()).await
    }

    /// Whether it is recorded that what a safety snapshot was taken for was done.
    pub async fn is_applied(&self, id: &SnapshotId) -> Result<bool> {
        self.objects().exists(&ledger::applied(id)).await
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

    /// The catalog after one snapshot was looked at: what cannot be read of it is not listed, whatever a summary tells.
    pub async fn catalog_after_a_look_at(&self, id: SnapshotId) -> Result<Arc<Catalog>> {
        self.shared_catalog().look_at(id).await
    }

    /// What was found harmed since the repository was opened, without looking for it: snapshots that cannot be read.
    pub async fn harmed(&self) -> Vec<Unreadable> {
        self.shared_catalog().unreadable().await
    }

    /// The same as of now: for what is not found in an older catalog.
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
