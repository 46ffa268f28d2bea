//! What snapshots and changesets need: every chunk, down to the runs of rows.

use std::collections::HashSet;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::{ChunkId, Manifest, TableEntry};
use rowkeep_repository::{Completion, Error as StoreError, ErrorKind as Kind, Reader, Repository};

use super::reader::{read_changeset, read_node};
use super::snapshots::{is_gone, open, short_id};
use crate::{Context, Error};

/// Nodes that are read at once.
const AT_ONCE: usize = 8;

/// Goes through what a snapshot needs. `visit` is told of each chunk and says whether what lies below it is to be gone through.
pub(crate) async fn visit_snapshot(
    reader: &Reader,
    manifest: &Manifest,
    visit: &mut (dyn FnMut(&ChunkId) -> bool + Send),
) -> Result<(), Error> {
    visit(&manifest.schema);
    for table in &manifest.tables {
        visit_table(reader, table, visit).await?;
    }
    match manifest.before.as_ref().and_then(|before| before.changes) {
        Some(changes) => visit_changes(reader, changes, visit).await,
        None => Ok(()),
    }
}

/// The same of a changeset, by the chunk that says where its parts are.
pub(crate) async fn visit_changes(
    reader: &Reader,
    id: ChunkId,
    visit: &mut (dyn FnMut(&ChunkId) -> bool + Send),
) -> Result<(), Error> {
    if visit(&id) {
        let changeset = read_changeset(reader, id).await?;
        for part in changeset.tables.iter().flat_map(|stored| &stored.chunks) {
            visit(part);
        }
    }
    Ok(())
}

/// Goes through a table's tree level by level, so that a forged depth cannot exhaust the stack.
async fn visit_table(
    reader: &Reader,
    table: &TableEntry,
    visit: &mut (dyn FnMut(&ChunkId) -> bool + Send),
) -> Result<(), Error> {
    let mut nodes = Vec::new();
    if visit(&table.root.hash) {
        nodes.push(table.root.hash);
    }
    for level in (0..u64::from(table.root.levels)).rev() {
        let mut below = Vec::new();
        let read = futures::stream::iter(nodes).map(|id| read_node(reader, id, level));
        let mut read = read.buffer_unordered(AT_ONCE).boxed();
        while let Some(entries) = read.try_next().await? {
            below.extend(entries.iter().map(|entry| entry.id).filter(|id| visit(id)));
        }
        nodes = below;
    }
    Ok(())
}

/// Whether a reader has all that a snapshot needs.
pub(crate) fn has_all<'a>(reader: Reader, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, StoreError>> {
    async move {
        let mut all = true;
        let mut seen = HashSet::new();
        let mut visit = |id: &ChunkId| {
            all &= reader.contains(id);
            seen.insert(*id)
        };
        let visited = visit_snapshot(&reader, manifest, &mut visit).await;
        is_whole(visited, all)
    }
    .boxed()
}

/// Whether a reader has all that a changeset needs.
pub(crate) fn has_changes<'a>(reader: Reader, id: ChunkId) -> BoxFuture<'a, Result<bool, StoreError>> {
    async move {
        let mut all = true;
        let mut visit = |id: &ChunkId| {
            all &= reader.contains(id);
            true
        };
        let visited = visit_changes(&reader, id, &mut visit).await;
        is_whole(visited, all)
    }
    .boxed()
}

/// What cannot be read is not whole; a store that does not answer says nothing.
fn is_whole(visited: Result<(), Error>, all: bool) -> Result<bool, StoreError> {
    match visited {
        Ok(()) => Ok(all),
        Err(Error::Repository(error)) if error.kind() != Kind::Damaged && error.kind() != Kind::Missing => {
            Err(error)
        }
        Err(_) => Ok(false),
    }
}

/// Looks at the snapshots that do not count because their writers were killed: completes those that are whole, and warns of those
/// that are not and that this role may not delete.
pub(crate) async fn complete_left(context: &Context, repository: &Repository) -> Result<(), Error> {
    for id in repository.catalog().await?.uncompleted() {
        let manifest = match open(repository, *id).await {
            Ok(snapshot) => snapshot.manifest,
            // Being written, or torn when it was: a check tells.
            Err(error) if error.is_of_one_object() || is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        if repository.complete(id, &|reader| has_all(reader, &manifest)).await? == Completion::Kept {
            context.warn(format!(
                "snapshot {} lacks rows, for its backup was killed, and this role may not delete it: it is not listed, and stays until \
                 a prune or a backup by a role that may delete",
                short_id(*id)
            ));
        }
    }
    Ok(())
}
