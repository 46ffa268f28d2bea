//! Which of the changes that a safety snapshot was taken for were not made, so that undoing them would change rows that nobody
//! changed.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use rowkeep_format::changeset::Change;
use rowkeep_format::left_alone::Numbers;
use rowkeep_format::{Changes, ChunkId, LeftAlone, Table, TableChanges, TableEntry};
use rowkeep_repository::{Reader, Repository};

use super::done::{Row, is_row, key_of, named_by};
use super::stored_changes::stored_changes;
use crate::state::key_lookup::rows_by_keys;
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error};

/// Which of the changes of a safety snapshot were not made.
///
/// The ledger says so of what ended while its process lived. Of what a process was killed in right after the database had committed,
/// the rows say so that the snapshot holds: a change was made where the row was as the change says that it was.
pub(crate) async fn left_alone(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    changes: ChunkId,
) -> Result<LeftAlone, Error> {
    if let Some(json) = repository.left_of(&snapshot.id).await? {
        let object = format!("what was left alone after safety snapshot {}", snapshot.id);
        return LeftAlone::from_json(&json).map_err(Error::content(object));
    }
    let is_entered = snapshot.manifest.before.as_ref().is_some_and(|before| before.entered);
    match is_entered && !repository.is_applied(&snapshot.id).await? {
        true => rows_tell(context, repository, snapshot, changes).await,
        false => Ok(LeftAlone::nothing()),
    }
}

async fn rows_tell(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    changes: ChunkId,
) -> Result<LeftAlone, Error> {
    let changes = stored_changes(repository, changes).await?;
    let reader = Arc::new(repository.reader().await?);
    let schema = read_schema(&reader, &snapshot.manifest).await?;
    let mut left = Vec::new();
    // Those of partitioned tables are in no one table of the snapshot.
    let tables = changes.tables().iter().enumerate().filter(|(_, changed)| changed.across.is_none());
    for (place, changed) in tables {
        let name = &changed.table.name;
        let Some(entry) = snapshot.manifest.tables.iter().find(|entry| entry.name == *name) else { continue };
        let is_same = |table: &&Table| {
            table.name == *name && table.columns == changed.table.columns && table.key == changed.table.key
        };
        let Some(table) = schema.tables.iter().find(is_same).filter(|table| table.key.unique) else {
            continue;
        };
        let kept = Kept { context, reader: &reader, table, entry };
        let (mut numbers, mut first) = (Numbers::default(), 0);
        let mut runs = changes.read(place);
        while let Some(run) = runs.next().await {
            let run = run?;
            kept.add_those_not_made(changed, &run, first, &mut numbers).await?;
            first += run.len() as u64;
        }
        left.push((name.clone(), numbers));
    }
    Ok(LeftAlone::new(left))
}

/// The rows of a table that a safety snapshot holds.
struct Kept<'a> {
    context: &'a Context,
    reader: &'a Arc<Reader>,
    table: &'a Table,
    entry: &'a TableEntry,
}

impl Kept<'_> {
    /// Adds the numbers of the changes of a run whose rows were not as they were to be.
    async fn add_those_not_made(
        &self,
        changed: &TableChanges,
        run: &Changes,
        first: u64,
        numbers: &mut Numbers,
    ) -> Result<(), Error> {
        let mut keys = Vec::with_capacity(run.len());
        for change in run.iter() {
            let (batch, row) = named_by(run, change);
            keys.push(key_of(self.table, batch, row)?);
        }
        let mut wanted = keys.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let found = rows_by_keys(self.context, self.reader, self.table, self.entry, &wanted).await?;
        let mut rows: HashMap<Vec<u8>, Row<'_>> = HashMap::with_capacity(found.rows());
        for row in 0..found.rows() {
            rows.insert(key_of(self.table, &found, row)?, (&found, row));
        }
        for ((number, key), change) in (first..).zip(&keys).zip(run.iter()) {
            let was = rows.get(key).copied();
            let is_as_it_was = match change {
                Change::Insert { .. } => was.is_none(),
                Change::Update { before, .. } => {
                    was.is_some_and(|was| is_row(was, (run.before(), before), &[]))
                }
                Change::Delete { before } => {
                    was.is_some_and(|was| is_row(was, (run.before(), before), &changed.delete_unknown))
                }
            };
            if !is_as_it_was {
                numbers.push(number);
            }
        }
        Ok(())
    }
}
