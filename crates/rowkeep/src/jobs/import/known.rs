//! Which files were imported before.

use jiff::Timestamp;
use rowkeep_engine::CONTENT;
use rowkeep_format::manifest::Scope;
use rowkeep_format::{SnapshotId, Summary};

use super::candidate::Candidate;
use super::request::ImportRequest;
use crate::Error;
use crate::jobs::workspace::Workspace;
use crate::state::snapshots::{MASKED, Snapshot, open};

/// Whether a file was imported as it is now, as of its database.
pub(super) async fn is_known(candidate: &Candidate, workspace: &Workspace) -> Result<bool, Error> {
    // Where there is no repository, the first import makes it or says what is wrong.
    let Ok(repository) = workspace.repository().await else { return Ok(false) };
    for (id, database, place) in of_time(candidate.time, workspace).await? {
        if database != candidate.source.name {
            continue;
        }
        let snapshot = open(repository, id).await?;
        let is_same = match (snapshot.manifest.environment.get(CONTENT), &candidate.content) {
            (Some(before), Some(now)) => before == now,
            // Databases as they are, and what was imported by earlier programs.
            _ => place == candidate.source.engine.place(),
        };
        if is_same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The snapshot that the same request has made of a file before.
pub(super) async fn made_before(
    request: &ImportRequest,
    candidate: &Candidate,
    workspace: &Workspace,
) -> Result<Option<Snapshot>, Error> {
    let Ok(repository) = workspace.repository().await else { return Ok(None) };
    for (id, database, _) in of_time(candidate.time, workspace).await? {
        let snapshot = open(repository, id).await?;
        let manifest = &snapshot.manifest;
        let is_asked_for = (&manifest.name, &manifest.tags) == (&request.name, &request.tags);
        let is_same = manifest.environment.get(CONTENT) == candidate.content.as_ref();
        if database == candidate.source.name && is_asked_for && is_same {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// The snapshot that was made of a whole file as it is now, whatever database it was said to be of.
pub(super) async fn snapshot_of(
    candidate: &Candidate,
    workspace: &Workspace,
) -> Result<Option<Snapshot>, Error> {
    let Ok(repository) = workspace.repository().await else { return Ok(None) };
    let Some(content) = &candidate.content else { return Ok(None) };
    for (id, ..) in of_time(candidate.time, workspace).await? {
        let snapshot = open(repository, id).await?;
        let manifest = &snapshot.manifest;
        let is_whole = manifest.scope == Scope::Full && !manifest.environment.contains_key(MASKED);
        if is_whole && manifest.environment.get(CONTENT) == Some(content) {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// The snapshots of files of a time, the newest first: which they are, of which database and from where.
async fn of_time(time: Timestamp, workspace: &Workspace) -> Result<Vec<(SnapshotId, String, String)>, Error> {
    let catalog = workspace.repository().await?.catalog().await?;
    let found = catalog.snapshots().rev().map(AsRef::as_ref);
    let found = found.filter(|summary: &&Summary| summary.identity.is_none() && summary.time == time);
    Ok(found.map(|summary| (summary.id, summary.database.to_string(), place(summary))).collect())
}

/// Where its file is, whatever the way that it was named by.
fn place(summary: &Summary) -> String {
    let found = std::fs::canonicalize(&*summary.source).map(|path| path.display().to_string());
    found.unwrap_or_else(|_| summary.source.to_string())
}
