//! Comparing one table of two states.

use std::sync::Arc;

use futures::stream::{FuturesOrdered, StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_format::{Changes, ContentKeys, Table, TableChanges, TableName};

use super::by_key::compare_keys;
use super::changed_rows::{ChangedRows, Differing};
use super::changeset::{Frame, Spool};
use super::collect::Collector;
use super::columns::Alignment;
use super::filter::{BoundFilter, Filter};
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
) -> Result<(TableChanges, Vec<Frame>), Error> {
    let filter = filter.bind(pair.old)?;
    let pairing = Pairing::new(pair.old, pair.new);
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
    Ok(out.finish(&pairing))
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

/// Walks both tables, and compares the rows wherever chunks differ.
async fn compare_all(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
    pairing: &Pairing,
    filter: &Arc<BoundFilter>,
    out: &mut Collector<'_>,
) -> Result<(), Error> {
    let Pairing { table, alignment, shape } = pairing;
    if let Some(changes) = known_changes(pair, context, shape).await? {
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
            out.keep(done?).await?;
        }
    }
    while let Some(done) = working.next().await {
        out.keep(done?).await?;
    }
    Ok(())
}

type Work = Background<Result<Vec<Changes>, Error>>;

/// Loads the chunks of a region and compares their rows in the background, once there is room for them.
async fn compare(
    context: &Context,
    region: Region,
    shape: &Arc<Shape>,
    filter: &Arc<BoundFilter>,
    table: &TableName,
) -> Work {
    let bytes: u64 = region.before.iter().chain(&region.after).map(|entry| entry.bytes).sum();
    let admitted = context.admit(bytes as usize).await;
    let (context, shape, filter) = (context.clone(), Arc::clone(shape), Arc::clone(filter));
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
                Ok(runs.into_iter().map(|run| filter.keep(run)).filter(|run| !run.is_empty()).collect())
            })
            .await;
        compared.map_err(|source| Error::Table { table, source })
    })
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
