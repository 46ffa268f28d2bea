//! Whether what a safety snapshot was taken for was done, or stopped before anything was changed.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use rowkeep_engine::{Engine, Meant, View, ViewOptions};
use rowkeep_format::changeset::Change;
use rowkeep_format::{Changes, ChunkId, RowBatch, Table, TableChanges, key};
use rowkeep_repository::Repository;

use super::stored_changes::stored_changes;
use crate::Error;
use crate::state::snapshots::Snapshot;

/// Whether an operation was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It was.
    Yes,
    /// It was not.
    No,
    /// Neither the repository nor the rows say so.
    Unknown,
}

/// Finds out whether what a safety snapshot was taken for was done.
///
/// The ledger says so of what ended while its process lived. For what a process was killed in, the rows are looked at
/// that it was to change: all of them were changed together or none, unless the database says that a change was cut off.
/// What is left of that needs undoing as well.
pub(super) async fn done(
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
) -> Result<Done, Error> {
    let Some(before) = &snapshot.manifest.before else { return Ok(Done::No) };
    if !before.entered || repository.is_applied(&snapshot.id).await? {
        return Ok(Done::Yes);
    }
    if engine.is_half_changed().await? {
        return Ok(Done::Yes);
    }
    match before.changes {
        Some(changes) => rows_tell(repository, engine, changes).await,
        None => Ok(Done::Unknown),
    }
}

/// Rows that are as they were before the operation, and as they were after it.
#[derive(Default)]
struct Witnesses {
    before: u64,
    after: u64,
}

async fn rows_tell(repository: &Repository, engine: &dyn Engine, changes: ChunkId) -> Result<Done, Error> {
    let changes = stored_changes(repository, changes).await?;
    let view = engine.open_of(&ViewOptions { with_ddl: false }, &Meant::nothing()).await?;
    let mut witnesses = Witnesses::default();
    let is_looked_at = |table: &TableChanges| table.counts.total() > 0 && table.across.is_none();
    for (number, table) in changes.tables().iter().enumerate().filter(|(_, table)| is_looked_at(table)) {
        let Some(live) = comparable(view.as_ref(), &table.table) else { continue };
        // One run of rows is enough of a table: they were changed together.
        if let Some(run) = changes.read(number).next().await {
            ask(view.as_ref(), live, table, &run?, &mut witnesses).await?;
        }
    }
    Ok(match (witnesses.before, witnesses.after) {
        (0, 0) => Done::Unknown,
        (before, after) if after >= before => Done::Yes,
        _ => Done::No,
    })
}

/// The live table, where it has the same columns and the same key, and its rows are known one by one.
fn comparable<'v>(view: &'v dyn View, table: &Table) -> Option<&'v Table> {
    let live = view.schema().tables.iter().find(|live| live.name == table.name)?;
    let is_same = live.columns == table.columns && live.key == table.key;
    (is_same && live.kind.is_user_table() && live.key.unique).then_some(live)
}

async fn ask(
    view: &dyn View,
    live: &Table,
    changed: &TableChanges,
    run: &Changes,
    witnesses: &mut Witnesses,
) -> Result<(), Error> {
    let columns: Vec<usize> = live.key.columns.iter().map(|key| key.column).collect();
    let mut keys = RowBatch::new(columns.len());
    for change in run.iter() {
        let (batch, row) = named_by(run, change);
        keys.push_row(columns.iter().map(|column| batch.value(row, *column)));
    }
    let found: Vec<RowBatch> = view.find(live, &columns, &keys).await?.try_collect().await?;
    let mut rows: HashMap<Vec<u8>, Row<'_>> = HashMap::new();
    for batch in &found {
        for row in 0..batch.rows() {
            rows.insert(key_of(live, batch, row)?, (batch, row));
        }
    }
    for change in run.iter() {
        let (batch, row) = named_by(run, change);
        let now = rows.get(&key_of(live, batch, row)?).copied();
        let (before, after) = match change {
            Change::Insert { after } => {
                let is = now.is_some_and(|now| is_row(now, (run.after(), after), &changed.insert_defaults));
                (now.is_none(), is)
            }
            Change::Update { before, after } => {
                let is = |batch, row| now.is_some_and(|now: Row<'_>| is_row(now, (batch, row), &[]));
                (is(run.before(), before), is(run.after(), after))
            }
            Change::Delete { before } => {
                let is = now.is_some_and(|now| is_row(now, (run.before(), before), &changed.delete_unknown));
                (is, now.is_none())
            }
        };
        witnesses.before += u64::from(before);
        witnesses.after += u64::from(after);
    }
    Ok(())
}

/// A row of a batch.
pub(super) type Row<'b> = (&'b RowBatch, usize);

/// Whether two rows have the same values, but in columns of which one has none.
pub(super) fn is_row((batch, row): Row<'_>, (other, at): Row<'_>, left_out: &[usize]) -> bool {
    let mut columns = (0..batch.columns().len()).filter(|column| !left_out.contains(column));
    columns.all(|column| batch.value(row, column) == other.value(at, column))
}

/// The row that a change names its row by.
pub(super) fn named_by(run: &Changes, change: Change) -> Row<'_> {
    match change {
        Change::Insert { after } => (run.after(), after),
        Change::Update { before, .. } | Change::Delete { before } => (run.before(), before),
    }
}

/// The key of a row of a batch, encoded.
pub(super) fn key_of(table: &Table, batch: &RowBatch, row: usize) -> Result<Vec<u8>, Error> {
    let mut encoded = Vec::new();
    match key::encode(&table.key, batch, row, &mut encoded) {
        Ok(()) => Ok(encoded),
        Err(source) => Err(Error::Table { table: table.name.to_string(), source }),
    }
}
