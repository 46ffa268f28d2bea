//! Which files were imported before.

use std::collections::HashSet;

use jiff::Timestamp;
use rowkeep_engine::Engine;
use rowkeep_format::Summary;
use rowkeep_format::manifest::Scope;

use crate::Error;
use crate::jobs::workspace::Workspace;
use crate::state::snapshots::{MASKED, Snapshot, open};

/// Facts that a file that was changed does not keep.
const OF_CONTENT: [&str; 2] = ["file_bytes", "file_modified"];

/// What was imported already: of which database, from where, and of when.
pub(super) async fn known(workspace: &Workspace) -> Result<HashSet<(String, String, Timestamp)>, Error> {
    // Where there is none, the first import makes it or says what is wrong.
    let Ok(repository) = workspace.repository().await else { return Ok(HashSet::new()) };
    let catalog = repository.catalog().await?;
    let known = catalog.snapshots().filter(|summary| is_of_file(summary));
    Ok(known.map(|summary| (summary.database.to_string(), place(summary), summary.time)).collect())
}

/// The snapshot that was made of a whole file as it is now, whatever database it was said to be of.
pub(super) async fn snapshot_of(
    file: &dyn Engine,
    time: Timestamp,
    workspace: &Workspace,
) -> Result<Option<Snapshot>, Error> {
    let Ok(repository) = workspace.repository().await else { return Ok(None) };
    let facts = file.examine().await?.facts;
    let fact = |name: &str| facts.iter().find(|(fact, _)| fact == name).map(|(_, value)| value);
    let catalog = repository.catalog().await?;
    let here = file.place();
    let candidates = catalog.snapshots().rev();
    let is_candidate = |summary: &&_| {
        let summary: &Summary = summary;
        is_of_file(summary) && summary.time == time && place(summary) == here
    };
    let ids: Vec<_> = candidates.map(AsRef::as_ref).filter(is_candidate).map(|summary| summary.id).collect();
    for id in ids {
        let snapshot = open(repository, id).await?;
        let manifest = &snapshot.manifest;
        let is_same =
            |name: &&str| fact(name).is_some_and(|now| manifest.environment.get(*name) == Some(now));
        let is_whole = manifest.scope == Scope::Full && !manifest.environment.contains_key(MASKED);
        if is_whole && OF_CONTENT.iter().all(is_same) {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

fn is_of_file(summary: &Summary) -> bool {
    summary.identity.is_none()
}

/// Where its file is, whatever the way that it was named by.
fn place(summary: &Summary) -> String {
    let found = std::fs::canonicalize(&*summary.source).map(|path| path.display().to_string());
    found.unwrap_or_else(|_| summary.source.to_string())
}
