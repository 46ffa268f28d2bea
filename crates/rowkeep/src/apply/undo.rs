//! Undo: what was applied is applied backwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep_engine::{Engine, MayDangle};
use rowkeep_format::{Sameness, SnapshotId, Summary};
use rowkeep_repository::{Catalog, Repository};

use super::dangling::{OnDangling, dangled};
use super::done::{Done, done};
use super::left_alone::left_alone;
use super::plan::Plan;
use super::safety::{self, KeptRows, Safety};
use super::stored_changes::changes_back;
use super::superseded::refuse_superseded;
use crate::capture::Opened;
use crate::diff::{Conflicts, Prefer};
use crate::state::owner::{Owner, owners};
use crate::state::snapshots::{SHORT_ID, Snapshot, open, short_id};
use crate::state::{LiveState, State};
use crate::{Context, Error};

/// Finds the operation on a database that [`undo`] takes back: the last that was done to it, whatever it was.
///
/// So what takes back an undo is the next undo. Where nothing was kept of what was done last, it fails. What a process was killed in before anything was changed is passed over, and
/// what was done to another database of the same name is not taken for it.
pub async fn last_applied(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    owner: &Owner,
) -> Result<Snapshot, Error> {
    context.until_cancelled(find_last(context, repository, engine, owner)).await
}

async fn find_last(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    owner: &Owner,
) -> Result<Snapshot, Error> {
    let catalog = repository.catalog().await?;
    for unreadable in catalog.unreadable() {
        let id = short_id(unreadable.id);
        context
            .warn(format!("snapshot {id} cannot be read; if something was done after it, it is passed over"));
    }
    let mut of_another = None;
    for summary in catalog.snapshots().rev().filter(|summary| summary.is_safety()) {
        match owner.sameness(summary) {
            Sameness::Same => {}
            Sameness::Unknown => refuse_unclear(&catalog, owner, summary)?,
            Sameness::Other if *summary.database == *owner.name => {
                of_another = of_another.or_else(|| Some(done_to_another(summary, owner)));
                continue;
            }
            Sameness::Other => continue,
        }
        refuse_superseded(repository, owner, summary).await?;
        let snapshot = open(repository, summary.id).await?;
        refuse_other(&snapshot, owner)?;
        match done(repository, engine, &snapshot).await? {
            Done::Yes => {
                refuse_another_file(&snapshot, owner)?;
                return Ok(snapshot);
            }
            Done::No => {
                let id = snapshot.short_id();
                context.warn(format!(
                    "what safety snapshot {id} was taken for was never done; it is passed over"
                ));
            }
            Done::Unknown => {
                let doubt = "was taken for something that was perhaps never done: its process was killed";
                return Err(Error::Doubtful { snapshot: snapshot.short_id(), doubt: doubt.to_owned() });
            }
        }
    }
    Err(of_another.unwrap_or_else(|| Error::NothingToUndo { database: owner.name.clone() }))
}

/// Fails when a safety snapshot is of another database: what was done to that cannot be taken back in this one.
pub(crate) fn refuse_other(snapshot: &Snapshot, owner: &Owner) -> Result<(), Error> {
    let summary = Summary::of(snapshot.id, &snapshot.manifest);
    match owner.sameness(&summary) {
        Sameness::Other => Err(done_to_another(&summary, owner)),
        Sameness::Same | Sameness::Unknown => Ok(()),
    }
}

fn done_to_another(summary: &Summary, owner: &Owner) -> Error {
    let other = Owner { name: summary.database.to_string(), identity: summary.identity.as_deref().cloned() };
    Error::OfAnother { snapshot: short_id(summary.id), other: other.told(), database: owner.told() }
}

/// Fails when a safety snapshot says too little of its database, and others of that name are known.
fn refuse_unclear(catalog: &Catalog, owner: &Owner, summary: &Summary) -> Result<(), Error> {
    let is_other = |other: &Owner| match (&owner.identity, &other.identity) {
        (Some(own), Some(other)) => own.compare(other) == Sameness::Other,
        _ => false,
    };
    let known = owners(catalog, &summary.database);
    if known.len() < 2 && !known.iter().any(is_other) {
        return Ok(());
    }
    let places: Vec<String> = known.iter().map(Owner::told).collect();
    let doubt = format!(
        "does not say which database it is of, and {} is a name of {}",
        owner.name,
        places.join(" and ")
    );
    Err(Error::Doubtful { snapshot: short_id(summary.id), doubt })
}

/// Fails when a whole database was replaced, and the file is another since: all that is in it would be lost.
fn refuse_another_file(snapshot: &Snapshot, owner: &Owner) -> Result<(), Error> {
    let is_whole = snapshot.manifest.before.as_ref().is_some_and(|before| before.changes.is_none());
    match (&owner.identity, &snapshot.manifest.identity) {
        (Some(own), Some(other)) if is_whole && own.is_another_file_than(other) => {
            let doubt = format!("is of the file that was at {} before another took its place", own.place);
            Err(Error::Doubtful { snapshot: snapshot.short_id(), doubt })
        }
        _ => Ok(()),
    }
}

/// What an undo is called.
pub(crate) const UNDO: &str = "undo";

/// What an undo is from: the state before what followed a safety snapshot.
pub(crate) fn taken_back(safety: SnapshotId) -> String {
    format!("before {safety}")
}

/// The short id of the safety snapshot that a plan takes an operation back by, from what it says that it is from.
pub fn undo_snapshot(from: &str) -> Option<&str> {
    let safety = from.strip_prefix("before ")?;
    Some(safety.get(..SHORT_ID).unwrap_or(safety))
}

/// Plans to take an operation back, by the safety snapshot that was taken before it.
///
/// Exactly the rows that it changed get the values that they had; a row that was changed again since is a conflict. What it left
/// alone is left alone.
/// What replaced the whole database is taken back by [`replace`](crate::restore::replace) instead.
pub async fn undo(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    safety_snapshot: &Snapshot,
    safety: Option<&Safety>,
) -> Result<Plan, Error> {
    context.until_cancelled(undo_now(context, repository, engine, safety_snapshot, safety)).await
}

async fn undo_now(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    safety: Option<&Safety>,
) -> Result<Plan, Error> {
    let Some(before) = &snapshot.manifest.before else {
        let lack = "was not taken before a restore, so there is nothing to undo";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    };
    let Some(stored) = &before.changes else {
        let lack =
            "was taken before the whole database was replaced, which only another replacement can undo";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    };
    if snapshot.manifest.engine != engine.name() {
        return Err(Error::Lacks { state: snapshot.told(), lack: "is of another engine than the database" });
    }
    let left = left_alone(context, repository, snapshot, *stored).await?;
    let changes = changes_back(repository, *stored, &left).await?;
    // What was done to single rows is as cheap to take back.
    let kept = match snapshot.is_changes_alone() {
        true => KeptRows::Nothing,
        false => KeptRows::tables(changes.tables().iter().map(|changes| changes.changed().clone())),
    };
    let mut dangles = Vec::new();
    let captured = match safety {
        None => None,
        Some(safety) => {
            let kept = kept.clone();
            let opened = Opened::open(context, engine, kept.with_ddl(), &kept.meant()).await?;
            let live = State::Live(LiveState::of(engine, Arc::clone(&opened.view))?);
            dangles = dangled(context, &live, Arc::clone(&changes)).await?;
            Some(safety::capture(context, repository, engine, opened, kept, safety).await?)
        }
    };
    Ok(Plan {
        operation: UNDO,
        from: taken_back(snapshot.id),
        database: engine.describe(),
        schema: Vec::new(),
        unread: Vec::new(),
        unmatched: Vec::new(),
        conflicts: Conflicts::default(),
        prefer: Prefer::Neither,
        cautions: engine.cautions(changes.as_ref()).await?,
        changes,
        stored: None,
        kept,
        related: BTreeMap::new(),
        left_out: BTreeMap::new(),
        dangling: Vec::new(),
        on_dangling: OnDangling::Stop,
        dangled: dangles,
        may_dangle: MayDangle::These(before.dangled.clone()),
        safety: captured,
    })
}
