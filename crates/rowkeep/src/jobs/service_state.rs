//! The state of the service as a snapshot like any other: kept in the repository, thinned out, brought back.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use rowkeep_engine::{DatabaseUrl, Engine, connect};
use rowkeep_format::{SnapshotId, Summary};
use rowkeep_repository::Repository;

use super::caller::Unattended;
use super::holds::Holds;
use super::keep::KeepRequest;
use super::repositories::{BehindRepository, spread};
use super::workspace::Workspace;
use crate::capture::{CaptureOptions, capture};
use crate::config::SERVICE_DATABASE;
use crate::restore::restore;
use crate::restore::verify::verify_strictly;
use crate::state::owner::Owner;
use crate::state::selection::Selection;
use crate::state::snapshots;
use crate::{Context, Error};

/// A state that is in the repository.
#[derive(Debug, Clone)]
pub struct KeptState {
    /// Its snapshot.
    pub snapshot: SnapshotId,
    /// When it was taken.
    pub time: Timestamp,
    /// Of several repositories, those that do not have it; they get it with one of the next.
    pub behind: Vec<BehindRepository>,
}

/// The name is what says which database it is: the file is another every time.
fn owner(engine: &dyn Engine) -> Owner {
    Owner::unasked(SERVICE_DATABASE, true, engine)
}

/// Keeps a state, which is a database in a file that nobody else writes to.
pub async fn keep(
    context: &Context,
    workspace: &Workspace,
    file: &Path,
    tags: BTreeMap<String, String>,
) -> Result<KeptState, Error> {
    let repository = workspace.repository().await?;
    let engine = connect(&DatabaseUrl::of_file(file), workspace.surroundings())?;
    let options = CaptureOptions {
        database: SERVICE_DATABASE.to_owned(),
        configured: true,
        name: None,
        tags,
        environment: None,
        selection: Selection::default(),
        mask: None,
        with_schema: true,
        with_data: true,
        trusts_marks: false,
        suspicion: None,
        program: workspace.program().to_owned(),
        repository_folder: workspace.repository_folder().map(Path::to_owned),
    };
    let made = capture(&context.clone().frugal(), repository, engine.as_ref(), &options).await?;
    let (mut behind, ours) = (Vec::new(), [owner(engine.as_ref())]);
    spread(context, workspace, Some(&ours), &Unattended, &mut behind).await?;
    Ok(KeptState { snapshot: made.id, time: made.manifest.time, behind })
}

/// Deletes the states that are not kept any more, in every repository that can be opened; how many. One that is held stays.
pub async fn thin_out(context: &Context, workspace: &Workspace) -> Result<u64, Error> {
    let mut deleted = thin_out_one(context, workspace).await?;
    for (_, other) in workspace.others() {
        deleted += Box::pin(thin_out_one(context, other)).await?;
    }
    Ok(deleted)
}

async fn thin_out_one(context: &Context, workspace: &Workspace) -> Result<u64, Error> {
    let repository = workspace.repository().await?;
    if !repository.catalog().await?.snapshots().any(|summary| *summary.database == *SERVICE_DATABASE) {
        return Ok(0);
    }
    let request = KeepRequest { databases: vec![SERVICE_DATABASE.into()], ..KeepRequest::default() };
    let keeping = request.run(context, workspace).await?;
    let holds = Holds::read(repository).await?;
    let mut deleted = 0;
    for one in keeping.databases.into_iter().flat_map(|database| database.snapshots) {
        if one.decision.is_kept() || !holds.on(one.summary.id, context.now()).is_empty() {
            continue;
        }
        repository.delete_snapshot(&one.summary.id).await?;
        holds.delete_of(repository, one.summary.id).await?;
        deleted += 1;
    }
    Ok(deleted)
}

/// Makes a database in a file out of the newest state that the repository has, and proves by its hashes that it is the same.
///
/// Nothing where the repository has none. Where a newer state cannot be read, that is an error: an older one would not know what was
/// done since.
pub async fn bring_back(
    context: &Context,
    workspace: &Workspace,
    into: &Path,
) -> Result<Option<KeptState>, Error> {
    let repository = workspace.repository().await?;
    let Some(id) = newest(repository).await? else { return Ok(None) };
    let snapshot = snapshots::open(repository, id).await?;
    let engine = connect(&DatabaseUrl::of_file(into), workspace.surroundings())?;
    let engine = engine.as_ref();
    restore(context, repository, &snapshot, engine).await?;
    let proof = verify_strictly(context, repository, &snapshot, engine).await?;
    if !proof.is_proven() {
        let detail = "what was restored is not what was backed up".to_owned();
        return Err(Error::ReadBack { object: format!("snapshot {id}"), detail });
    }
    Ok(Some(KeptState { snapshot: id, time: snapshot.manifest.time, behind: Vec::new() }))
}

async fn newest(repository: &Repository) -> Result<Option<SnapshotId>, Error> {
    let catalog = repository.catalog().await?;
    let newest =
        catalog.snapshots().rfind(|summary| *summary.database == *SERVICE_DATABASE && is_configured(summary));
    Ok(newest.map(|summary| summary.id))
}

/// When the newest backup of each database was taken that the repository has under a configured name.
pub async fn newest_backups(workspace: &Workspace) -> Result<BTreeMap<String, Timestamp>, Error> {
    let repository = workspace.repository().await?;
    let catalog = repository.catalog().await?;
    let mut newest = BTreeMap::new();
    for summary in catalog.snapshots().filter(|summary| !summary.is_safety() && is_configured(summary)) {
        let known = newest.entry(summary.database.to_string()).or_insert(summary.time);
        *known = (*known).max(summary.time);
    }
    Ok(newest)
}

fn is_configured(summary: &Summary) -> bool {
    summary.identity.as_ref().is_some_and(|identity| identity.configured)
}
