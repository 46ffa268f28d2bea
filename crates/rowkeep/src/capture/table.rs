//! Reading the tables of a live database into chunks.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use rowkeep_engine::{RowStream, View};
use rowkeep_format::cut::Cut;
use rowkeep_format::tree::{ChunkRef, TableRoot, TreeBuilder};
use rowkeep_format::{ContentKeys, FormatError, Table, TableEntry};

use super::chunk::{put, store_nodes};
use super::chunks::{Chunks, Passed};
use super::increment::EarlierTable;
use super::reuse::{Base, Wanted};
use super::sink::Sink;
use crate::{Context, Error, Event};

/// Reads the tables, as many at once as the view is good for, and returns them in the order of their names.
///
/// What a base can be taken over from, with the time of now, is not read.
pub(crate) async fn read_tables(
    context: &Context,
    view: &dyn View,
    tables: Vec<&Table>,
    keys: &ContentKeys,
    sink: &Sink,
    base: Option<(&Base, Timestamp)>,
) -> Result<(Vec<TableEntry>, u64), Error> {
    if let Some((base, now)) = base {
        base.ask(view, &tables, now).await?;
    }
    let mut largest_first = tables;
    largest_first.sort_by_key(|table| std::cmp::Reverse(view.estimate(&table.name).bytes));
    let read = futures::stream::iter(largest_first).map(|table| async move {
        context.observe(Event::Table(&table.name));
        if let Some((base, now)) = base
            && let Some((entry, read_bytes)) =
                base.take_over(&Wanted { context, view, table, now, keys, sink }).await?
        {
            context.observe(Event::TableDone { table: &table.name, rows: entry.root.rows });
            return Ok((entry, read_bytes));
        }
        let earlier = || base.map(|(base, _)| Arc::new(base.earlier(table)));
        let (root, read_bytes) = read_table(context, view, table, keys, sink, earlier).await?;
        context.observe(Event::TableDone { table: &table.name, rows: root.rows });
        let pages = match base {
            Some((base, _)) => base.pages_to_note(view, table, &root).await?,
            None => None,
        };
        let entry = TableEntry {
            name: table.name.clone(),
            kind: table.kind,
            root,
            read: None,
            pages,
            original: None,
        };
        Ok::<_, Error>((entry, read_bytes))
    });
    let read: Vec<_> = read.buffer_unordered(view.parallelism()).try_collect().await?;
    let read_bytes = read.iter().map(|(_, bytes)| bytes).sum();
    let mut entries: Vec<_> = read.into_iter().map(|(entry, _)| entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((entries, read_bytes))
}

async fn read_table(
    context: &Context,
    view: &dyn View,
    table: &Table,
    keys: &ContentKeys,
    sink: &Sink,
    earlier: impl Fn() -> Option<Arc<EarlierTable>>,
) -> Result<(TableRoot, u64), Error> {
    if let Some(rows) = view.rows_in_physical_order(table).await? {
        let mut chunks = chunks(context, rows, table, keys, sink, earlier());
        match store_all(&mut chunks, keys, sink).await {
            // What was stored of it stays and is mostly found again.
            Err(Error::Table { source: FormatError::OutOfOrder { .. }, .. }) => {
                let Passed { rows, bytes } = chunks.passed();
                context.observe(Event::TableAgain { table: &table.name, rows, bytes });
            }
            Err(error) => return Err(error),
            Ok(root) => return Ok((root, chunks.passed().bytes)),
        }
    }
    let mut chunks = chunks(context, view.rows(table).await?, table, keys, sink, earlier());
    let root = store_all(&mut chunks, keys, sink).await?;
    Ok((root, chunks.passed().bytes))
}

/// The hash of rows that come in the order of their key; nothing is stored.
pub(crate) async fn hash_rows(
    context: &Context,
    rows: RowStream,
    table: &Table,
    keys: &ContentKeys,
) -> Result<TableRoot, Error> {
    store_all(&mut chunks(context, rows, table, keys, &Sink::Names, None), keys, &Sink::Names).await
}

/// Stores the chunks of rows that come in the order of their key, and the nodes above them from that chunk on, as far as the sink
/// wants any.
pub(crate) async fn store_rows(
    context: &Context,
    rows: RowStream,
    table: &Table,
    keys: &ContentKeys,
    sink: &Sink,
    nodes_from: usize,
) -> Result<(), Error> {
    let mut chunks = chunks(context, rows, table, keys, sink, None);
    for _ in 0..nodes_from {
        match chunks.next().await? {
            Some(chunk) => drop(chunk?),
            None => return Ok(()),
        }
    }
    store_all(&mut chunks, keys, sink).await.map(drop)
}

type Putting = BoxFuture<'static, Result<ChunkRef, Error>>;

/// The chunks of rows as they are encoded, and put where they go.
fn chunks<'a>(
    context: &'a Context,
    rows: RowStream,
    table: &'a Table,
    keys: &ContentKeys,
    sink: &Sink,
    earlier: Option<Arc<EarlierTable>>,
) -> Chunks<'a, impl Fn(Cut) -> Putting + use<>, Result<ChunkRef, Error>> {
    let (owned, of_chunks, sink) = (context.clone(), keys.clone(), sink.clone());
    // The one that a chunk is compared with takes as much memory as the chunk.
    let copies = if earlier.is_some() { 2 } else { 1 };
    let work = move |cut| put(owned.clone(), cut, of_chunks.clone(), sink.clone(), earlier.clone()).boxed();
    Chunks::new(context, rows, table, keys, true, work).with_copies(copies)
}

/// Puts the nodes of the chunks' tree where they go, and gives the root.
async fn store_all<W: Fn(Cut) -> Putting>(
    chunks: &mut Chunks<'_, W, Result<ChunkRef, Error>>,
    keys: &ContentKeys,
    sink: &Sink,
) -> Result<TableRoot, Error> {
    let (mut tree, mut nodes) = (TreeBuilder::new(keys), Vec::new());
    while let Some(chunk) = chunks.next().await? {
        tree.push(chunk?, &mut nodes);
        store_nodes(keys, sink, &mut nodes).await?;
    }
    let root = tree.finish(&mut nodes);
    store_nodes(keys, sink, &mut nodes).await?;
    Ok(root)
}
