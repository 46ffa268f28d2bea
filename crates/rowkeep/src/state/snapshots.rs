//! The snapshots of a repository: opened, listed, and found by what people call them.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::StreamExt;
use rowkeep_format::manifest::Origin;
use rowkeep_format::{Manifest, Schema, SnapshotId, Summary, chunk};
use rowkeep_repository::{Catalog, ErrorKind as RepositoryKind, Reader, Repository};

use super::by_time::{ByTime, Times, by_time};
pub use super::ids::SHORT_ID;
pub(crate) use super::ids::short_id;
use super::owner::{Owner, meant};
use crate::without_secrets::without_secrets;
use crate::{Error, RequestError};

/// How many manifests are fetched at once; they are small, and a store far away answers late.
const AT_ONCE: usize = 16;

/// The fewest digits that are taken for an id.
const SHORTEST_PREFIX: usize = 4;

/// What the newest snapshot is called.
pub(crate) const LATEST: &str = "latest";

/// Whether a reference means the newest snapshot, whichever that is.
pub(crate) fn is_latest(reference: &str) -> bool {
    reference == LATEST || reference.starts_with("latest:")
}

/// The tag of the two snapshots around a migration.
pub(crate) const MIGRATION: &str = "migration";

/// The tag that says what an application has announced, such as a migration of its own.
pub const EVENT: &str = "event";

/// The tag of the two snapshots around another command.
pub(crate) const AROUND: &str = "around";

/// What such a tag says of the snapshot before.
pub(crate) const BEFORE: &str = "before";

/// What it says of the one after.
pub(crate) const AFTER: &str = "after";

/// What the environment of a snapshot says whose rows were masked.
pub(crate) const MASKED: &str = "masked";

/// Which snapshots can serve, where `latest` or a time is asked for.
pub(crate) type Serves<'a> = &'a (dyn Fn(&Summary) -> bool + Send + Sync);

/// Every snapshot can serve.
pub(crate) const ANY: Serves<'static> = &|_| true;

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
        self.manifest.is_masked()
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

/// All snapshots with what they hold, of one database or of all, the oldest first.
///
/// Those that cannot be read are passed over; the repository knows of them ([`Repository::harmed`]).
pub async fn list(repository: &Repository, owner: Option<&Owner>) -> Result<Vec<Snapshot>, Error> {
    let mut snapshots = Vec::new();
    for (id, opened) in opened(repository, owner).await? {
        match opened {
            Ok(snapshot) => snapshots.push(snapshot),
            Err(error) if is_gone(&error) => {}
            Err(error) if error.is_of_one_object() => {
                repository.catalog_after_a_look_at(id).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(snapshots)
}

/// Whether a snapshot was deleted elsewhere since it was listed.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Repository(error) if error.kind() == RepositoryKind::NotFound)
}

/// Opens the snapshots of one database or of all, the oldest first, and then those of which nobody can tell whose they are.
async fn opened(
    repository: &Repository,
    owner: Option<&Owner>,
) -> Result<Vec<(SnapshotId, Result<Snapshot, Error>)>, Error> {
    let catalog = repository.catalog().await?;
    let unreadable = catalog.unreadable().iter().map(|unreadable| unreadable.id);
    let of = catalog.snapshots().filter(|summary| is_owned(owner, summary));
    let ids: Vec<SnapshotId> = of.map(|summary| summary.id).chain(unreadable).collect();
    let opened = futures::stream::iter(ids).map(|id| async move { (id, open(repository, id).await) });
    Ok(opened.buffered(AT_ONCE).collect().await)
}

/// All snapshots that can be opened, of one database or of all, the oldest first; and those that are damaged, so that
/// nobody can tell whose they are. Safety snapshots are passed over.
pub async fn readable(
    repository: &Repository,
    owner: Option<&Owner>,
) -> Result<(Vec<Snapshot>, Vec<(SnapshotId, Error)>), Error> {
    let (mut snapshots, mut damaged) = (Vec::new(), Vec::new());
    for (id, result) in opened(repository, owner).await? {
        match result {
            Ok(snapshot) if snapshot.manifest.before.is_none() => snapshots.push(snapshot),
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) if error.is_of_one_object() => damaged.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    Ok((snapshots, damaged))
}

/// The newest snapshot, of one database or of all. Safety snapshots are passed over: they hold what was to be replaced.
pub async fn latest(repository: &Repository, owner: Option<&Owner>) -> Result<Option<Snapshot>, Error> {
    let catalog = repository.catalog().await?;
    let newest_id = |catalog: &Catalog| newest(catalog, owner, ANY).map(|newest| newest.id);
    match newest_id(&catalog) {
        Some(id) => Ok(Some(open_or_next(repository, id, newest_id).await?)),
        None => Ok(None),
    }
}

/// The newest snapshot in a catalog that can serve, of one database or of all. Safety snapshots are passed over.
fn newest<'c>(catalog: &'c Catalog, owner: Option<&Owner>, serves: Serves<'_>) -> Option<&'c Arc<Summary>> {
    catalog.snapshots().rfind(|summary| !summary.is_aside() && is_owned(owner, summary) && serves(summary))
}

fn is_owned(owner: Option<&Owner>, summary: &Summary) -> bool {
    owner.is_none_or(|owner| owner.owns(summary))
}

/// Opens a snapshot; where it cannot be read, the one that is meant when it is passed over.
async fn open_or_next(
    repository: &Repository,
    mut id: SnapshotId,
    meant: impl Fn(&Catalog) -> Option<SnapshotId>,
) -> Result<Snapshot, Error> {
    loop {
        let error = match open(repository, id).await {
            Err(error) if error.is_of_one_object() || is_gone(&error) => error,
            outcome => return outcome,
        };
        let catalog = repository.catalog_after_a_look_at(id).await?;
        match meant(&catalog) {
            Some(next) if next != id => id = next,
            _ => return Err(error),
        }
    }
}

/// Finds a snapshot by what people call it: `latest`, `latest:DATABASE`, its name, its id, or the beginning of one. A copy has the id
/// too that it has where it was made.
///
/// The database is one by its name, or by its URL or path where several have that name. Of several snapshots with one name
/// the newest is meant that can be read. What is the name of one snapshot and the beginning of another's id could mean
/// either, so it fails.
pub async fn find(repository: &Repository, reference: &str) -> Result<Snapshot, Error> {
    Ok(find_at(repository, reference, None, ANY).await?.0)
}

/// The same, or by a time: `DATABASE@TIME` is the newest that is not after it. Those that cannot serve are passed over, unless they
/// are named by themselves.
pub(crate) async fn find_at(
    repository: &Repository,
    reference: &str,
    times: Option<&Times<'_>>,
    serves: Serves<'_>,
) -> Result<(Snapshot, Option<ByTime>), Error> {
    let (id, by_time) = find_id(repository, reference, times, serves).await?;
    let meant = |catalog: &Catalog| find_in(catalog, reference, times, serves).ok().map(|(id, _)| id);
    let snapshot = open_or_next(repository, id, meant).await?;
    if snapshot.id == id {
        return Ok((snapshot, by_time));
    }
    let (_, by_time) = find_in(&*repository.catalog().await?, reference, times, serves)?;
    Ok((snapshot, by_time))
}

/// The same without opening it: a snapshot that cannot be read is found as well.
pub(crate) async fn find_id(
    repository: &Repository,
    reference: &str,
    times: Option<&Times<'_>>,
    serves: Serves<'_>,
) -> Result<(SnapshotId, Option<ByTime>), Error> {
    // What a whole id means does not change: for one that is known, nothing has to be listed.
    if let Ok(id) = SnapshotId::from_hex(reference)
        && let Some(known) = repository.known_catalog().await
        && known.get(&id).is_some()
    {
        return Ok((id, None));
    }
    match find_in(&*repository.catalog().await?, reference, times, serves) {
        // Somebody may have made it since snapshots were last listed.
        Err(Error::NoSuchSnapshot { .. } | Error::Request(RequestError::NoSnapshots)) => {
            find_in(&*repository.catalog_now().await?, reference, times, serves)
        }
        found => found,
    }
}

fn find_in(
    catalog: &Catalog,
    reference: &str,
    times: Option<&Times<'_>>,
    serves: Serves<'_>,
) -> Result<(SnapshotId, Option<ByTime>), Error> {
    match find_named(catalog, reference, serves) {
        Err(missing @ Error::NoSuchSnapshot { database: None, .. }) => {
            let by_time =
                times.map(|times| by_time(catalog, reference, times, serves)).transpose()?.flatten();
            by_time.map(|by_time| (by_time.found.snapshot, Some(by_time))).ok_or(missing)
        }
        found => Ok((found?, None)),
    }
}

fn find_named(catalog: &Catalog, reference: &str, serves: Serves<'_>) -> Result<SnapshotId, Error> {
    let missing = |database: Option<&str>| Error::NoSuchSnapshot {
        reference: without_secrets(reference),
        database: database.map(without_secrets),
    };
    if reference == LATEST {
        return Ok(newest(catalog, None, serves).ok_or(RequestError::NoSnapshots)?.id);
    }
    if let Some(database) = reference.strip_prefix("latest:") {
        let owner = meant(catalog, database)?;
        let newest = owner.and_then(|owner| newest(catalog, Some(&owner), serves));
        return newest.map(|newest| newest.id).ok_or_else(|| missing(Some(database)));
    }
    // What does not count is nobody's latest, but whoever names it means it.
    let others = || {
        let unreadable = catalog.unreadable().iter().map(|unreadable| unreadable.id);
        let is_unreadable = |id: &&SnapshotId| catalog.unreadable().iter().any(|other| other.id == **id);
        unreadable.chain(catalog.uncompleted().iter().filter(move |id| !is_unreadable(id)).copied())
    };
    let ids = || catalog.snapshots().map(|summary| summary.id).chain(others());
    if let Ok(id) = SnapshotId::from_hex(reference)
        && ids().any(|known| known == id)
    {
        return Ok(id);
    }
    let is_named = |summary: &&Arc<Summary>| summary.name.as_deref() == Some(reference);
    let named = catalog.snapshots().rfind(is_named).map(|named| named.id);
    let begins =
        |id: &SnapshotId| reference.len() >= SHORTEST_PREFIX && id.to_string().starts_with(reference);
    let mut candidates: Vec<SnapshotId> = ids().filter(begins).collect();
    candidates.extend(copies(catalog, begins, &candidates));
    candidates.extend(named.filter(|named| !candidates.contains(named)));
    match candidates.as_slice() {
        [] => Err(missing(None)),
        [one] => Ok(*one),
        _ => Err(Error::AmbiguousSnapshot {
            reference: reference.to_owned(),
            candidates: candidates.iter().map(SnapshotId::to_string).collect(),
        }),
    }
}

/// The copies of snapshots whose ids elsewhere begin so, beside those that were found; the newest of several copies of one.
fn copies(catalog: &Catalog, begins: impl Fn(&SnapshotId) -> bool, found: &[SnapshotId]) -> Vec<SnapshotId> {
    let of = |summary: &Arc<Summary>| {
        Some((summary.origin.filter(|origin| begins(&origin.snapshot))?, summary.id))
    };
    let newest: HashMap<Origin, SnapshotId> = catalog.snapshots().filter_map(of).collect();
    newest.into_values().filter(|id| !found.contains(id)).collect()
}

/// Refuses a name for a snapshot that is the id of another or the beginning of one: it would hide that.
pub(crate) fn refuse_hidden_id(catalog: &Catalog, name: &str) -> Result<(), RequestError> {
    let hidden = catalog
        .snapshots()
        .find(|summary| name.len() >= SHORTEST_PREFIX && summary.id.to_string().starts_with(name));
    let Some(hidden) = hidden else { return Ok(()) };
    let (name, why) = (name.to_owned(), format!("it means snapshot {}", short_id(hidden.id)));
    Err(RequestError::TakenName { what: "a snapshot", name, why })
}

/// Reads the schema that a snapshot was taken with.
pub async fn read_schema(reader: &Reader, manifest: &Manifest) -> Result<Schema, Error> {
    let plain = reader.read(&manifest.schema).await?;
    let schema = chunk::decode_text(&plain).and_then(Schema::from_json);
    schema.map_err(Error::content(format!("schema {}", manifest.schema)))
}
