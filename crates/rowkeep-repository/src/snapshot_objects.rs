//! Snapshots in the store: sealed manifests, each complete by itself.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use rowkeep_format::ids::SnapshotId;

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header::SNAPSHOT;
use crate::ledger::Entry;
use crate::objects::{Listed, Objects, SNAPSHOTS, short_hash, snapshot};
use crate::seal::Sealer;
use crate::{Error, Flaw, Result};

/// How many snapshots are read at the same time.
const AT_ONCE: usize = 16;

/// Reads the manifest of a snapshot.
pub(crate) async fn read(objects: &Objects, sealer: &Sealer, id: SnapshotId) -> Result<Vec<u8>> {
    let name = snapshot(&id);
    let object = match objects.find(&name, MAX_OBJECT_BYTES).await? {
        Some(object) => object,
        None => return Err(absent(objects, id).await?),
    };
    if short_hash(&object) != id.0 {
        return Err(Error::at(name, Flaw::Name));
    }
    document::open(sealer, SNAPSHOT, &object).map_err(|flaw| Error::at(name, flaw))
}

/// Reads the manifests of many snapshots, several at a time, in the order of `ids`.
pub(crate) fn read_all(
    objects: Objects,
    sealer: Arc<Sealer>,
    ids: Vec<SnapshotId>,
) -> impl Stream<Item = (SnapshotId, Result<Vec<u8>>)> + Send + use<> {
    futures::stream::iter(ids)
        .map(move |id| {
            let (objects, sealer) = (objects.clone(), Arc::clone(&sealer));
            async move { (id, read(&objects, &sealer, id).await) }
        })
        .buffered(AT_ONCE)
}

/// Says why a snapshot is not there: because it was lost, or because there never was one.
async fn absent(objects: &Objects, id: SnapshotId) -> Result<Error> {
    let entry = Entry::Snapshot(id);
    if objects.exists(&entry.name()).await? {
        return Ok(Error::Missing { object: entry.object() });
    }
    Ok(Error::NotFound { object: format!("snapshot {id}") })
}

/// The id in the name of a snapshot.
pub(crate) fn id_of(object: &Listed) -> Option<SnapshotId> {
    SnapshotId::from_hex(object.within(SNAPSHOTS)?).ok()
}
