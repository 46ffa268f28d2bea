//! Rows that were asked for by their keys, and that nobody has.

use std::collections::{BTreeMap, BTreeSet};

use rowkeep_format::{Table, TableName};

use crate::diff::RowFilter;
use crate::diff::key_access::Access;
use crate::diff::pairing::{Pair, Pairing};
use crate::rows::condition::BoundKey;
use crate::state::State;
use crate::state::key_set::{KeyRun, KeySet};
use crate::state::selection::Selection;
use crate::{Context, Error};

/// So many keys are looked up together.
const AT_ONCE: usize = 500;

/// The keys of which neither the database nor the state has a row, in words for people. Where rows are not named by their keys, there are none.
pub(super) async fn unmatched(
    context: &Context,
    live: &State,
    target: &State,
    rows: Option<&dyn RowFilter>,
    selection: &Selection,
) -> Result<Vec<String>, Error> {
    let Some(rows) = rows.filter(|rows| rows.names_rows()) else { return Ok(Vec::new()) };
    let in_partitions = rows.with_partitions(&[live.schema(), target.schema()]);
    let rows = in_partitions.as_deref().unwrap_or(rows);
    let (mut told, meant) = (Vec::new(), selection.meant());
    let lacking = |key: &BoundKey, table: &TableName| {
        let (live, target) = (live.describe(), target.describe());
        format!("no row with key {} in table {table}, neither in {live} nor in {target}", key.text())
    };
    // A row of a partitioned table is in one of its partitions, so it lacks where it is in none.
    let mut of_partitions: BTreeMap<(TableName, String), Option<String>> = BTreeMap::new();
    let tables = live.schema().tables.iter().filter(|table| table.kind.is_user_table());
    for old in tables.filter(|table| meant.is(&table.name) && live.holds(&table.name)) {
        let Some(new) = target.table(&old.name).filter(|_| target.holds(&old.name)) else { continue };
        let pairing = Pairing::new(old, new);
        let keys = rows.keys(&pairing.table, live.dialect())?.unwrap_or_default();
        if keys.is_empty() || pairing.check(target).is_err() {
            continue;
        }
        let pair = Pair { before: live, after: target, old, new };
        let (before, after) = pairing.accesses(context, pair);
        let found = found(&before, &after, &pairing.table, &keys).await?;
        for key in &keys {
            let is_there = found.contains(key.encoded());
            if let Some(parent) = key.part_of() {
                let known = of_partitions.entry((parent.clone(), key.text().to_owned()));
                let known = known.or_insert_with(|| Some(lacking(key, parent)));
                *known = known.take().filter(|_| !is_there);
            } else if !is_there {
                told.push(lacking(key, &old.name));
            }
        }
    }
    told.extend(of_partitions.into_values().flatten());
    Ok(told)
}

/// The keys, as they are encoded, that a row of either has.
async fn found(
    before: &Access<'_>,
    after: &Access<'_>,
    table: &Table,
    keys: &[BoundKey],
) -> Result<BTreeSet<Vec<u8>>, Error> {
    let mut set = KeySet::new(table.identified_by().columns.len());
    for key in keys {
        set.insert(key.encoded(), key.values().row(0));
    }
    let mut found = BTreeSet::new();
    for run in set.runs(AT_ONCE) {
        for access in [before, after] {
            found.extend(of_one(access, &run).await?);
        }
    }
    Ok(found)
}

async fn of_one(access: &Access<'_>, run: &KeyRun) -> Result<Vec<Vec<u8>>, Error> {
    let rows = access.by_keys(run).await?.own;
    (0..rows.rows()).map(|row| access.key_of(&rows, row)).collect()
}
