//! Diff: two states become a changeset, the rows to insert, update and delete to make the first the second.
//!
//! Both states are read in key order and never held in memory. Chunks of equal names are not read at all; a live database
//! is read once, cut as a capture would cut it, and only where its chunks differ from the other side's are rows compared.

mod by_key;
mod changed_rows;
mod changeset;
mod columns;
mod definitions;
mod filter;
pub(crate) mod key_access;
mod merge;
pub(crate) mod pairing;
mod regions;
mod related;
mod schema;
mod side;
mod wanted_rows;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{FuturesOrdered, StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{EngineError, ErrorKind as EngineKind, RowStream};
use rowkeep_format::{Changes, ContentKeys, Counts, Table, TableChanges, TableName};
use tokio_util::task::AbortOnDropHandle;

use crate::state::State;
use crate::state::reader::{Cause, rows};
use crate::state::selection::Selection;
use crate::{Context, Error, Event, Phase};
use by_key::compare_keys;
use changed_rows::{Differing, Told};
pub use changeset::Changeset;
use changeset::{Frame, Spool, spool_failed};
use columns::Alignment;
pub use definitions::{DefinitionChange, definition_changes};
pub use filter::{Filter, RowFilter, RowTest};
use merge::{Bounds, Shape, changes};
use pairing::Pairing;
use regions::{Region, Regions};
pub use related::Related;
pub(crate) use schema::all_schema_differences;
pub use schema::{SchemaDifference, schema_differences};
use side::{Side, Stored};
pub use wanted_rows::WantedRows;

/// What is to be compared.
#[derive(Clone, Default)]
pub struct DiffOptions {
    /// The tables that are meant.
    pub selection: Selection,
    /// Which changes are wanted.
    pub filter: Filter,
    /// Whether rows that are related to those that are meant are meant as well, by the foreign keys of both states.
    pub related: Option<Related>,
    /// Where temporary files are made, the system's place for them otherwise.
    pub temporary: Option<PathBuf>,
}

/// How two states differ.
#[derive(Clone)]
pub struct Difference {
    /// How their schemas differ, of the tables that are meant.
    pub schema: Vec<SchemaDifference>,
    /// How what else the schemas are made of differs (indexes, views, triggers, constraints), where both states have it
    /// and all of both is compared.
    pub definitions: Vec<DefinitionChange>,
    /// The rows that differ. Every table that both states have and that was looked at is in it, also without changes.
    pub changes: Changeset,
    /// Of these, how many rows are there by relation, for tables where there are any.
    pub related: BTreeMap<TableName, u64>,
    /// The keys of these rows.
    pub(crate) by_relation: BTreeMap<TableName, HashSet<Vec<u8>>>,
    /// Tables that only the first state has, and how many rows they have in it.
    pub only_before: Vec<(TableName, u64)>,
    /// Tables that only the second state has, and how many rows they have in it.
    pub only_after: Vec<(TableName, u64)>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.schema.is_empty() && self.definitions.is_empty() && self.changes.is_empty()
    }

    /// All changes to rows of tables that both have.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.tables().iter().for_each(|table| counts += table.counts);
        counts
    }
}

/// Compares two states.
///
/// The rows of the changeset have the columns of the first state's tables; columns that the second state lacks count
/// as equal. A table that a snapshot was not asked to hold is left out. `keys` are those of the repository that a
/// snapshot is in, any others where both states are live.
pub async fn diff(
    context: &Context,
    keys: &ContentKeys,
    before: &State,
    after: &State,
    options: &DiffOptions,
) -> Result<Difference, Error> {
    context.until_cancelled(diff_now(context, keys, before, after, options)).await
}

async fn diff_now(
    context: &Context,
    keys: &ContentKeys,
    before: &State,
    after: &State,
    options: &DiffOptions,
) -> Result<Difference, Error> {
    if before.engine() != after.engine() {
        let message = format!(
            "{} is of {} and {} of {}: rows of different engines have other forms",
            before.describe(),
            before.engine(),
            after.describe(),
            after.engine()
        );
        return Err(EngineError::new(EngineKind::Unsupported, message).into());
    }
    let chosen = Chosen::new(before, after, &options.selection)?;
    context.observe(Event::Phase {
        phase: Phase::Diff,
        tables: chosen.pairs.len() as u64,
        rows: chosen.pairs.iter().map(|(table, _)| before.estimated_rows(&table.name)).sum(),
    });
    let spool = Spool::new(options.temporary.as_deref());
    if let Some(related) = options.related {
        let found = related::compare(context, before, after, &chosen.pairs, options, related, &spool).await?;
        let mut difference = chosen.difference(before, after, found.changes);
        (difference.related, difference.by_relation) = (found.counts, found.keys);
        return Ok(difference);
    }
    let mut largest_first: Vec<usize> = (0..chosen.pairs.len()).collect();
    largest_first.sort_by_key(|at| std::cmp::Reverse(before.estimated_rows(&chosen.pairs[*at].0.name)));
    let compared = futures::stream::iter(largest_first).map(|at| {
        let (spool, (old, new)) = (&spool, chosen.pairs[at]);
        async move {
            context.observe(Event::Table(&old.name));
            let pair = Pair { before, after, old, new };
            let (changes, frames) = diff_table(context, keys, pair, &options.filter, spool).await?;
            context.observe(Event::TableDone { table: &old.name, rows: before.estimated_rows(&old.name) });
            Ok::<_, Error>((at, changes, frames))
        }
    });
    let at_once = before.parallelism().min(after.parallelism()).max(1);
    let mut compared: Vec<_> = compared.buffer_unordered(at_once).try_collect().await?;
    compared.sort_by_key(|(at, ..)| *at);
    let mut changes = Changeset::empty(spool.clone());
    compared.into_iter().for_each(|(_, table, frames)| changes.push(table, frames));
    let mut difference = chosen.difference(before, after, changes);
    if options.selection.is_all() && options.filter.rows.is_none() {
        difference.definitions = definition_changes(before.schema(), after.schema());
    }
    Ok(difference)
}

/// The tables that are meant.
struct Chosen<'s> {
    /// Those that both states have and hold, as either has them.
    pairs: Vec<(&'s Table, &'s Table)>,
    only_before: Vec<&'s Table>,
    only_after: Vec<&'s Table>,
}

impl<'s> Chosen<'s> {
    fn new(before: &'s State, after: &'s State, selection: &Selection) -> Result<Self, Error> {
        let (chosen_before, chosen_after) = selection.choose_of_two(before.schema(), after.schema())?;
        let mut chosen = Self { pairs: Vec::new(), only_before: Vec::new(), only_after: Vec::new() };
        for table in chosen_before {
            match after.schema().table(&table.name) {
                Some(other) if before.holds(&table.name) && after.holds(&table.name) => {
                    chosen.pairs.push((table, other));
                }
                Some(_) => {}
                None => chosen.only_before.push(table),
            }
        }
        let is_new = |table: &&Table| before.schema().table(&table.name).is_none();
        chosen.only_after = chosen_after.into_iter().filter(is_new).collect();
        Ok(chosen)
    }

    fn difference(&self, before: &State, after: &State, changes: Changeset) -> Difference {
        let rows = |state: &State, tables: &[&Table]| {
            tables.iter().map(|table| (table.name.clone(), state.estimated_rows(&table.name))).collect()
        };
        Difference {
            schema: self.schema_differences(),
            definitions: Vec::new(),
            changes,
            related: BTreeMap::new(),
            by_relation: BTreeMap::new(),
            only_before: rows(before, &self.only_before),
            only_after: rows(after, &self.only_after),
        }
    }

    fn schema_differences(&self) -> Vec<SchemaDifference> {
        let mut found: Vec<SchemaDifference> =
            self.pairs.iter().flat_map(|(before, after)| schema_differences(before, after)).collect();
        found.extend(self.only_before.iter().map(|table| SchemaDifference::TableGone(table.name.clone())));
        found.extend(self.only_after.iter().map(|table| SchemaDifference::TableNew(table.name.clone())));
        found
    }
}

/// A table that both states have.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) before: &'a State,
    pub(crate) after: &'a State,
    pub(crate) old: &'a Table,
    pub(crate) new: &'a Table,
}

async fn diff_table(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    filter: &Filter,
    spool: &Spool,
) -> Result<(TableChanges, Vec<Frame>), Error> {
    let filter = filter.bind(pair.old)?;
    let pairing = Pairing::new(pair.old, pair.new);
    let mut out = Out::new(context, spool, pair.old);
    if !filter.is_nothing() {
        pairing.check(pair.after)?;
        match filter.keys() {
            Some(wanted) => {
                let (before, after) = pairing.accesses(context, pair);
                let mut keep = |changes| Ok(filter.keep(changes));
                compare_keys(&before, &after, &pairing.shape, wanted, &mut keep, &mut out).await?;
            }
            None => compare_all(context, keys, pair, &pairing, &filter, &mut out).await?,
        }
    }
    Ok(out.finish(&pairing))
}

/// Whether the database tells of all tables of a selection how they differ from a snapshot, so that they need not be read.
pub(crate) async fn are_told(before: &State, after: &State, selection: &Selection) -> Result<bool, Error> {
    for (old, new) in Chosen::new(before, after, selection)?.pairs {
        let pair = Pair { before, after, old, new };
        if pair.told().await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Pair<'_> {
    /// Asks whichever state is live how the table differs from the other's, which is a snapshot.
    async fn told(&self) -> Result<Option<Told<'_>>, Error> {
        let (live, stored, table) = match (self.before, self.after) {
            (State::Live(live), State::Snapshot(stored)) => (live, stored, self.old),
            (State::Snapshot(stored), State::Live(live)) => (live, stored, self.new),
            _ => return Ok(None),
        };
        if self.old.columns != self.new.columns || self.old.key != self.new.key {
            return Ok(None);
        }
        Told::ask(live, stored, table).await
    }

    /// The changes, where the database tells which rows can differ.
    async fn told_changes(
        &self,
        context: &Context,
        shape: &Arc<Shape>,
    ) -> Result<Option<Vec<Changes>>, Error> {
        let Some(told) = self.told().await? else { return Ok(None) };
        let Some(Differing { live, stored }) = told.differing(context).await? else { return Ok(None) };
        let (before, after) = match self.before {
            State::Live(_) => (live, stored),
            State::Snapshot(_) => (stored, live),
        };
        let (shape, sides) = (Arc::clone(shape), (vec![Arc::new(before)], vec![Arc::new(after)]));
        let compared = context.compute(move || changes(&shape, &Bounds::default(), sides.0, sides.1)).await;
        compared.map(Some).map_err(|source| Error::Table { table: self.old.name.to_string(), source })
    }
}

/// Walks both tables, and compares the rows wherever chunks differ.
async fn compare_all(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    pairing: &Pairing,
    filter: &Arc<filter::BoundFilter>,
    out: &mut Out<'_>,
) -> Result<(), Error> {
    let Pairing { table, alignment, shape } = pairing;
    if let Some(changes) = pair.told_changes(context, shape).await? {
        let kept = changes.into_iter().map(|run| filter.keep(run)).filter(|run| !run.is_empty());
        return out.keep(kept.collect()).await;
    }
    let cause = Cause::default();
    let identity = Arc::new(Alignment::new(pair.old, pair.old));
    let before = side(context, keys, pair.before, pair.old, table, &identity, shape, true, &cause).await?;
    let after = side(context, keys, pair.after, pair.new, table, alignment, shape, false, &cause).await?;
    let mut regions = Regions::new(before, after, shape.key.unique);
    let mut working = FuturesOrdered::new();
    while let Some(region) = regions.next().await.map_err(|error| cause.of_either(error))? {
        working.push_back(compare(context, region, shape, filter, &table.name).await);
        while working.len() > context.cores()
            && let Some(done) = working.next().await
        {
            out.keep(finished(done)?).await?;
        }
    }
    while let Some(done) = working.next().await {
        out.keep(finished(done)?).await?;
    }
    Ok(())
}

type Work = AbortOnDropHandle<Result<Vec<Changes>, Error>>;

fn finished(
    done: Result<Result<Vec<Changes>, Error>, tokio::task::JoinError>,
) -> Result<Vec<Changes>, Error> {
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Loads the chunks of a region and compares their rows in the background, once there is room for them.
async fn compare(
    context: &Context,
    region: Region,
    shape: &Arc<Shape>,
    filter: &Arc<filter::BoundFilter>,
    table: &TableName,
) -> Work {
    let bytes: u64 = region.before.iter().chain(&region.after).map(|entry| entry.bytes).sum();
    let admitted = context.admit(bytes as usize).await;
    let (context, shape, filter) = (context.clone(), Arc::clone(shape), Arc::clone(filter));
    let table = table.to_string();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let _admitted = admitted;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for entry in &region.before {
            before.push(entry.load(&context).await?);
        }
        for entry in &region.after {
            after.push(entry.load(&context).await?);
        }
        let bounds = region.bounds;
        let compared = context
            .compute(move || {
                let runs = changes(&shape, &bounds, before, after)?;
                Ok(runs.into_iter().map(|run| filter.keep(run)).filter(|run| !run.is_empty()).collect())
            })
            .await;
        compared.map_err(|source| Error::Table { table, source })
    }))
}

/// The changes to a table as they are found.
struct Out<'a> {
    context: &'a Context,
    spool: Spool,
    frames: Vec<Frame>,
    counts: Counts,
    updated: Vec<bool>,
}

impl<'a> Out<'a> {
    fn new(context: &'a Context, spool: &Spool, table: &Table) -> Self {
        let updated = vec![false; table.columns.len()];
        Self { context, spool: spool.clone(), frames: Vec::new(), counts: Counts::default(), updated }
    }

    fn finish(self, pairing: &Pairing) -> (TableChanges, Vec<Frame>) {
        let updated = self.updated.iter().enumerate();
        let changes = TableChanges {
            counts: self.counts,
            insert_defaults: pairing.alignment.lacking(),
            delete_unknown: Vec::new(),
            updated_columns: updated.filter_map(|(column, is)| is.then_some(column)).collect(),
            table: pairing.table.as_ref().clone(),
        };
        (changes, self.frames)
    }

    async fn keep(&mut self, runs: Vec<Changes>) -> Result<(), Error> {
        for run in runs {
            self.counts += Counts::of(&run);
            note_updates(&run, &mut self.updated);
            let spool = self.spool.clone();
            let kept = self.context.compute(move || spool.keep(&run)).await;
            self.frames.push(kept.map_err(spool_failed)?);
        }
        Ok(())
    }
}

/// Changes to a table that are written one by one, in key order.
pub(crate) struct Rewriting<'a> {
    out: Out<'a>,
    pairing: &'a Pairing,
    open: Changes,
}

impl<'a> Rewriting<'a> {
    /// Nothing yet; they are kept where the changeset's are.
    pub(crate) fn new(context: &'a Context, changes: &Changeset, pairing: &'a Pairing) -> Self {
        let out = Out::new(context, &changes.spool, &pairing.table);
        Self { out, pairing, open: Changes::new(pairing.table.columns.len()) }
    }

    pub(crate) async fn push(&mut self, from: &Changes, change: rowkeep_format::Change) -> Result<(), Error> {
        self.open.push(from, change);
        if self.open.bytes() >= merge::TARGET_BYTES {
            self.out.keep(vec![self.open.take()]).await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<(TableChanges, Vec<Frame>), Error> {
        if !self.open.is_empty() {
            self.out.keep(vec![self.open.take()]).await?;
        }
        Ok(self.out.finish(self.pairing))
    }
}

/// Marks the columns that updates change.
fn note_updates(run: &Changes, updated: &mut [bool]) {
    for change in run.iter() {
        if let rowkeep_format::Change::Update { before, after } = change {
            for (column, is) in updated.iter_mut().enumerate().filter(|(_, is)| !**is) {
                *is = run.before().value(before, column) != run.after().value(after, column);
            }
        }
    }
}

#[allow(clippy::too_many_arguments)]
async fn side(
    context: &Context,
    keys: &ContentKeys,
    state: &State,
    own: &Table,
    table: &Arc<Table>,
    alignment: &Arc<Alignment>,
    shape: &Shape,
    watched: bool,
    cause: &Cause,
) -> Result<Side, Error> {
    // Where the key lost columns, the rows go in another order than the one that they are stored in.
    let in_order = alignment.keeps_order() && shape.key.columns.len() == table.key.columns.len();
    if let (State::Snapshot(stored), true) = (state, in_order) {
        let Some(entry) = stored.entry(&own.name) else { return Ok(Side::Empty) };
        let reader = Arc::clone(&stored.reader);
        let chunks = Stored { reader, table: own.name.clone(), alignment: Arc::clone(alignment) };
        return Ok(Side::tree(chunks, &entry.root));
    }
    let read: RowStream = match state {
        State::Live(live) => live.view.rows(own).await?,
        State::Snapshot(stored) => match stored.entry(&own.name) {
            Some(entry) => rows(context, &stored.reader, entry, cause),
            None => return Ok(Side::Empty),
        },
    };
    let mapped = {
        let alignment = Arc::clone(alignment);
        read.map_ok(move |batch| Arc::unwrap_or_clone(alignment.map(Arc::new(batch)))).boxed()
    };
    let sorted_by = Arc::new(Table { key: shape.key.clone(), ..table.as_ref().clone() });
    let ordered = match in_order {
        true => mapped,
        false => sort(mapped, &sorted_by, &SortOptions::default()),
    };
    let is_live = matches!(state, State::Live(_));
    let named = in_order && alignment.keeps_chunks();
    Ok(Side::stream(context, ordered, sorted_by, keys, named, watched && is_live))
}
