//! Undo: what was applied is applied backwards.

use std::collections::BTreeMap;

use rowkeep_engine::Engine;
use rowkeep_format::SnapshotId;
use rowkeep_repository::Repository;

use super::dangling::OnDangling;
use super::plan::Plan;
use super::safety::{self, KeptRows, Safety};
use super::stored_changes::stored_changes;
use crate::capture::Opened;
use crate::state::snapshots::{SHORT_ID, Snapshot, list};
use crate::{Context, Error};

/// Finds the operation on a database that [`undo`] takes back: the newest that was not taken back yet.
pub async fn last_applied(repository: &Repository, database: &str) -> Result<Snapshot, Error> {
    let mut all = list(repository, Some(database)).await?;
    let undone: Vec<String> = all
        .iter()
        .filter_map(|snapshot| snapshot.manifest.before.as_ref())
        .filter(|before| before.operation == UNDO)
        .map(|before| before.from.clone())
        .collect();
    let is_open = |snapshot: &Snapshot| {
        let before = snapshot.manifest.before.as_ref();
        before.is_some_and(|before| before.operation != UNDO)
            && !undone.iter().any(|from| from == &taken_back(snapshot.id))
    };
    match all.iter().rposition(is_open) {
        Some(found) => Ok(all.swap_remove(found)),
        None => Err(Error::NothingToUndo { database: database.to_owned() }),
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
/// Exactly the rows that it changed get the values that they had; a row that was changed again since is a conflict.
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
    let changes = stored_changes(repository, *stored, true).await?;
    // What was done to single rows is as cheap to take back.
    let kept = match snapshot.is_changes_alone() {
        true => KeptRows::Nothing,
        false => KeptRows::tables(changes.tables().iter().map(|changes| changes.table.name.clone())),
    };
    let captured = match safety {
        None => None,
        Some(safety) => {
            let kept = kept.clone();
            let opened = Opened::open(context, engine, kept.with_ddl()).await?;
            Some(safety::capture(context, repository, engine, opened, kept, safety).await?)
        }
    };
    Ok(Plan {
        operation: UNDO,
        from: taken_back(snapshot.id),
        database: engine.describe(),
        schema: Vec::new(),
        changes,
        stored: None,
        kept,
        related: BTreeMap::new(),
        left_out: BTreeMap::new(),
        dangling: Vec::new(),
        on_dangling: OnDangling::Stop,
        safety: captured,
    })
}
