//! The snapshots of a repository: opened, listed, and found by what people call them.

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::{Manifest, Schema, SnapshotId, chunk};
use rowkeep_repository::{Reader, Repository};

use super::order;
use crate::Error;

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
        self.id.to_string()[..SHORT_ID].to_owned()
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

/// Opens a snapshot.
pub async fn open(repository: &Repository, id: SnapshotId) -> Result<Snapshot, Error> {
    let json = repository.read_snapshot(&id).await?;
    let manifest = Manifest::from_json(&json).map_err(Error::content(format!("snapshot {id}")))?;
    Ok(Snapshot { id, manifest })
}

/// All snapshots, of one database or of all, the oldest first.
///
/// A snapshot that cannot be opened fails the listing: it must not be taken for one that never was.
pub async fn list(repository: &Repository, database: Option<&str>) -> Result<Vec<Snapshot>, Error> {
    let ids = repository.snapshots().await?;
    let opened = futures::stream::iter(ids).map(|id| open(repository, id)).buffer_unordered(AT_ONCE);
    let mut snapshots: Vec<Snapshot> = opened.try_collect().await?;
    snapshots.retain(|snapshot| database.is_none_or(|name| snapshot.manifest.database == name));
    put_in_order(&mut snapshots);
    Ok(snapshots)
}

/// Puts snapshots in order, the oldest first: by what each says that came before it, not by their times.
fn put_in_order(snapshots: &mut [Snapshot]) {
    let places = order::places(snapshots.iter().map(|snapshot| (snapshot.id, &snapshot.manifest)));
    snapshots.sort_by_key(|snapshot| places[&snapshot.id]);
}

/// All snapshots that can be opened, of one database or of all, the oldest first; and those that are damaged, so that
/// nobody can tell whose they are. Safety snapshots are passed over.
pub async fn readable(
    repository: &Repository,
    database: Option<&str>,
) -> Result<(Vec<Snapshot>, Vec<(SnapshotId, Error)>), Error> {
    let ids = repository.snapshots().await?;
    let opened = futures::stream::iter(ids).map(|id| async move { (id, open(repository, id).await) });
    let opened: Vec<_> = opened.buffer_unordered(AT_ONCE).collect().await;
    let (mut snapshots, mut damaged) = (Vec::new(), Vec::new());
    for (id, result) in opened {
        match result {
            Ok(snapshot) => {
                let is_meant = database.is_none_or(|name| snapshot.manifest.database == name);
                if is_meant {
                    snapshots.push(snapshot);
                }
            }
            Err(error) if error.kind() == crate::ErrorKind::Damage => damaged.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    put_in_order(&mut snapshots);
    snapshots.retain(|snapshot| snapshot.manifest.before.is_none());
    damaged.sort_by_key(|(id, _)| *id);
    Ok((snapshots, damaged))
}

/// The newest snapshot, of one database or of all. Safety snapshots are passed over: they hold what was to be replaced.
pub async fn latest(repository: &Repository, database: Option<&str>) -> Result<Option<Snapshot>, Error> {
    let mut all = list(repository, database).await?;
    let newest = all.iter().rposition(|snapshot| snapshot.manifest.before.is_none());
    Ok(newest.map(|newest| all.swap_remove(newest)))
}

/// Finds a snapshot by what people call it: `latest`, `latest:DATABASE`, its name, its id, or the beginning of one.
///
/// Of several with one name the newest is meant.
pub async fn find(repository: &Repository, reference: &str) -> Result<Snapshot, Error> {
    let missing = |database: Option<&str>| Error::NoSuchSnapshot {
        reference: reference.to_owned(),
        database: database.map(str::to_owned),
    };
    if reference == "latest" {
        return latest(repository, None).await?.ok_or_else(|| missing(None));
    }
    if let Some(database) = reference.strip_prefix("latest:") {
        return latest(repository, Some(database)).await?.ok_or_else(|| missing(Some(database)));
    }
    if let Ok(id) = SnapshotId::from_hex(reference)
        && repository.snapshots().await?.contains(&id)
    {
        return open(repository, id).await;
    }
    let mut all = list(repository, None).await?;
    if let Some(named) = all.iter().rposition(|snapshot| snapshot.manifest.name.as_deref() == Some(reference))
    {
        return Ok(all.swap_remove(named));
    }
    if reference.len() >= SHORTEST_PREFIX {
        all.retain(|snapshot| snapshot.id.to_string().starts_with(reference));
        match all.len() {
            0 => {}
            1 => return Ok(all.swap_remove(0)),
            _ => {
                return Err(Error::AmbiguousSnapshot {
                    reference: reference.to_owned(),
                    candidates: all.iter().map(|snapshot| snapshot.id.to_string()).collect(),
                });
            }
        }
    }
    Err(missing(None))
}

/// Reads the schema that a snapshot was taken with.
pub async fn read_schema(reader: &Reader, manifest: &Manifest) -> Result<Schema, Error> {
    let plain = reader.read(&manifest.schema).await?;
    let schema = chunk::decode_text(&plain).and_then(Schema::from_json);
    schema.map_err(Error::content(format!("schema {}", manifest.schema)))
}
