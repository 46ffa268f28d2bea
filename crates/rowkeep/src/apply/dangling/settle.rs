//! Settling the references that would dangle, as was chosen.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rowkeep_format::TableName;

use super::compose::Composed;
use super::find::Gap;
use super::reference::{Dangling, OnDangling, Why, key_in_words};
use super::tables::{TableAccess, Tables};
use crate::Error;
use crate::diff::Changeset;
use crate::rows::condition::equality::Equality;
use crate::rows::foreign_keys::{Parent, Sought};
use crate::state::key_set::KeySet;

/// What became of a plan's changes.
pub(crate) struct Settled {
    pub(crate) changes: Changeset,
    /// How many rows came by relation.
    pub(crate) related: BTreeMap<TableName, u64>,
    /// How many changes were left out.
    pub(crate) left_out: BTreeMap<TableName, u64>,
    /// What would still dangle.
    pub(crate) dangling: Vec<Dangling>,
}

/// How many keys are told.
const TOLD: usize = 3;

/// Settles the changes; `by_relation` are keys of those that are there by relation.
pub(crate) async fn settle(
    tables: &Tables<'_>,
    mut changes: Changeset,
    mut related: BTreeMap<TableName, u64>,
    mut by_relation: BTreeMap<TableName, HashSet<Vec<u8>>>,
) -> Result<Settled, Error> {
    let mut left_out: BTreeMap<TableName, u64> = BTreeMap::new();
    // The tables whose changes are not looked at yet.
    let mut fresh: BTreeSet<TableName> = tables.by_name.keys().cloned().collect();
    loop {
        let gaps = match tables.find(&changes, &fresh).await? {
            Some(gaps) => gaps,
            // Whether it all fits is for the database to say.
            None if tables.terms.choice == OnDangling::Stop => Vec::new(),
            None => return Err(Error::TooManyRelated { rows: count(&changes) }),
        };
        let dangling: Vec<Dangling> = gaps.iter().flat_map(|gap| described(tables, gap)).collect();
        if gaps.is_empty() || tables.terms.choice == OnDangling::Stop {
            return Ok(Settled { changes, related, left_out, dangling });
        }
        fresh.clear();
        let composed = match tables.terms.choice {
            OnDangling::LeaveOut => leave_out(tables, &changes, &gaps).await?,
            OnDangling::Stop | OnDangling::Bring => bring(tables, &changes, &gaps).await?,
        };
        for table in &composed.tables {
            fresh.insert(table.name.clone());
            let known = by_relation.entry(table.name.clone()).or_default();
            let lost = table.dropped.iter().filter(|key| known.contains(*key)).count() as u64;
            let count = related.entry(table.name.clone()).or_default();
            *count = count.saturating_sub(lost) + table.added.len() as u64;
            known.extend(table.added.iter().cloned());
            if !table.dropped.is_empty() {
                *left_out.entry(table.name.clone()).or_default() += table.dropped.len() as u64;
            }
        }
        if composed.tables.is_empty() {
            // Nothing that could be brought mends it.
            return Ok(Settled { changes, related, left_out, dangling });
        }
        // What was not mended now is looked at again with the rest.
        for link in gaps.iter().map(|gap| gap.link) {
            fresh.insert(link.child.clone());
            fresh.extend(link.parents.iter().map(|parent| parent.table.clone()));
        }
        changes = composed.changes;
    }
}

/// Leaves changed rows out that would refer to nothing, and changes by which rows go that are referred to.
async fn leave_out(tables: &Tables<'_>, changes: &Changeset, gaps: &[Gap<'_>]) -> Result<Composed, Error> {
    let mut dropped: BTreeMap<TableName, HashSet<Vec<u8>>> = BTreeMap::new();
    for gap in gaps {
        dropped.entry(gap.link.child.clone()).or_default().extend(gap.asking.encoded().cloned());
        for (parent, keys) in gap.link.parents.iter().zip(&gap.parents) {
            dropped.entry(parent.table.clone()).or_default().extend(keys.encoded().cloned());
        }
    }
    tables.compose(changes, &dropped, &BTreeMap::new()).await
}

/// Takes the rows that are missing from the state, and makes rows whose parents go as the state has them.
async fn bring(tables: &Tables<'_>, changes: &Changeset, gaps: &[Gap<'_>]) -> Result<Composed, Error> {
    let mut wanted: BTreeMap<TableName, KeySet> = BTreeMap::new();
    let empty = |place: &TableAccess<'_>| KeySet::new(place.live.key.columns.len());
    for gap in gaps {
        let link = gap.link;
        let Some(child) = tables.by_name.get(&link.child) else { continue };
        if !gap.left.is_empty() && !tables.terms.selection.excludes(&link.child) {
            wanted.entry(link.child.clone()).or_insert_with(|| empty(child)).extend(&gap.left);
        }
        for Parent { table, columns } in link.parents.iter() {
            let Some(parent) = tables.by_name.get(table) else { continue };
            let Some((_, target)) = parent.target.as_ref() else { continue };
            if gap.asking.is_empty() || tables.terms.selection.excludes(table) {
                continue;
            }
            let name = |column: &usize| &parent.live.own.columns[*column].name;
            let there = |name: &String| target.own.columns.iter().position(|column| &column.name == name);
            let columns: Option<Vec<usize>> = columns.iter().map(name).map(there).collect();
            let Some(columns) = columns else { continue };
            let equality = Equality::of(target.own, &columns, target.state.dialect());
            let all: Vec<usize> = (0..columns.len()).collect();
            let mut sought = Sought::new(columns.len());
            let values = &gap.missing.values;
            (0..values.rows()).for_each(|row| sought.add(&equality, values, row, &all));
            let keys = wanted.entry(table.clone()).or_insert_with(|| empty(parent));
            let mut each =
                |batch: &rowkeep_format::RowBatch, row: usize| target.add_key(batch, row, keys).map(|_| ());
            let of = (child.live.own, link.columns.as_slice());
            target.by_values(&columns, of, &equality, &sought, &mut each).await?;
        }
    }
    tables.compose(changes, &BTreeMap::new(), &wanted).await
}

fn described(tables: &Tables<'_>, gap: &Gap<'_>) -> Vec<Dangling> {
    let link = gap.link;
    let names = |table: &TableName, columns: &[usize]| {
        let table = tables.by_name.get(table).map(|place| place.live.own);
        let name = |column: &usize| table.map(|table| table.columns[*column].name.clone());
        columns.iter().filter_map(name).collect::<Vec<_>>()
    };
    let naming = tables.by_name.get(&link.child).map_or(0, |place| place.live.naming().len());
    let told = |keys: &KeySet, why| {
        (!keys.is_empty()).then(|| Dangling {
            table: link.child.clone(),
            columns: names(&link.child, &link.columns),
            references: link.references.clone(),
            referenced_columns: link
                .parents
                .first()
                .map_or_else(Vec::new, |parent| names(&parent.table, &parent.columns)),
            why,
            rows: keys.len() as u64,
            first: keys.runs(TOLD).next().map(|run| run.values).map_or_else(Vec::new, |values| {
                (0..values.rows()).map(|row| key_in_words(values.row(row).take(naming))).collect()
            }),
        })
    };
    [told(&gap.asking, Why::Missing), told(&gap.left, Why::Goes)].into_iter().flatten().collect()
}

fn count(changes: &Changeset) -> u64 {
    changes.tables().iter().map(|table| table.counts.total()).sum()
}
