//! Finding what changes would leave dangling, foreign key by foreign key.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::StreamExt;
use rowkeep_engine::ChangeSource;
use rowkeep_format::{Change, Changes, RowBatch, TableName};

use super::tables::{Place, TableAccess, Tables};
use crate::Error;
use crate::diff::Alignment;
use crate::rows::foreign_keys::{Link, Parent, Sought};
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
    /// The changed rows that offer it no more, for each of the tables that are referred to.
    pub(super) parents: Vec<KeySet>,
}

/// One of the tables that a foreign key refers to.
struct End<'e> {
    table: &'e TableAccess<'e>,
    columns: &'e [usize],
    /// Where its changes are.
    at: Option<usize>,
}

/// What changes to the tables referred to give and take.
struct Offers {
    /// Values that rows offer which come or change.
    added: HashSet<Vec<u8>>,
    /// Values that rows offered which go or change, and whose rows: the table by its place, and the key.
    removed: HashMap<Vec<u8>, (usize, Vec<u8>)>,
    values: Sought,
    /// The keys of these rows, for each table.
    keys: Vec<KeySet>,
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
    pub(super) async fn find<'s>(
        &'s self,
        changes: &dyn ChangeSource,
        fresh: &BTreeSet<TableName>,
    ) -> Result<Option<Vec<Gap<'s>>>, Error> {
        let mut gaps = Vec::new();
        let places = self.places(changes.tables());
        for link in &self.links {
            let is_fresh = |parent: &Parent| fresh.contains(&parent.table);
            if !fresh.contains(&link.child) && !link.parents.iter().any(is_fresh) {
                continue;
            }
            let at = |name: &TableName| places.get(name).copied();
            let end = |parent: &'s Parent| {
                let table = self.by_name.get(&parent.table)?;
                // The changes to a whole partitioned table are looked at once.
                let at = at(&parent.table).filter(|place| place.is_named).map(|place| place.at);
                Some(End { table, columns: &parent.columns, at })
            };
            let parents = link.parents.iter().map(end).collect::<Option<Vec<_>>>();
            let (Some(child), Some(parents)) = (self.by_name.get(&link.child), parents) else { continue };
            let children = at(&link.child);
            let table = |at: Option<usize>| at.map(|at| &changes.tables()[at]);
            let updates = |at: Option<usize>, columns: &[usize]| {
                table(at)
                    .is_some_and(|table| table.updated_columns.iter().any(|column| columns.contains(column)))
            };
            let named = children.filter(|place| place.is_named).map(|place| place.at);
            let asks =
                table(named).is_some_and(|table| table.counts.inserted > 0) || updates(named, &link.columns);
            let takes = parents.iter().any(|parent| {
                table(parent.at).is_some_and(|table| table.counts.deleted > 0)
                    || updates(parent.at, parent.columns)
            });
            if !asks && !takes {
                continue;
            }
            let Some(offers) = self.offers(changes, link, &parents).await? else { return Ok(None) };
            let lost = !offers.removed.is_empty();
            let Some(asks) = self.asks(changes, children, link, child, lost).await? else { return Ok(None) };
            let gap = self.gap(link, child, &parents, offers, asks).await?;
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
        link: &Link,
        parents: &[End<'_>],
    ) -> Result<Option<Offers>, Error> {
        let keys = parents.iter().map(|parent| KeySet::new(parent.table.live.key.columns.len()));
        let mut offers = Offers {
            added: HashSet::new(),
            removed: HashMap::new(),
            values: Sought::new(link.columns.len()),
            keys: keys.collect(),
            bytes: 0,
        };
        for (place, parent) in parents.iter().enumerate() {
            let Some(at) = parent.at else { continue };
            let live = &parent.table.live;
            let mut runs = std::pin::pin!(changes.read(at));
            while let Some(run) = runs.next().await {
                let run = run?;
                for change in run.iter() {
                    let (before, after) = rows(change);
                    let value = |batch: &RowBatch, row: Option<usize>| {
                        row.and_then(|row| link.equality.bytes(batch, row, parent.columns))
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
                        let key = live.key_of(run.before(), row)?;
                        offers.bytes += 2 * old.len() + key.len();
                        live.add_key(run.before(), row, &mut offers.keys[place])?;
                        offers.values.add(&link.equality, run.before(), row, parent.columns);
                        offers.removed.insert(old, (place, key));
                    }
                }
                if offers.bytes + offers.keys.iter().map(KeySet::bytes).sum::<usize>() > MOST_BYTES {
                    return Ok(None);
                }
            }
        }
        Ok(Some(offers))
    }

    async fn asks(
        &self,
        changes: &dyn ChangeSource,
        place: Option<Place>,
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
        let Some(Place { at, is_named }) = place else { return Ok(Some(asks)) };
        let alignment = Alignment::new(child.live.own, &changes.tables()[at].table);
        let mut runs = std::pin::pin!(changes.read(at));
        while let Some(run) = runs.next().await {
            let run: Changes = run?;
            // Other partitions may have the columns in another order.
            let brought = (!is_named).then(|| {
                let brought = |rows: &RowBatch| alignment.map_own(rows.clone());
                (brought(run.before()), brought(run.after()))
            });
            let (befores, afters) = match &brought {
                Some((befores, afters)) => (befores, afters),
                None => (run.before(), run.after()),
            };
            for change in run.iter() {
                let (before, after) = rows(change);
                let value = |batch: &RowBatch, row: Option<usize>| {
                    row.and_then(|row| link.equality.bytes(batch, row, &link.columns))
                };
                let (old, new) = (value(befores, before), value(afters, after));
                let key = match (before, after) {
                    (Some(row), _) => child.live.key_of(befores, row)?,
                    (None, Some(row)) => child.live.key_of(afters, row)?,
                    (None, None) => continue,
                };
                if let (Some(asked), Some(row), true) = (&new, after, is_named && old != new) {
                    child.live.add_key(afters, row, &mut asks.keys)?;
                    asks.values.add(&link.equality, afters, row, &link.columns);
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
        parents: &[End<'_>],
        offers: Offers,
        asks: Asks,
    ) -> Result<Gap<'l>, Error> {
        let columns = link.columns.len();
        let mut gap = Gap {
            link,
            asking: asks.keys.emptied(),
            missing: Sought::new(columns),
            left: asks.keys.emptied(),
            parents: offers.keys.iter().map(KeySet::emptied).collect(),
        };
        let all: Vec<usize> = (0..columns).collect();
        // What the changes neither give nor take has to be there.
        let unsettled = |bytes: &[u8]| !offers.added.contains(bytes) && !offers.removed.contains_key(bytes);
        let sought = asks.values.filtered(&link.equality, unsettled);
        let mut offered: HashSet<Vec<u8>> = HashSet::new();
        for parent in parents {
            let mut each = |batch: &RowBatch, row: usize| {
                offered.extend(link.equality.bytes(batch, row, parent.columns));
                Ok(())
            };
            let of = (child.live.own, link.columns.as_slice());
            parent.table.live.by_values(parent.columns, of, &link.equality, &sought, &mut each).await?;
        }
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
        let (left, gone) = (&mut gap.left, &mut gap.parents);
        let mut each = |batch: &RowBatch, row: usize| {
            let Some(bytes) = link.equality.bytes(batch, row, &link.columns) else { return Ok(()) };
            let key = child.live.key_of(batch, row)?;
            let stays = match asks.outcome.get(&key) {
                None => true,
                Some(outcome) => outcome.as_ref() == Some(&bytes),
            };
            if stays {
                child.live.add_key(batch, row, left)?;
                if let Some((place, parent)) = offers.removed.get(&bytes) {
                    gone[*place].take(&offers.keys[*place], parent);
                }
            }
            Ok(())
        };
        let Some(first) = parents.first() else { return Ok(gap) };
        let of = (first.table.live.own, first.columns);
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
