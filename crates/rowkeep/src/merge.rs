//! Merge: what one state changed since a common one comes into another, and a snapshot is made of the result.
//!
//! For databases that nobody can write to from here, as those in browsers: the snapshot is what their pages restore. A database that can be
//! reached gets the same changes by a restore with a base.

mod alike;
mod ancestor;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use rowkeep_engine::{EngineError, ErrorKind, View};
use rowkeep_format::{Counts, Table, TableName};
use rowkeep_repository::Repository;

pub(crate) use alike::{AlikeView, together};
pub use ancestor::{AFTER, common_ancestor};

use crate::capture::{CaptureOptions, Source, Uncommitted, read_view};
use crate::diff::{Changeset, Conflicts, DiffOptions, Filter, Prefer, Sides, diff};
use crate::state::reader::Cause;
use crate::state::snapshots::Snapshot;
use crate::state::{SnapshotState, State};
use crate::{Context, Error};
use alike::Alike;
use view::MergedView;

/// Three snapshots of one database.
pub struct Merging<'a> {
    /// The state that the other two come from.
    pub base: &'a Snapshot,
    /// The one that changes come into, in the terms of [`Prefer`] the database.
    pub into: &'a Snapshot,
    /// The one whose changes come.
    pub from: &'a Snapshot,
    /// What is done with rows that both have changed, in different ways.
    pub prefer: Prefer,
}

/// How two states go together.
pub struct Merged {
    /// Rows that come, change and go in the one that changes come into.
    pub changes: Changeset,
    /// Rows that both have changed, in different ways.
    pub conflicts: Conflicts,
    /// The state that they come into, with the columns of all three.
    into: Arc<AlikeView>,
    cause: Cause,
    /// Tables that only the state has whose changes come, which are left out.
    pub left_out: Vec<TableName>,
}

impl Merged {
    /// How many rows come, change and go.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.tables().iter().for_each(|table| counts += table.counts);
        counts
    }
}

/// Finds out what comes of merging; nothing is stored.
pub async fn merge(
    context: &Context,
    repository: &Repository,
    merging: &Merging<'_>,
) -> Result<Merged, Error> {
    context.until_cancelled(merge_now(context, repository, merging)).await
}

async fn merge_now(
    context: &Context,
    repository: &Repository,
    merging: &Merging<'_>,
) -> Result<Merged, Error> {
    let reader = Arc::new(repository.reader().await?);
    let opened = async |snapshot: &Snapshot| SnapshotState::open(Arc::clone(&reader), snapshot.clone()).await;
    let (into, base, from) =
        (opened(merging.into).await?, opened(merging.base).await?, opened(merging.from).await?);
    let cause = Cause::default();
    let (view, here, base, there, reordered) = match Alike::of(context, &into, &base, &from, &cause) {
        Some(alike) => {
            let here = Arc::clone(&alike.into).state();
            (alike.into, here, alike.base, alike.from, alike.reordered)
        }
        // Snapshots are compared chunk by chunk, without reading what is equal.
        None => {
            let view = AlikeView::with(context, &into, &[], &cause);
            let [here, base, there] = [into, base, from].map(State::Snapshot);
            (view, here, base, there, HashMap::new())
        }
    };
    let filter = Filter { settings: false, lone_sequences: false, rowids: false, ..Filter::default() };
    let options = DiffOptions { filter, ..DiffOptions::default() };
    let keys = repository.content_keys();
    let all = diff(context, keys, &here, &there, &options).await.map_err(|error| cause.of_either(error))?;
    let made = diff(context, keys, &base, &there, &options).await.map_err(|error| cause.of_either(error))?;
    let sides =
        Sides { context, database: &here, snapshot: &there, base: &base, prefer: merging.prefer, reordered };
    let (changes, conflicts) = sides.merge(&all.changes, &made.changes).await?;
    refuse_more_columns(&there, &changes)?;
    let left_out = all.only_after.into_iter().filter(|(_, rows)| *rows > 0).map(|(table, _)| table).collect();
    Ok(Merged { changes, conflicts, into: view, cause, left_out })
}

/// Values of columns that the state does not have cannot come into it.
fn refuse_more_columns(there: &State, changes: &Changeset) -> Result<(), Error> {
    for changed in changes.tables().iter().filter(|changed| changed.counts.total() > 0) {
        let here = &changed.table;
        let has = |name: &str| here.columns.iter().any(|column| column.name == name);
        let own = there.table(&here.name);
        if own.is_some_and(|own| own.columns.iter().any(|column| !has(&column.name))) {
            let why = "the snapshot whose changes come has a column more";
            return Err(Error::NotMergeable { table: here.name.to_string(), why });
        }
    }
    Ok(())
}

/// Makes a snapshot of the state that comes of merging.
///
/// Fails where rows would come into a table whose rows are stored by hidden numbers: those of two states are of different rows.
pub async fn capture_merged(
    context: &Context,
    repository: &Repository,
    merged: &Merged,
    options: &CaptureOptions,
) -> Result<Snapshot, Error> {
    refuse_hidden_numbers(&merged.into, &merged.changes)?;
    let read =
        read_changed(context, repository, &merged.into, &merged.changes, &merged.cause, options).await?;
    read.show(context, repository).await
}

/// Makes a snapshot of a state with changes, which nobody sees yet.
pub(crate) async fn read_changed(
    context: &Context,
    repository: &Repository,
    before: &Arc<AlikeView>,
    changes: &Changeset,
    cause: &Cause,
    options: &CaptureOptions,
) -> Result<Uncommitted, Error> {
    let manifest = before.manifest();
    let source = Source { engine: manifest.engine.clone(), described: manifest.source.clone() };
    let view = MergedView::new(before, changes).await?;
    let read = read_view(context, repository, &source, Arc::new(view), options).await;
    read.map_err(|error| cause.of_either(error))
}

/// Rows that are stored by hidden numbers have others in another state.
fn refuse_hidden_numbers(into: &AlikeView, changes: &Changeset) -> Result<(), Error> {
    for changed in changes.tables().iter().filter(|changed| changed.counts.inserted > 0) {
        let name = &changed.table.name;
        let is_by_number =
            |table: &Table| table.key.columns.iter().any(|part| table.columns[part.column].hidden);
        if into.schema().table(name).is_some_and(is_by_number) {
            let message = format!(
                "rows of table {name} are stored by hidden numbers, which stand for other rows in the other state: restore into a database with --base instead"
            );
            return Err(EngineError::new(ErrorKind::Unsupported, message).into());
        }
    }
    Ok(())
}
