//! Reading a table of a live database into chunks: cut, encode, name, and store what is new.

use std::sync::Arc;

use futures::stream::{FuturesOrdered, StreamExt, TryStreamExt};
use jiff::Timestamp;
use rowkeep_engine::{RowStream, View};
use rowkeep_format::cut::{Cut, Cutter};
use rowkeep_format::tree::{ChunkRef, Node, TableRoot, TreeBuilder};
use rowkeep_format::{ChunkId, ContentKeys, FormatError, Table, TableEntry, chunk};
use rowkeep_repository::{Compressed, Writer};
use tokio_util::task::AbortOnDropHandle;

use crate::capture::reuse::Base;
use crate::{Context, Error, Event};

/// Chunks of one table that may be worked on beside the one that is being filled.
const CHUNKS_AHEAD: usize = 4;

/// The level of zstd: what follows is a few percent smaller and twice as slow.
const LEVEL: i32 = 3;

/// Where chunks go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// Nowhere: only their names are wanted.
    Names,
    /// Into the repository, unless they are there.
    Repository(Arc<Writer>),
}

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
    let mut largest_first = tables;
    largest_first.sort_by_key(|table| std::cmp::Reverse(view.estimate(&table.name).bytes));
    let read = futures::stream::iter(largest_first).map(|table| async move {
        context.observe(Event::Table(&table.name));
        if let Some((base, now)) = base
            && let Some(entry) = base.unwritten(view, table, now).await?
        {
            context.observe(Event::TableDone { table: &table.name, rows: entry.root.rows });
            return Ok((entry, 0));
        }
        let (root, read_bytes) = read_table(context, view, table, keys, sink).await?;
        context.observe(Event::TableDone { table: &table.name, rows: root.rows });
        let entry = TableEntry { name: table.name.clone(), kind: table.kind, root, read: None };
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
) -> Result<(TableRoot, u64), Error> {
    if let Some(rows) = view.rows_in_physical_order(table).await? {
        let mut gone_through = Advance::default();
        match read_rows(context, rows, table, keys, sink, &mut gone_through).await {
            // What was stored of it stays and is mostly found again.
            Err(Error::Table { source: FormatError::OutOfOrder { .. }, .. }) => {
                let Advance { rows, bytes } = gone_through;
                context.observe(Event::TableAgain { table: &table.name, rows, bytes });
            }
            Err(error) => return Err(error),
            Ok(root) => return Ok((root, gone_through.bytes)),
        }
    }
    let mut gone_through = Advance::default();
    let root = read_rows(context, view.rows(table).await?, table, keys, sink, &mut gone_through).await?;
    Ok((root, gone_through.bytes))
}

/// What was gone through of a table, as progress has it.
#[derive(Default)]
struct Advance {
    rows: u64,
    bytes: u64,
}

/// The hash of rows that come in the order of their key; nothing is stored.
pub(crate) async fn hash_rows(
    context: &Context,
    rows: RowStream,
    table: &Table,
    keys: &ContentKeys,
) -> Result<TableRoot, Error> {
    read_rows(context, rows, table, keys, &Sink::Names, &mut Advance::default()).await
}

async fn read_rows(
    context: &Context,
    mut rows: RowStream,
    table: &Table,
    keys: &ContentKeys,
    sink: &Sink,
    gone_through: &mut Advance,
) -> Result<TableRoot, Error> {
    let mut cutter = Cutter::new(&table.key, table.columns.len(), keys);
    let mut tree = TreeBuilder::new(keys);
    let (mut cuts, mut nodes) = (Vec::new(), Vec::new());
    let mut working = FuturesOrdered::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if let Err(source) = cutter.push(&batch, &mut cuts) {
            // Chunks under way are claimed, so for whoever begins again they have to come to their end.
            while let Some(done) = working.next().await {
                finished(done)?;
            }
            return Err(Error::Table { table: table.name.to_string(), source });
        }
        let (rows, bytes) = (batch.rows() as u64, batch.bytes() as u64);
        gone_through.rows += rows;
        gone_through.bytes += bytes;
        context.observe(Event::Advanced { table: &table.name, rows, bytes });
        for cut in cuts.drain(..) {
            working.push_back(begin_chunk(context, cut, keys, sink).await);
        }
        while working.len() > CHUNKS_AHEAD
            && let Some(done) = working.next().await
        {
            tree.push(finished(done)?, &mut nodes);
            store_nodes(keys, sink, &mut nodes).await?;
        }
    }
    if let Some(cut) = cutter.finish() {
        working.push_back(begin_chunk(context, cut, keys, sink).await);
    }
    while let Some(done) = working.next().await {
        tree.push(finished(done)?, &mut nodes);
    }
    let root = tree.finish(&mut nodes);
    store_nodes(keys, sink, &mut nodes).await?;
    Ok(root)
}

type Work = AbortOnDropHandle<Result<ChunkRef, Error>>;

fn finished(done: Result<Result<ChunkRef, Error>, tokio::task::JoinError>) -> Result<ChunkRef, Error> {
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Encodes and stores a chunk in the background, once there is room for it.
async fn begin_chunk(context: &Context, cut: Cut, keys: &ContentKeys, sink: &Sink) -> Work {
    let admitted = context.admit(cut.rows.bytes()).await;
    let (context, keys, sink) = (context.clone(), keys.clone(), sink.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let _admitted = admitted;
        let writer = match &sink {
            Sink::Names => None,
            Sink::Repository(writer) => Some(Arc::clone(writer)),
        };
        let encoded = context.compute(move || encode_chunk(cut, &keys, writer.as_deref())).await?;
        if let (Some(compressed), Sink::Repository(writer)) = (encoded.compressed, &sink) {
            writer.add(compressed).await?;
        }
        Ok(encoded.chunk)
    }))
}

struct Encoded {
    chunk: ChunkRef,
    compressed: Option<Compressed>,
}

/// Encodes and names the rows; compresses them only when the writer does not have them yet.
fn encode_chunk(cut: Cut, keys: &ContentKeys, writer: Option<&Writer>) -> Result<Encoded, Error> {
    let plain = chunk::encode_rows(&cut.rows);
    let id = keys.chunk_id(&plain);
    let chunk =
        ChunkRef { id, rows: cut.rows.rows() as u64, bytes: plain.len() as u64, first_key: cut.first_key };
    let compressed = match writer {
        Some(writer) if writer.claim(&id) => {
            if !chunk::decodes_to(&plain, &cut.rows) {
                let detail = "its rows decode to other rows".to_owned();
                return Err(Error::ReadBack { object: format!("chunk {id}"), detail });
            }
            drop(cut.rows);
            Some(Compressed::new(keys, id, &plain, LEVEL)?)
        }
        _ => None,
    };
    Ok(Encoded { chunk, compressed })
}

async fn store_nodes(keys: &ContentKeys, sink: &Sink, nodes: &mut Vec<Node>) -> Result<(), Error> {
    let Sink::Repository(writer) = sink else {
        nodes.clear();
        return Ok(());
    };
    for node in nodes.drain(..) {
        store(keys, writer, node.id, &node.plain).await?;
    }
    Ok(())
}

/// Stores a small chunk, unless it is there.
pub(crate) async fn store(
    keys: &ContentKeys,
    writer: &Writer,
    id: ChunkId,
    plain: &[u8],
) -> Result<(), Error> {
    if writer.claim(&id) {
        writer.add(Compressed::new(keys, id, plain, LEVEL)?).await?;
    }
    Ok(())
}
