//! The objects of a repository by name, and the few things done with a store.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use rowkeep_format::ids::{HoldId, IndexId, KeySlotId, PackId, PlanId, SnapshotId, SummaryId};

use crate::{Error, Flaw, Result};

/// The name of the config.
pub(crate) const CONFIG: &str = "config";
/// The folder of the key slots.
pub(crate) const KEYS: &str = "keys";
/// The folder of the packs.
pub(crate) const PACKS: &str = "packs";
/// The folder of the index objects.
pub(crate) const INDEX: &str = "index";
/// The folder of the snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// The folder of the plans.
pub(crate) const PLANS: &str = "plans";
/// The folder of the holds.
pub(crate) const HOLDS: &str = "holds";
/// The folder of the ledger.
pub(crate) const LEDGER: &str = "ledger";

/// The folder of the records of prunes.
pub(crate) const PRUNE: &str = "prune";

/// The folder of what was set aside, below which every object has the name that it had.
pub(crate) const ASIDE: &str = "aside";

/// The folder of what is written to try a store.
pub(crate) const PROBE: &str = "probe";

/// The folder of the summaries.
pub(crate) const SUMMARIES: &str = "summaries";

/// All folders that a repository has of its own.
pub(crate) const FOLDERS: [&str; 10] =
    [KEYS, PACKS, INDEX, SNAPSHOTS, PLANS, HOLDS, LEDGER, SUMMARIES, PRUNE, ASIDE];

/// A listing of fewer objects is one request on the usual stores.
const FEW: usize = 1000;

pub(crate) fn key_slot(id: &KeySlotId) -> String {
    format!("{KEYS}/{id}")
}

pub(crate) fn pack(id: &PackId) -> String {
    format!("{PACKS}/{:02x}/{id}", id.0[0])
}

pub(crate) fn index(id: &IndexId) -> String {
    format!("{INDEX}/{id}")
}

pub(crate) fn snapshot(id: &SnapshotId) -> String {
    format!("{SNAPSHOTS}/{id}")
}

pub(crate) fn plan(id: &PlanId) -> String {
    format!("{PLANS}/{id}")
}

/// The object that says that a plan is being executed, or was.
pub(crate) fn plan_claim(id: &PlanId) -> String {
    format!("{PLANS}/{id}-claim")
}

pub(crate) fn hold(id: &HoldId) -> String {
    format!("{HOLDS}/{id}")
}

pub(crate) fn summary(id: &SummaryId) -> String {
    format!("{SUMMARIES}/{id}")
}

/// The first half of the hash of an object, after which small objects are named.
pub(crate) fn short_hash(object: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(object).as_bytes()[..16]);
    short
}

/// An object that a store lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Milliseconds since 1970, by the store's clock.
    pub(crate) modified_ms: i64,
}

impl Listed {
    fn of(meta: ObjectMeta) -> Self {
        let modified_ms = meta.last_modified.timestamp_millis();
        Self { name: String::from(meta.location), bytes: meta.size, modified_ms }
    }

    /// The name within a folder, for what lies in it.
    pub(crate) fn within(&self, folder: &str) -> Option<&str> {
        self.name.strip_prefix(folder)?.strip_prefix('/')
    }

    /// The last part of the name.
    pub(crate) fn last(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// A store of objects, each written at once and never changed afterwards.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Reads an object, of at most `limit` bytes; gives nothing if there is none.
    pub(crate) async fn find(&self, name: &str, limit: u64) -> Result<Option<Bytes>> {
        let failed = |source| Error::store("read", name, source);
        let found = match self.store.get(&Path::from(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        if found.meta.size > limit {
            return Err(Error::at(name, Flaw::TooLong { found: found.meta.size, limit }));
        }
        let size = found.meta.size;
        let bytes = found.bytes().await.map_err(failed)?;
        if bytes.len() as u64 != size {
            return Err(Error::at(name, Flaw::Size { found: bytes.len() as u64, expected: size }));
        }
        Ok(Some(bytes))
    }

    /// Reads an object, of at most `limit` bytes, that has to be there.
    pub(crate) async fn read(&self, name: &str, limit: u64) -> Result<Bytes> {
        self.find(name, limit).await?.ok_or_else(|| Error::Missing { object: name.to_owned() })
    }

    /// Reads a part of an object that has to be there and to have `size` bytes.
    pub(crate) async fn read_part(
        &self,
        name: &str,
        range: std::ops::Range<u64>,
        size: u64,
    ) -> Result<Bytes> {
        let path = Path::from(name);
        let expected = range.end.saturating_sub(range.start);
        match self.store.get_range(&path, range).await {
            Ok(bytes) if bytes.len() as u64 == expected => Ok(bytes),
            Err(object_store::Error::NotFound { .. }) => Err(Error::Missing { object: name.to_owned() }),
            // Stores say in many ways, or not at all, that an object ends before the part does.
            outcome => match (self.store.head(&path).await, outcome) {
                (Ok(meta), _) if meta.size != size => {
                    Err(Error::at(name, Flaw::Size { found: meta.size, expected: size }))
                }
                (_, Err(source)) => Err(Error::store("read", name, source)),
                (_, Ok(bytes)) => Err(Error::at(name, Flaw::Size { found: bytes.len() as u64, expected })),
            },
        }
    }

    /// Writes an object whose name follows from its bytes, so that writing it twice is writing it once.
    pub(crate) async fn write(&self, name: &str, bytes: Bytes) -> Result<()> {
        self.write_telling(name, bytes).await.map(drop)
    }

    /// The same; says whether the store keeps what was there as another version.
    pub(crate) async fn write_telling(&self, name: &str, bytes: Bytes) -> Result<bool> {
        let payload = PutPayload::from_bytes(bytes);
        let put = self.store.put(&Path::from(name), payload).await;
        let put = put.map_err(|source| Error::store("write", name, source))?;
        Ok(put.version.is_some())
    }

    /// Writes an object unless there is one; says whether the store says that it did.
    ///
    /// Some stores ignore the condition, so whoever depends on it reads the object afterwards.
    pub(crate) async fn create(&self, name: &str, bytes: Bytes) -> Result<bool> {
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&Path::from(name), PutPayload::from_bytes(bytes), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            Err(source) => Err(Error::store("write", name, source)),
        }
    }

    /// Deletes an object if it is there.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&Path::from(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Error::store("delete", name, source)),
        }
    }

    /// Keeps an object, if it is there, under another name, where nothing reads it.
    pub(crate) async fn set_aside(&self, name: &str) -> Result<()> {
        let aside = Path::from(format!("{ASIDE}/{name}"));
        match self.store.copy(&Path::from(name), &aside).await {
            Ok(()) => self.delete(name).await,
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Error::store("set aside", name, source)),
        }
    }

    /// Deletes objects that may be there, as many in a request as the store takes.
    pub(crate) async fn delete_all(&self, names: &[String]) -> Result<()> {
        let paths: Vec<_> = names.iter().map(|name| Ok(Path::from(name.as_str()))).collect();
        let mut deleted = self.store.delete_stream(futures::stream::iter(paths).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(Error::store("delete", names.join(", "), source)),
            }
        }
        Ok(())
    }

    /// Whether an object is there.
    pub(crate) async fn exists(&self, name: &str) -> Result<bool> {
        match self.store.head(&Path::from(name)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(Error::store("look for", name, source)),
        }
    }

    /// Lists what is below a folder, in no order.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let listing = self.store.list(Some(&Path::from(folder))).map_ok(Listed::of).try_collect();
        let mut listed: Vec<Listed> =
            listing.await.map_err(|source| Error::store("list", format!("{folder}/"), source))?;
        // There may be a hundred thousand, and they are kept for a while.
        listed.shrink_to_fit();
        Ok(listed)
    }

    /// Lists everything, in no order, if that is little; gives nothing when there is more.
    pub(crate) async fn list_if_few(&self) -> Result<Option<Vec<Listed>>> {
        let first = self.store.list(None).map_ok(Listed::of).take(FEW);
        let listed: Vec<Listed> =
            first.try_collect().await.map_err(|source| Error::store("list", "the location", source))?;
        Ok((listed.len() < FEW).then_some(listed))
    }

    /// The names of the objects and folders at the top.
    pub(crate) async fn top(&self) -> Result<Vec<String>> {
        let listed = self.store.list_with_delimiter(None).await;
        let listed = listed.map_err(|source| Error::store("list", "the location", source))?;
        let folders = listed.common_prefixes.iter().map(Path::to_string);
        Ok(folders.chain(listed.objects.iter().map(|meta| meta.location.to_string())).collect())
    }

    /// The first object found, below a folder or anywhere, that a condition holds for.
    pub(crate) async fn any(
        &self,
        folder: Option<&str>,
        condition: impl Fn(&str) -> bool + Send,
    ) -> Result<Option<String>> {
        let prefix = folder.map(Path::from);
        let mut found = self.store.list(prefix.as_ref());
        while let Some(meta) = found
            .try_next()
            .await
            .map_err(|source| Error::store("list", folder.unwrap_or("the location"), source))?
        {
            if condition(meta.location.as_ref()) {
                return Ok(Some(meta.location.to_string()));
            }
        }
        Ok(None)
    }
}
