//! Snapshots: sealed manifests, each complete by itself.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use rowkeep_format::ids::SnapshotId;

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header::SNAPSHOT;
use crate::ledger::{self, Entry};
use crate::objects::{Listed, SNAPSHOTS, short_hash, snapshot};
use crate::seal::random;
use crate::{Error, Flaw, Repository, Result};

/// How many snapshots are read at the same time.
const AT_ONCE: usize = 16;

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
        let name = snapshot(id);
        let object = match self.objects().find(&name, MAX_OBJECT_BYTES).await? {
            Some(object) => object,
            None => return Err(self.absent(id).await?),
        };
        if short_hash(&object) != id.0 {
            return Err(Error::at(name, Flaw::Name));
        }
        document::open(self.sealer(), SNAPSHOT, &object).map_err(|flaw| Error::at(name, flaw))
    }

    /// Reads the manifests of many snapshots, several at a time, in the order of `ids`.
    ///
    /// Each has an outcome of its own, so that one that is damaged does not hide the others.
    pub fn read_snapshots(
        &self,
        ids: Vec<SnapshotId>,
    ) -> impl Stream<Item = (SnapshotId, Result<Vec<u8>>)> + Send + use<> {
        let repository = self.clone();
        futures::stream::iter(ids)
            .map(move |id| {
                let repository = repository.clone();
                async move { (id, repository.read_snapshot(&id).await) }
            })
            .buffered(AT_ONCE)
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
        ledger::delete(self.objects(), entry).await
    }

    /// Says why a snapshot is not there: because it was lost, or because there never was one.
    async fn absent(&self, id: &SnapshotId) -> Result<Error> {
        let entry = Entry::Snapshot(*id);
        if self.objects().exists(&entry.name()).await? {
            return Ok(Error::Missing { object: entry.object() });
        }
        Ok(Error::NotFound { object: format!("snapshot {id}") })
    }
}

/// The id in the name of a snapshot.
pub(crate) fn id_of(object: &Listed) -> Option<SnapshotId> {
    SnapshotId::from_hex(object.last()).ok().filter(|id| snapshot(id) == object.name)
}
