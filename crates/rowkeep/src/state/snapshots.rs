//! The snapshots of a repository: opened, listed, and found by what people call them.

use std::sync::Arc;

use futures::stream::StreamExt;
use rowkeep_format::{Manifest, Schema, SnapshotId, Summary, chunk};
use rowkeep_repository::{Catalog, Reader, Repository};

use crate::Error;
use crate::without_secrets::without_secrets;

/// How many manifests are fetched at once; they are small, and a store far away answers late.
const AT_ONCE: usize = 16;

/// Digits of an id that are shown, and the fewest that are taken for one.
pub const SHORT_ID: usize = 8;
const SHORTEST_PREFIX: usize = 4;

/// What the environment of a snapshot says whose rows were masked.
pub(crate) const MASKED: &str = "masked";

/// A snapshot, by its id, with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// What it holds.
    pub manifest: Manifest,
}

impl Snapshot {
    /// The id as people see it.
    pub fn short_id(&self) -> String {
        short_id(self.id)
    }

    /// The snapshot in words.
    pub(crate) fn told(&self) -> String {
        format!("snapshot {}", self.short_id())
    }

    /// Whether its rows were masked.
    pub(crate) fn is_masked(&self) -> bool {
        self.manifest.environment.get(MASKED).is_some_and(|masked| masked == "true")
    }

    /// Whether it holds nothing but the changes that were then made, by which they can be undone.
    pub fn is_changes_alone(&self) -> bool {
        let before = self.manifest.before.as_ref();
        before.is_some_and(|before| before.changes.is_some()) && self.manifest.tables.is_empty()
    }
}

/// An id as people see it.
pub(crate) fn short_id(id: SnapshotId) -> String {
    id.to_string()[..SHORT_ID].to_owned()
}

/// Opens a snapshot.
pub async fn open(repository: &Repository, id: SnapshotId) -> Result<Snapshot, Error> {
    let json = repository.read_snapshot(&id).await?;
    let manifest = Manifest::from_json(&json).map_err(Error::content(format!("snapshot {id}")))?;
    Ok(Snapshot { id, manifest })
}

/// All snapshots with what they hold, of one database or of all, the oldest first.
///
/// A snapshot that cannot be opened fails the listing: it must not be taken for one that never was.
pub async fn list(repository: &Repository, database: Option<&str>) -> Result<Vec<Snapshot>, Error> {
    let opened: Vec<_> = opened(repository, database).await?;
    opened.into_iter().map(|(_, opened)| opened).collect()
}

/// Opens the snapshots of one database or of all, the oldest first, and then those of which nobody can tell whose they are.
async fn opened(
    repository: &Repository,
    database: Option<&str>,
) -> Result<Vec<(SnapshotId, Result<Snapshot, Error>)>, Error> {
    let catalog = repository.catalog().await?;
    let unreadable = catalog.unreadable().iter().map(|unreadable| unreadable.id);
    let ids: Vec<SnapshotId> = catalog.of(database).map(|summary| summary.id).chain(unreadable).collect();
    let opened = futures::stream::iter(ids).map(|id| async move { (id, open(repository, id).await) });
    Ok(opened.buffered(AT_ONCE).collect().await)
}

/// All snapshots that can be opened, of one database or of all, the oldest first; and those that are damaged, so that
/// nobody can tell whose they are. Safety snapshots are passed over.
pub async fn readable(
    repository: &Repository,
    database: Option<&str>,
) -> Result<(Vec<Snapshot>, Vec<(SnapshotId, Error)>), Error> {
    let (mut snapshots, mut damaged) = (Vec::new(), Vec::new());
    for (id, result) in opened(repository, database).await? {
        match result {
            Ok(snapshot) if snapshot.manifest.before.is_none() => snapshots.push(snapshot),
            Ok(_) => {}
            Err(error) if error.kind() == crate::ErrorKind::Damage => damaged.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    Ok((snapshots, damaged))
}

/// The newest snapshot, of one database or of all. Safety snapshots are passed over: they hold what was to be replaced.
pub async fn latest(repository: &Repository, database: Option<&str>) -> Result<Option<Snapshot>, Error> {
    let catalog = repository.catalog().await?;
    match catalog.newest(database) {
        Some(newest) => Ok(Some(open(repository, newest.id).await?)),
        None => Ok(None),
    }
}

/// Finds a snapshot by what people call it: `latest`, `latest:DATABASE`, its name, its id, or the beginning of one.
///
/// Of several with one name the newest is meant.
pub async fn find(repository: &Repository, reference: &str) -> Result<Snapshot, Error> {
    let found = match find_in(&*repository.catalog().await?, reference) {
        // Somebody may have made it since snapshots were last listed.
        Err(Error::NoSuchSnapshot { .. }) => find_in(&*repository.catalog_now().await?, reference)?,
        found => found?,
    };
    open(repository, found).await
}

fn find_in(catalog: &Catalog, reference: &str) -> Result<SnapshotId, Error> {
    let missing = |database: Option<&str>| Error::NoSuchSnapshot {
        reference: without_secrets(reference),
        database: database.map(without_secrets),
    };
    if reference == "latest" {
        return catalog.newest(None).map(|newest| newest.id).ok_or_else(|| missing(None));
    }
    if let Some(database) = reference.strip_prefix("latest:") {
        let newest = catalog.newest(Some(database));
        return newest.map(|newest| newest.id).ok_or_else(|| missing(Some(database)));
    }
    let unreadable = || catalog.unreadable().iter().map(|unreadable| unreadable.id);
    let ids = || catalog.snapshots().map(|summary| summary.id).chain(unreadable());
    if let Ok(id) = SnapshotId::from_hex(reference)
        && ids().any(|known| known == id)
    {
        return Ok(id);
    }
    let is_named = |summary: &&Arc<Summary>| summary.name.as_deref() == Some(reference);
    if let Some(named) = catalog.snapshots().rfind(is_named) {
        return Ok(named.id);
    }
    if reference.len() < SHORTEST_PREFIX {
        return Err(missing(None));
    }
    let candidates: Vec<SnapshotId> = ids().filter(|id| id.to_string().starts_with(reference)).collect();
    match candidates.as_slice() {
        [] => Err(missing(None)),
        [one] => Ok(*one),
        _ => Err(Error::AmbiguousSnapshot {
            reference: reference.to_owned(),
            candidates: candidates.iter().map(SnapshotId::to_string).collect(),
        }),
    }
}

/// Reads the schema that a snapshot was taken with.
pub async fn read_schema(reader: &Reader, manifest: &Manifest) -> Result<Schema, Error> {
    let plain = reader.read(&manifest.schema).await?;
    let schema = chunk::decode_text(&plain).and_then(Schema::from_json);
    schema.map_err(Error::content(format!("schema {}", manifest.schema)))
}
