//! Comparing one table of two states.

use std::sync::Arc;

use futures::stream::{FuturesOrdered, StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_format::{Changes, ContentKeys, Counts, Key, Table, TableChanges, TableName};

use super::by_identity::ByIdentity;
use super::by_key::compare_keys;
use super::changed_rows::{ChangedRows, Differing};
use super::changeset::{Frame, Spool};
use super::collect::Collector;
use super::columns::Alignment;
use super::filter::{BoundFilter, Filter};
use super::log_ahead::levelled;
use super::merge::{Bounds, Shape, changes};
use super::pairing::{Pair, Pairing};
use super::regions::{Region, Regions};
use super::side::{Side, Stored};
use crate::background::Background;
use crate::state::State;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// Compares the rows of a table.
pub(super) async fn diff_table(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    filter: &Filter,
    spool: &Spool,
) -> Result<Compared, Error> {
    let pairing = Pairing::new(pair.old, pair.new);
    let filter = filter.bind(&pairing.table, pair.before.dialect())?;
    let mut out = Collector::new(context, spool, pair.old);
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
    let (changes, frames) = out.finish(&pairing);
    Ok(Compared { changes, frames, seen: filter.seen() })
}

/// What came of comparing a table.
pub(super) struct Compared {
    pub(super) changes: TableChanges,
    pub(super) frames: Vec<Frame>,
    /// How many changes there are, wanted or not.
    pub(super) seen: Counts,
}

/// The changes, where the database tells which rows can differ.
async fn known_changes(
    pair: Pair<'_>,
    context: &Context,
    shape: &Arc<Shape>,
) -> Result<Option<Vec<Changes>>, Error> {
    let Some(changed) = ChangedRows::of(pair).await? else { return Ok(None) };
    let Some(Differing { live, stored }) = changed.rows(context).await? else { return Ok(None) };
    let (before, after) = match pair.before {
        State::Live(_) => (live, stored),
        State::Snapshot(_) => (stored, live),
    };
    let (shape, sides) = (Arc::clone(shape), (vec![Arc::new(before)], vec![Arc::new(after)]));
    let compared = context.compute(move || changes(&shape, &Bounds::default(), sides.0, sides.1)).await;
    compared.map(Some).map_err(|source| Error::Table { table: pair.old.name.to_string(), source })
}

/// Compares all rows. Where chunks stand in another order than that of what identifies rows, only the rows that differ in
/// that order are compared again.
async fn compare_all(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    pairing: &Pairing,
    filter: &Arc<BoundFilter>,
    out: &mut Collector<'_>,
) -> Result<(), Error> {
    let kept = Output::Kept { filter, out };
    let Some(in_chunks) = &pairing.in_chunks else {
        return compare_in_order(context, keys, pair, pairing, &pairing.shape, kept).await;
    };
    let mut again = ByIdentity::new(context, keys, pairing);
    compare_in_order(context, keys, pair, pairing, in_chunks, Output::Again(&mut again)).await?;
    match again.into_regions() {
        None => Ok(()),
        Some(regions) => {
            let cause = Cause::default();
            compare_regions(context, regions, &pairing.shape, &pairing.table.name, &cause, kept).await
        }
    }
}

/// Walks both tables in the order of a key, and compares the rows wherever chunks differ.
pub(super) async fn compare_in_order(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    pairing: &Pairing,
    shape: &Arc<Shape>,
    mut output: Output<'_, '_>,
) -> Result<(), Error> {
    let Pairing { table, alignment, .. } = pairing;
    if let Some(changes) = known_changes(pair, context, shape).await? {
        let kept = changes.into_iter().map(|run| output.filtered(run)).filter(|run| !run.is_empty());
        let kept = kept.collect();
        return output.keep(kept).await;
    }
    if let Some((before, after)) = levelled(context, pair).await? {
        let (shape, bounds) = (Arc::clone(shape), Bounds::default());
        let compared = context.compute(move || changes(&shape, &bounds, vec![before], vec![after])).await;
        let failed = |source| Error::Table { table: table.name.to_string(), source };
        let kept = compared.map_err(failed)?.into_iter().map(|run| output.filtered(run));
        let kept = kept.filter(|run| !run.is_empty()).collect();
        return output.keep(kept).await;
    }
    let cause = Cause::default();
    let same = Arc::new(Alignment::new(pair.old, pair.old));
    let before = side(context, keys, pair.before, (pair.old, pair.old), &same, shape, true, &cause).await?;
    let after =
        side(context, keys, pair.after, (pair.new, pair.old), alignment, shape, false, &cause).await?;
    let regions = Regions::new(before, after, shape.key.unique && !shape.repeats);
    compare_regions(context, regions, shape, &table.name, &cause, output).await
}

/// Compares the rows of regions, several at once.
pub(super) async fn compare_regions(
    context: &Context,
    mut regions: Regions,
    shape: &Arc<Shape>,
    table: &TableName,
    cause: &Cause,
    mut output: Output<'_, '_>,
) -> Result<(), Error> {
    let mut working = FuturesOrdered::new();
    while let Some(region) = regions.next().await.map_err(|error| cause.of_either(error))? {
        working.push_back(compare(context, region, shape, output.filter(), table).await);
        while working.len() > context.cores()
            && let Some(done) = working.next().await
        {
            output.keep(done?).await?;
        }
    }
    while let Some(done) = working.next().await {
        output.keep(done?).await?;
    }
    Ok(())
}

/// What becomes of changes that were found.
pub(super) enum Output<'o, 'c> {
    /// Those that are wanted are kept.
    Kept { filter: &'o Arc<BoundFilter>, out: &'o mut Collector<'c> },
    /// Their rows are compared again.
    Again(&'o mut ByIdentity<'c>),
    /// Their rows are compared again with those of other partitions, in the columns of the whole table.
    AcrossPartitions(&'o mut ByIdentity<'c>, Alignment),
}

impl Output<'_, '_> {
    fn filter(&self) -> Option<Arc<BoundFilter>> {
        match self {
            Self::Kept { filter, .. } => Some(Arc::clone(filter)),
            Self::Again(_) | Self::AcrossPartitions(..) => None,
        }
    }

    fn filtered(&self, run: Changes) -> Changes {
        match self {
            Self::Kept { filter, .. } => filter.keep(run),
            Self::Again(_) | Self::AcrossPartitions(..) => run,
        }
    }

    pub(super) async fn keep(&mut self, runs: Vec<Changes>) -> Result<(), Error> {
        match self {
            Self::Kept { out, .. } => out.keep(runs).await,
            Self::Again(again) => {
                for run in runs {
                    again.add(run).await;
                }
                Ok(())
            }
            Self::AcrossPartitions(again, alignment) => {
                for run in runs {
                    let (before, after) = run.into_rows();
                    again.add_before(alignment.map_own(before)).await;
                    again.add_after(alignment.map_own(after)).await;
                }
                Ok(())
            }
        }
    }
}

type Work = Background<Result<Vec<Changes>, Error>>;

/// Loads the chunks of a region and compares their rows in the background, once there is room for them.
async fn compare(
    context: &Context,
    region: Region,
    shape: &Arc<Shape>,
    filter: Option<Arc<BoundFilter>>,
    table: &TableName,
) -> Work {
    let bytes: u64 = region.before.iter().chain(&region.after).map(|entry| entry.bytes).sum();
    let admitted = context.admit(bytes as usize).await;
    let (context, shape) = (context.clone(), Arc::clone(shape));
    let table = table.to_string();
    Background::spawn(async move {
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
                let kept = |run| match &filter {
                    Some(filter) => filter.keep(run),
                    None => run,
                };
                Ok(runs.into_iter().map(kept).filter(|run| !run.is_empty()).collect())
            })
            .await;
        compared.map_err(|source| Error::Table { table, source })
    })
}

/// The rows of a table as a state has it, brought to another.
#[allow(clippy::too_many_arguments)]
async fn side(
    context: &Context,
    keys: &ContentKeys,
    state: &State,
    (own, table): (&Table, &Table),
    alignment: &Arc<Alignment>,
    shape: &Shape,
    watched: bool,
    cause: &Cause,
) -> Result<Side, Error> {
    if state.table(&own.name).is_none() {
        return Ok(Side::Empty);
    }
    // Where the key lost columns or is no key of chunks, the rows go in another order than the one that they are stored in.
    let in_order = alignment.keeps_order() && shape.key == table.key;
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
    let unique = shape.key.unique && !shape.repeats;
    let sorted_by = Arc::new(Table { key: Key { unique, ..shape.key.clone() }, ..table.clone() });
    let ordered = match in_order {
        true => mapped,
        false => sort(mapped, &sorted_by, &SortOptions::default()),
    };
    let is_live = matches!(state, State::Live(_));
    let named = in_order && alignment.keeps_chunks();
    Ok(Side::stream(context, ordered, sorted_by, keys, named, watched && is_live))
}
