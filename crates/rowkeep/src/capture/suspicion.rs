//! Suspicion: so much is gone since the snapshot before that somebody should look at it.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use rowkeep_format::manifest::{RowsGone, Scope, Suspicion, Unread};
use rowkeep_format::summary::row_counts;
use rowkeep_format::{Schema, Summary, TableEntry, TableName};
use rowkeep_repository::{Catalog, Repository};

use crate::state::devices::device;
use crate::state::owner::Owner;
use crate::state::snapshots::{Snapshot, open, short_id};
use crate::units::count;
use crate::{Context, Error};

/// When a backup is suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// If more than so many percent of the rows of a table are gone; none where that is never suspicious.
    pub rows_percent: Option<u64>,
    /// If a table is gone.
    pub tables: bool,
}

/// A table with fewer rows than this may lose any number of them.
const FEW_ROWS: u64 = 1000;

impl Default for Threshold {
    fn default() -> Self {
        Self { rows_percent: Some(30), tables: true }
    }
}

/// What a new snapshot holds.
pub(super) struct Taken<'a> {
    pub(super) owner: &'a Owner,
    pub(super) tags: &'a BTreeMap<String, String>,
    /// When a file says that the state was, which may be older than others that are there.
    pub(super) file_time: Option<Timestamp>,
    pub(super) scope: Scope,
    pub(super) masked: bool,
    /// The definitions of all tables, chosen or not.
    pub(super) schema: &'a Schema,
    pub(super) unread: &'a [Unread],
    pub(super) tables: &'a [TableEntry],
}

/// Compares what is there now with the last snapshot of the same database, device and kind. Counts of rows are in both manifests, so
/// nothing but that of the earlier one is read, and not even that where its summary says that all counts are the same.
pub(super) async fn suspicion(
    context: &Context,
    repository: &Repository,
    known: &Catalog,
    taken: &Taken<'_>,
    threshold: Threshold,
) -> Result<Option<Suspicion>, Error> {
    let is_before = |summary: &Summary| {
        let is_of_kind = summary.scope == taken.scope && summary.masked == taken.masked;
        let is_of_device = device(&summary.tags) == device(taken.tags);
        let is_earlier = taken.file_time.is_none_or(|time| summary.time < time);
        !summary.is_aside() && is_of_kind && is_of_device && is_earlier && taken.owner.continues(summary)
    };
    let Some(before) = known.snapshots().rfind(|summary| is_before(summary)) else { return Ok(None) };
    if before.row_counts == Some(row_counts(taken.tables)) {
        return Ok(None);
    }
    let manifest = match open(repository, before.id).await {
        Ok(snapshot) => snapshot.manifest,
        Err(error) if error.is_of_one_object() => {
            let id = short_id(before.id);
            context.warn(format!(
                "snapshot {id} cannot be read, so nothing tells whether much is gone since it"
            ));
            return Ok(None);
        }
        // Somebody has deleted it.
        Err(Error::Repository(error)) if error.kind() == rowkeep_repository::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let found = compare(&manifest.tables, taken, threshold);
    Ok(found.map(|(tables_gone, rows_gone)| Suspicion { after: before.id, tables_gone, rows_gone }))
}

fn compare(
    before: &[TableEntry],
    taken: &Taken<'_>,
    threshold: Threshold,
) -> Option<(Vec<TableName>, Vec<RowsGone>)> {
    let there: HashSet<&TableName> = taken.schema.tables.iter().map(|table| &table.name).collect();
    let unread: HashSet<&TableName> = taken.unread.iter().map(|unread| &unread.name).collect();
    let now: HashMap<&TableName, u64> =
        taken.tables.iter().map(|entry| (&entry.name, entry.root.rows)).collect();
    let (mut tables_gone, mut rows_gone) = (Vec::new(), Vec::new());
    for entry in before.iter().filter(|entry| entry.kind.is_user_table()) {
        let (name, rows) = (&entry.name, entry.root.rows);
        if unread.contains(name) {
            continue;
        }
        match now.get(name) {
            None if !there.contains(name) && threshold.tables => tables_gone.push(name.clone()),
            // Its rows are not wanted any more.
            None => {}
            Some(now) => {
                let is_less = |percent: u64| {
                    let gone = u128::from(rows.saturating_sub(*now)) * 100;
                    rows > FEW_ROWS && gone > u128::from(rows) * u128::from(percent)
                };
                if threshold.rows_percent.is_some_and(is_less) {
                    rows_gone.push(RowsGone { name: name.clone(), before: rows, now: *now });
                }
            }
        }
    }
    (!tables_gone.is_empty() || !rows_gone.is_empty()).then_some((tables_gone, rows_gone))
}

/// Says loudly that a snapshot is suspicious.
pub(super) fn warn(context: &Context, snapshot: &Snapshot) {
    let Some(suspicion) = &snapshot.manifest.suspicion else { return };
    let (id, before) = (snapshot.short_id(), short_id(suspicion.after));
    context.warn(format!(
        "snapshot {id} of {} is SUSPICIOUS: since snapshot {before}, {}; both are kept until `rowkeep release {id}` says that \
         somebody has looked",
        snapshot.manifest.database,
        told(suspicion).join(", ")
    ));
}

/// What is gone, in words.
pub fn told(suspicion: &Suspicion) -> Vec<String> {
    let tables = suspicion.tables_gone.iter().map(|name| format!("table {name} is gone"));
    let rows = suspicion.rows_gone.iter().map(|gone| {
        format!("table {} has {} rows instead of {}", gone.name, count(gone.now), count(gone.before))
    });
    tables.chain(rows).collect()
}
