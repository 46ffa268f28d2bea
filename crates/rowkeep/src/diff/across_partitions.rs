//! Rows that lie in another partition of their table than they did.
//!
//! Maintenance moves rows between partitions, and so does a restore into a database that divides them otherwise. Compared partition by
//! partition, such a row goes in one and comes in another. Where that can be, the rows that differ are compared again as rows of the whole
//! table; if any of them is one that moved, all that differs in the table is a change of the whole.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::{ContentKeys, Counts, RowBatch, Table, TableChanges, TableName};

use super::by_identity::ByIdentity;
use super::by_key::{KEYS_AT_ONCE, changes_of_run};
use super::changeset::{Frame, Spool};
use super::chosen::Chosen;
use super::collect::Collector;
use super::columns::Alignment;
use super::filter::Filter;
use super::key_access::Access;
use super::pairing::{Pair, Pairing};
use super::table::{Compared, Output, compare_in_order, compare_regions};
use crate::state::State;
use crate::state::key_set::KeySet;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// A partitioned table that both states have and that is meant as a whole.
pub(super) struct Whole<'s> {
    name: &'s TableName,
    /// The partitions that both have.
    pairs: Vec<(&'s Table, &'s Table)>,
    pub(super) only_before: Vec<&'s Table>,
    pub(super) only_after: Vec<&'s Table>,
}

/// What changes in a partitioned table as a whole.
pub(super) struct Moved<'s> {
    /// The changes, which are named by one of its partitions.
    changes: TableChanges,
    frames: Vec<Frame>,
    /// The other partitions that the first state has: all that changes in them is among these.
    others: Vec<&'s Table>,
}

impl Moved<'_> {
    /// Takes the place of what was found in the partitions.
    pub(super) fn take_over(self, found: &mut Vec<Compared>) {
        let Self { changes, frames, others } = self;
        let nothing = others.into_iter().map(|table| (TableChanges::nothing(table.clone()), Vec::new()));
        for (changes, frames) in std::iter::once((changes, frames)).chain(nothing) {
            let compared = Compared { changes, frames, seen: Counts::default() };
            match found.iter_mut().find(|found| found.changes.table.name == compared.changes.table.name) {
                Some(found) => *found = compared,
                None => found.push(compared),
            }
        }
    }
}

/// The partitioned tables of which rows can be followed from partition to partition.
pub(super) fn wholes<'s>(chosen: &Chosen<'s>, before: &'s State, after: &'s State) -> Vec<Whole<'s>> {
    let (then, now) = (before.schema().partitions(), after.schema().partitions());
    let ancestors = before.schema().ancestors();
    let is_of_both = |name: &TableName| then.contains_key(name) && now.contains_key(name);
    let is_inner =
        |name: &TableName| ancestors.get(name).into_iter().flatten().any(|above| is_of_both(above));
    let mut names: Vec<&TableName> =
        then.keys().copied().filter(|name| is_of_both(name) && !is_inner(name)).collect();
    names.sort_unstable();
    let pairs: HashMap<&TableName, _> = chosen.pairs.iter().map(|pair| (&pair.0.name, *pair)).collect();
    let lone = |tables: &[&'s Table]| tables.iter().map(|table| &table.name).collect::<HashSet<_>>();
    let (only_before, only_after) = (lone(&chosen.only_before), lone(&chosen.only_after));
    let whole = |name: &&'s TableName| {
        let mut whole = Whole { name, pairs: Vec::new(), only_before: Vec::new(), only_after: Vec::new() };
        for table in &then[*name] {
            match pairs.get(&table.name) {
                Some(pair) => whole.pairs.push(*pair),
                None if only_before.contains(&table.name) && before.holds(&table.name) => {
                    whole.only_before.push(table);
                }
                None => return None,
            }
        }
        for table in now[*name].iter().filter(|table| !pairs.contains_key(&table.name)) {
            if !only_after.contains(&table.name) || !after.holds(&table.name) {
                return None;
            }
            whole.only_after.push(table);
        }
        whole.can_be_followed(before, after).then_some(whole)
    };
    names.iter().filter_map(whole).collect()
}

impl<'s> Whole<'s> {
    fn before(&self) -> impl Iterator<Item = &'s Table> + Clone {
        self.pairs.iter().map(|pair| pair.0).chain(self.only_before.iter().copied())
    }

    fn after(&self) -> impl Iterator<Item = &'s Table> + Clone {
        self.pairs.iter().map(|pair| pair.1).chain(self.only_after.iter().copied())
    }

    /// Whether the partitions of a state have the same columns, and whether what identifies their rows identifies those of the whole, or
    /// nothing does.
    fn can_be_followed(&self, before: &State, after: &State) -> bool {
        let names = |table: &Table| {
            let mut names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
            names.sort_unstable();
            names
        };
        let key = |table: &Table| {
            let identity = table.identified_by();
            let parts = identity.columns.iter();
            let named = parts.map(|part| (table.columns[part.column].name.clone(), part.form));
            if identity.unique { Some(named.collect::<Vec<_>>()) } else { None }
        };
        let (Some(old), Some(new)) = (self.before().next(), self.after().next()) else { return false };
        let is_alike = self.before().all(|table| names(table) == names(old))
            && self.after().all(|table| names(table) == names(new))
            && self.before().chain(self.after()).all(|table| key(table) == key(old));
        let shares = |state: &State| {
            let mut links =
                state.schema().inherits.iter().filter(|link| link.parent == *self.name).peekable();
            links.peek().is_some() && links.all(|link| link.shares_key)
        };
        is_alike && (key(old).is_none() || shares(before) || shares(after))
    }

    /// Whether a row can have gone in one partition and come in another, by what was found in each.
    fn can_have_moved(&self, seen: &HashMap<&TableName, Counts>) -> bool {
        let of = |table: &Table| seen.get(&table.name).copied().unwrap_or_default();
        let names = |tables: Vec<&'s Table>| tables.into_iter().map(|table| &table.name);
        let in_pairs = |wants: fn(Counts) -> bool| {
            self.pairs.iter().map(|pair| pair.0).filter(|table| wants(of(table))).collect::<Vec<_>>()
        };
        let lost: HashSet<_> =
            names(in_pairs(|counts| counts.deleted > 0)).chain(names(self.only_before.clone())).collect();
        let gained: HashSet<_> =
            names(in_pairs(|counts| counts.inserted > 0)).chain(names(self.only_after.clone())).collect();
        !lost.is_empty() && !gained.is_empty() && lost.union(&gained).count() > 1
    }
}

/// Compares what was found to differ in the partitions of a table as rows of the whole. Nothing where no row is one that moved.
pub(super) async fn compare<'s>(
    context: &Context,
    keys: &ContentKeys,
    (before, after): (&State, &State),
    whole: &Whole<'s>,
    found: &[Compared],
    filter: &Filter,
    spool: &Spool,
) -> Result<Option<Moved<'s>>, Error> {
    let seen: HashMap<&TableName, Counts> =
        found.iter().map(|compared| (&compared.changes.table.name, compared.seen)).collect();
    if !whole.can_have_moved(&seen) {
        return Ok(None);
    }
    let (Some(old), Some(new)) = (whole.before().next(), whole.after().next()) else { return Ok(None) };
    let named = |table: &Table| Table { name: whole.name.clone(), ..table.clone() };
    let (table, other) = (named(old), named(new));
    let pairing = Pairing::new(&table, &other);
    let filter = filter.bind(&pairing.table, before.dialect())?;
    if filter.is_nothing() || pairing.check(after).is_err() {
        return Ok(None);
    }
    let mut again = ByIdentity::new(context, keys, &pairing);
    let mut apart = Counts::default();
    let partitions = Partitions { context, keys, before, after, table: &table, wanted: filter.keys() };
    for (old, new) in
        whole.pairs.iter().filter(|pair| seen.get(&pair.0.name).is_some_and(|seen| seen.total() > 0))
    {
        apart += seen[&old.name];
        partitions.add(Pair { before, after, old, new }, &mut again).await?;
    }
    for old in &whole.only_before {
        apart.deleted += partitions.add_lone(old, true, &mut again).await?;
    }
    for new in &whole.only_after {
        apart.inserted += partitions.add_lone(new, false, &mut again).await?;
    }
    let mut out = Collector::new(context, spool, &table);
    if let Some(regions) = again.into_regions() {
        let (cause, kept) = (Cause::default(), Output::Kept { filter: &filter, out: &mut out });
        compare_regions(context, regions, &pairing.shape, whole.name, &cause, kept).await?;
    }
    if filter.seen().deleted >= apart.deleted {
        return Ok(None);
    }
    let (mut changes, frames) = out.finish(&pairing);
    (changes.table.name, changes.across) = (old.name.clone(), Some(whole.name.clone()));
    let others = whole.before().skip(1).collect();
    Ok(Some(Moved { changes, frames, others }))
}

/// The rows of partitions, on their way to being compared as rows of the whole table.
struct Partitions<'a> {
    context: &'a Context,
    keys: &'a ContentKeys,
    before: &'a State,
    after: &'a State,
    /// The whole table, as the first state has it.
    table: &'a Table,
    /// The keys of all rows that are meant, where they are known.
    wanted: Option<&'a KeySet>,
}

impl<'a> Partitions<'a> {
    /// Adds the rows that differ in a partition that both have.
    async fn add(&self, pair: Pair<'a>, again: &mut ByIdentity<'_>) -> Result<(), Error> {
        let Self { context, keys, .. } = *self;
        let pairing = Pairing::new(pair.old, pair.new);
        let alignment = Alignment::new(self.table, pair.old);
        let mut output = Output::AcrossPartitions(again, alignment);
        let Some(wanted) = self.wanted else {
            let shape = pairing.in_chunks.as_ref().unwrap_or(&pairing.shape);
            return compare_in_order(context, keys, pair, &pairing, shape, output).await;
        };
        let (before, after) = pairing.accesses(context, pair);
        for run in wanted.runs(KEYS_AT_ONCE) {
            output.keep(changes_of_run(&before, &after, &pairing.shape, &run).await?).await?;
        }
        Ok(())
    }

    /// Adds the rows of a partition that only one state has; says how many.
    async fn add_lone(
        &self,
        own: &'a Table,
        is_before: bool,
        again: &mut ByIdentity<'_>,
    ) -> Result<u64, Error> {
        let state = if is_before { self.before } else { self.after };
        let cause = Cause::default();
        let mut batches = self.rows(state, own, &cause).await?;
        let mut count = 0;
        while let Some(batch) = batches.next().await.transpose().map_err(|error| cause.of(error))? {
            count += batch.rows() as u64;
            match is_before {
                true => again.add_before(batch).await,
                false => again.add_after(batch).await,
            }
        }
        Ok(count)
    }

    /// The rows of a partition that are meant, with the columns of the whole table.
    async fn rows(&self, state: &'a State, own: &'a Table, cause: &Cause) -> Result<RowStream, Error> {
        let alignment = Alignment::new(self.table, own);
        if let Some(wanted) = self.wanted {
            let access = Access::new(self.context, state, own, self.table, self.table.identified_by());
            let mut found: Vec<Result<RowBatch, _>> = Vec::new();
            for run in wanted.runs(KEYS_AT_ONCE) {
                found.push(Ok(Arc::unwrap_or_clone(access.by_keys(&run).await?.rows)));
            }
            return Ok(futures::stream::iter(found).boxed());
        }
        let read = match state {
            State::Live(live) => live.view.rows(own).await?,
            State::Snapshot(stored) => match stored.entry(&own.name) {
                Some(entry) => rows(self.context, &stored.reader, entry, cause),
                None => futures::stream::empty().boxed(),
            },
        };
        Ok(read.map_ok(move |batch| alignment.map_own(batch)).boxed())
    }
}
