//! History: every version of one row that the snapshots of a database hold.

mod request;
mod versions;

use std::collections::HashMap;
use std::sync::Arc;

use rowkeep_engine::dialect_of;
use rowkeep_format::{Manifest, Schema, TableName};
use rowkeep_repository::{Reader, Repository};
use serde::{Deserialize, Serialize};

pub use request::{HistoryOutcome, HistoryRequest};
pub use versions::{Cell, ChangedColumn, FirstSeen, Note, Version, What};

use crate::rows::condition::KeyReference;
use crate::state::owner::Owner;
use crate::state::repeated_lookup::RepeatedLookup;
use crate::state::snapshots::{self, Snapshot, read_schema};
use crate::{Context, Error};
use versions::{Row, Seen, Timeline};

/// A row through all snapshots of a database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The database.
    pub database: String,
    /// The table, as it was asked for.
    pub table: String,
    /// How many snapshots were looked at, those passed over included.
    pub snapshots: u64,
    /// What happened to the row, the oldest first.
    pub versions: Vec<Version>,
    /// What else there is to know: snapshots that were passed over and why, columns and keys that changed.
    pub notes: Vec<Note>,
}

/// Follows one row through the snapshots of a database, the oldest first.
///
/// Of a snapshot it reads the nodes on the way to the row's chunk, and that chunk unless it is the same as in the
/// snapshot before. Snapshots that do not hold the table's rows, or hold them masked, are passed over and noted, and so
/// are those whose table is missing or has another key. Fails when no snapshot could be looked into.
pub async fn history(
    context: &Context,
    repository: &Repository,
    owner: &Owner,
    row: &KeyReference,
) -> Result<History, Error> {
    context.until_cancelled(follow(context, repository, owner, row)).await
}

async fn follow(
    context: &Context,
    repository: &Repository,
    owner: &Owner,
    row: &KeyReference,
) -> Result<History, Error> {
    let mut snapshots = snapshots::list(repository, Some(owner)).await?;
    snapshots.retain(|snapshot| !snapshot.is_changes_alone());
    let reader = Arc::new(repository.reader().await?);
    let mut follower =
        Follower { context, reader: &reader, row, lookups: HashMap::new(), schema: None, failure: None };
    let mut timeline = Timeline::default();
    let mut looked_into = false;
    for snapshot in &snapshots {
        let seen = match follower.look(snapshot).await {
            // What is damaged of one snapshot hides nothing of the others.
            Err(error) if error.is_of_one_object() => follower.passed_over(error),
            seen => seen?,
        };
        looked_into |= matches!(seen, Seen::Row(_) | Seen::Absent);
        timeline.add(snapshot, seen);
    }
    match follower.failure {
        Some(failure) if !looked_into => return Err(failure),
        _ => {}
    }
    let (versions, notes) = timeline.finish();
    Ok(History {
        database: owner.name.clone(),
        table: row.table_name().to_owned(),
        snapshots: snapshots.len() as u64,
        versions,
        notes,
    })
}

struct Follower<'a> {
    context: &'a Context,
    reader: &'a Reader,
    row: &'a KeyReference,
    /// One for each table that may hold the row.
    lookups: HashMap<TableName, RepeatedLookup>,
    schema: Option<(rowkeep_format::ChunkId, Schema)>,
    /// The newest reason why the row could not be looked for.
    failure: Option<Error>,
}

impl Follower<'_> {
    async fn look(&mut self, snapshot: &Snapshot) -> Result<Seen, Error> {
        let manifest = &snapshot.manifest;
        if snapshot.is_masked() {
            return Ok(Seen::PassedOver("its rows are masked".to_owned()));
        }
        let id = manifest.schema;
        let schema = match self.schema.take() {
            Some((known, schema)) if known == id => schema,
            _ => read_schema(self.reader, manifest).await?,
        };
        let seen = self.look_into(&schema, manifest).await;
        self.schema = Some((id, schema));
        seen
    }

    async fn look_into(&mut self, schema: &Schema, manifest: &Manifest) -> Result<Seen, Error> {
        let tables = match self.row.tables(schema) {
            Ok(tables) => tables,
            Err(error @ Error::Unknown { .. }) => {
                self.failure = Some(error);
                return Ok(Seen::NoTable);
            }
            Err(error) => return Ok(self.passed_over(error)),
        };
        let dialect = dialect_of(&schema.engine)?;
        let mut not_held = None;
        for table in tables {
            let Some(entry) = manifest.tables.iter().find(|entry| entry.name == table.name) else {
                not_held.get_or_insert(&table.name);
                continue;
            };
            let key = match self.row.bind(table, dialect) {
                Ok(key) => key,
                Err(error) => return Ok(self.passed_over(error)),
            };
            let lookup = self.lookups.entry(table.name.clone()).or_default();
            let found = lookup.find(self.context, self.reader, table, entry, key.encoded()).await?;
            if let Some(values) = found {
                return Ok(Seen::Row(Row::new(table, values)));
            }
        }
        Ok(match not_held {
            Some(name) => Seen::PassedOver(format!("it does not hold the rows of table {name}")),
            None => Seen::Absent,
        })
    }

    fn passed_over(&mut self, error: Error) -> Seen {
        let reason = error.in_one_line();
        self.failure = Some(error);
        Seen::PassedOver(reason)
    }
}

/// The databases that a repository has snapshots of, by name.
pub async fn databases(repository: &Repository) -> Result<Vec<String>, Error> {
    let catalog = repository.catalog().await?;
    let mut names: Vec<String> = catalog.snapshots().map(|summary| summary.database.to_string()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}
