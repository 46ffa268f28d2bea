//! Finding what changes would leave dangling, foreign key by foreign key.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::StreamExt;
use rowkeep_engine::ChangeSource;
use rowkeep_format::{Change, Changes, RowBatch, TableName};

use super::tables::{TableAccess, Tables};
use crate::Error;
use crate::rows::foreign_keys::{Link, Sought};
use crate::state::key_set::KeySet;

/// What keys and values may take in memory.
const MOST_BYTES: usize = 256 << 20;

/// What one foreign key would leave dangling.
pub(super) struct Gap<'l> {
    pub(super) link: &'l Link,
    /// Changed rows that would refer to nothing.
    pub(super) asking: KeySet,
    /// What they refer to.
    pub(super) missing: Sought,
    /// Rows that stay, and refer to what would be gone.
    pub(super) left: KeySet,
    /// The changed rows that offer it no more.
    pub(super) parents: KeySet,
}

/// What changes to the table referred to give and take.
struct Offers {
    /// Values that rows offer which come or change.
    added: HashSet<Vec<u8>>,
    /// Values that rows offered which go or change, and the keys of these rows.
    removed: HashMap<Vec<u8>, Vec<u8>>,
    values: Sought,
    keys: KeySet,
    bytes: usize,
}

/// What changed rows of the referring table ask for.
struct Asks {
    /// New values, with the key of the row that asks.
    new: Vec<(Vec<u8>, Vec<u8>)>,
    values: Sought,
    keys: KeySet,
    /// By key what every changed row asks for in the end: nothing where it goes or has NULL.
    outcome: HashMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Tables<'_> {
    /// What dangles among the changes to some tables and those that they have to do with; nothing when these are too many
    /// to look at.
    pub(super) async fn find(
        &self,
        changes: &dyn ChangeSource,
        fresh: &BTreeSet<TableName>,
    ) -> Result<Option<Vec<Gap<'_>>>, Error> {
        let mut gaps = Vec::new();
        let tables = changes.tables().iter().enumerate();
        let places: HashMap<&TableName, usize> = tables.map(|(at, table)| (&table.table.name, at)).collect();
        for link in &self.links {
            if !fresh.contains(&link.child) && !fresh.contains(&link.parent) {
                continue;
            }
            let (Some(child), Some(parent)) = (self.by_name.get(&link.child), self.by_name.get(&link.parent))
            else {
                continue;
            };
            let at = |name: &TableName| places.get(name).copied();
            let (children, parents) = (at(&link.child), at(&link.parent));
            let table = |at: Option<usize>| at.map(|at| &changes.tables()[at]);
            let updates = |at: Option<usize>, columns: &[usize]| {
                table(at)
                    .is_some_and(|table| table.updated_columns.iter().any(|column| columns.contains(column)))
            };
            let asks = table(children).is_some_and(|table| table.counts.inserted > 0)
                || updates(children, &link.columns);
            let takes = table(parents).is_some_and(|table| table.counts.deleted > 0)
                || updates(parents, &link.parent_columns);
            if !asks && !takes {
                continue;
            }
            let Some(offers) = self.offers(changes, parents, link, parent).await? else { return Ok(None) };
            let lost = !offers.removed.is_empty();
            let Some(asks) = self.asks(changes, children, link, child, lost).await? else { return Ok(None) };
            let gap = self.gap(link, child, parent, offers, asks).await?;
            if gap.asking.bytes() + gap.left.bytes() > MOST_BYTES {
                return Ok(None);
            }
            if !gap.asking.is_empty() || !gap.left.is_empty() {
                gaps.push(gap);
            }
        }
        Ok(Some(gaps))
    }

    async fn offers(
        &self,
        changes: &dyn ChangeSource,
        at: Option<usize>,
        link: &Link,
        parent: &TableAccess<'_>,
    ) -> Result<Option<Offers>, Error> {
        let mut offers = Offers {
            added: HashSet::new(),
            removed: HashMap::new(),
            values: Sought::new(link.columns.len()),
            keys: KeySet::new(parent.live.key.columns.len()),
            bytes: 0,
        };
        let Some(at) = at else { return Ok(Some(offers)) };
        let mut runs = std::pin::pin!(changes.read(at));
        while let Some(run) = runs.next().await {
            let run = run?;
            for change in run.iter() {
                let (before, after) = rows(change);
                let value = |batch: &RowBatch, row: Option<usize>| {
                    row.and_then(|row| link.equality.bytes(batch, row, &link.parent_columns))
                };
                let (old, new) = (value(run.before(), before), value(run.after(), after));
                if old == new {
                    continue;
                }
                if let Some(new) = new {
                    offers.bytes += new.len();
                    offers.added.insert(new);
                }
                if let (Some(old), Some(row)) = (old, before) {
                    let key = parent.live.key_of(run.before(), row)?;
                    offers.bytes += 2 * old.len() + key.len();
                    parent.live.add_key(run.before(), row, &mut offers.keys)?;
                    offers.values.add(&link.equality, run.before(), row, &link.parent_columns);
                    offers.removed.insert(old, key);
                }
            }
            if offers.bytes + offers.keys.bytes() > MOST_BYTES {
                return Ok(None);
            }
        }
        Ok(Some(offers))
    }

    async fn asks(
        &self,
        changes: &dyn ChangeSource,
        at: Option<usize>,
        link: &Link,
        child: &TableAccess<'_>,
        lost: bool,
    ) -> Result<Option<Asks>, Error> {
        let mut asks = Asks {
            new: Vec::new(),
            values: Sought::new(link.columns.len()),
            keys: KeySet::new(child.live.key.columns.len()),
            outcome: HashMap::new(),
            bytes: 0,
        };
        let Some(at) = at else { return Ok(Some(asks)) };
        let mut runs = std::pin::pin!(changes.read(at));
        while let Some(run) = runs.next().await {
            let run: Changes = run?;
            for change in run.iter() {
                let (before, after) = rows(change);
                let value = |batch: &RowBatch, row: Option<usize>| {
                    row.and_then(|row| link.equality.bytes(batch, row, &link.columns))
                };
                let (old, new) = (value(run.before(), before), value(run.after(), after));
                let key = match (before, after) {
                    (Some(row), _) => child.live.key_of(run.before(), row)?,
                    (None, Some(row)) => child.live.key_of(run.after(), row)?,
                    (None, None) => continue,
                };
                if let (Some(asked), Some(row), true) = (&new, after, old != new) {
                    child.live.add_key(run.after(), row, &mut asks.keys)?;
                    asks.values.add(&link.equality, run.after(), row, &link.columns);
                    asks.bytes += 2 * asked.len() + key.len();
                    asks.new.push((asked.clone(), key.clone()));
                }
                if lost {
                    asks.bytes += key.len() + new.as_ref().map_or(0, Vec::len);
                    asks.outcome.insert(key, new);
                }
            }
            if asks.bytes + asks.keys.bytes() > MOST_BYTES {
                return Ok(None);
            }
        }
        Ok(Some(asks))
    }

    async fn gap<'l>(
        &self,
        link: &'l Link,
        child: &TableAccess<'_>,
        parent: &TableAccess<'_>,
        offers: Offers,
        asks: Asks,
    ) -> Result<Gap<'l>, Error> {
        let columns = link.columns.len();
        let mut gap = Gap {
            link,
            asking: asks.keys.emptied(),
            missing: Sought::new(columns),
            left: asks.keys.emptied(),
            parents: offers.keys.emptied(),
        };
        let all: Vec<usize> = (0..columns).collect();
        // What the changes neither give nor take has to be there.
        let unsettled = |bytes: &[u8]| !offers.added.contains(bytes) && !offers.removed.contains_key(bytes);
        let sought = asks.values.filtered(&link.equality, unsettled);
        let mut offered: HashSet<Vec<u8>> = HashSet::new();
        let mut each = |batch: &RowBatch, row: usize| {
            offered.extend(link.equality.bytes(batch, row, &link.parent_columns));
            Ok(())
        };
        let of = (child.live.own, link.columns.as_slice());
        parent.live.by_values(&link.parent_columns, of, &link.equality, &sought, &mut each).await?;
        let is_missing = |bytes: &[u8]| !offers.added.contains(bytes) && !offered.contains(bytes);
        for (bytes, key) in &asks.new {
            if is_missing(bytes) {
                gap.asking.take(&asks.keys, key);
            }
        }
        let missing = &asks.values.filtered(&link.equality, is_missing).values;
        (0..missing.rows()).for_each(|row| gap.missing.add(&link.equality, missing, row, &all));

        // What goes must not be referred to by rows that stay.
        let lost = offers.values.filtered(&link.equality, |bytes| !offers.added.contains(bytes));
        let (left, parents) = (&mut gap.left, &mut gap.parents);
        let mut each = |batch: &RowBatch, row: usize| {
            let Some(bytes) = link.equality.bytes(batch, row, &link.columns) else { return Ok(()) };
            let key = child.live.key_of(batch, row)?;
            let stays = match asks.outcome.get(&key) {
                None => true,
                Some(outcome) => outcome.as_ref() == Some(&bytes),
            };
            if stays {
                child.live.add_key(batch, row, left)?;
                if let Some(parent) = offers.removed.get(&bytes) {
                    parents.take(&offers.keys, parent);
                }
            }
            Ok(())
        };
        let of = (parent.live.own, link.parent_columns.as_slice());
        child.live.by_values(&link.columns, of, &link.equality, &lost, &mut each).await?;
        Ok(gap)
    }
}

/// The rows of a change, before and after.
fn rows(change: Change) -> (Option<usize>, Option<usize>) {
    match change {
        Change::Insert { after } => (None, Some(after)),
        Change::Update { before, after } => (Some(before), Some(after)),
        Change::Delete { before } => (Some(before), None),
    }
}
