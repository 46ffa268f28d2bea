//! Reading a table of a live database into chunks: encode, name, and store what is new.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use rowkeep_engine::{RowStream, View};
use rowkeep_format::cut::Cut;
use rowkeep_format::tree::{ChunkRef, Node, TableRoot, TreeBuilder};
use rowkeep_format::{ChunkId, ContentKeys, FormatError, Table, TableEntry, chunk};
use rowkeep_repository::{Compressed, Writer};

use super::chunks::{Chunks, Passed};
use super::increment::{EarlierTable, compress};
use super::reuse::Base;
use crate::{Context, Error, Event};

/// The level of zstd: what follows is a few percent smaller and twice as slow.
const LEVEL: i32 = 3;

/// Where chunks go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// Nowhere: only their names are wanted.
    Names,
    /// Into the repository, unless they are there.
    Repository(Arc<Writer>),
    /// The same, of these alone.
    Wanted(Arc<Writer>, Arc<HashSet<ChunkId>>),
}

impl Sink {
    /// Who takes a chunk that has to be stored; nobody where it has not.
    fn claim(&self, id: &ChunkId) -> Option<&Writer> {
        let writer = match self {
            Sink::Names => return None,
            Sink::Repository(writer) => writer,
            Sink::Wanted(writer, wanted) if wanted.contains(id) => writer,
            Sink::Wanted(..) => return None,
        };
        writer.claim(id).then_some(writer)
    }

    /// Takes note of what is taken over from an earlier snapshot.
    fn note_reused(&self, id: &ChunkId) {
        if let Sink::Repository(writer) = self {
            writer.note_reused(id);
        }
    }
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
    if let Some((base, _)) = base {
        base.ask(view, &tables).await;
    }
    let mut largest_first = tables;
    largest_first.sort_by_key(|table| std::cmp::Reverse(view.estimate(&table.name).bytes));
    let read = futures::stream::iter(largest_first).map(|table| async move {
        context.observe(Event::Table(&table.name));
        if let Some((base, now)) = base
            && let Some(entry) = base.unwritten(view, table, now, |chunk| sink.note_reused(chunk)).await?
        {
            context.observe(Event::TableDone { table: &table.name, rows: entry.root.rows });
            return Ok((entry, 0));
        }
        let earlier = || base.and_then(|(base, _)| base.earlier(table)).map(Arc::new);
        let (root, read_bytes) = read_table(context, view, table, keys, sink, earlier).await?;
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

/// Encodes a chunk, and stores it where it is to be stored.
async fn put(
    context: Context,
    cut: Cut,
    keys: ContentKeys,
    sink: Sink,
    earlier: Option<Arc<EarlierTable>>,
) -> Result<ChunkRef, Error> {
    let (bytes, of_chunk, of_keys) = (cut.rows.bytes(), sink.clone(), keys.clone());
    let is_whole = earlier.is_none();
    let encode = move || encode_chunk(cut, &of_keys, &of_chunk, is_whole);
    let Encoded { chunk, stored } = context.compute_on(bytes, encode).await?;
    let (Sink::Repository(writer) | Sink::Wanted(writer, _)) = &sink else { return Ok(chunk) };
    match (stored, earlier) {
        (Some(Stored::Compressed(compressed)), _) => writer.add(compressed).await?,
        (Some(Stored::Plain(plain)), earlier) => {
            let like = match &earlier {
                Some(earlier) => earlier.like(&chunk.first_key, plain.len()).await,
                None => None,
            };
            let id = chunk.id;
            let compress = move || compress(&keys, id, &plain, LEVEL, like.as_ref());
            let (compressed, base) = context.compute_on(bytes, compress).await?;
            if let Some(base) = base {
                writer.note_reused(&base);
            }
            writer.add(compressed).await?;
        }
        (None, _) => {}
    }
    Ok(chunk)
}

struct Encoded {
    chunk: ChunkRef,
    /// What is to be stored of it, where it is not.
    stored: Option<Stored>,
}

enum Stored {
    Compressed(Compressed),
    Plain(Vec<u8>),
}

/// Encodes and names the rows; compresses them only when the writer does not have them yet, and they are to be stored whole.
fn encode_chunk(cut: Cut, keys: &ContentKeys, sink: &Sink, is_whole: bool) -> Result<Encoded, Error> {
    let plain = chunk::encode_rows(&cut.rows);
    let id = keys.chunk_id(&plain);
    let chunk =
        ChunkRef { id, rows: cut.rows.rows() as u64, bytes: plain.len() as u64, first_key: cut.first_key };
    let stored = match sink.claim(&id) {
        Some(_) => {
            if !chunk::decodes_to(&plain, &cut.rows) {
                let detail = "its rows decode to other rows".to_owned();
                return Err(Error::ReadBack { object: format!("chunk {id}"), detail });
            }
            drop(cut.rows);
            Some(match is_whole {
                true => Stored::Compressed(Compressed::new(keys, id, &plain, LEVEL)?),
                false => Stored::Plain(plain),
            })
        }
        None => None,
    };
    Ok(Encoded { chunk, stored })
}

async fn store_nodes(keys: &ContentKeys, sink: &Sink, nodes: &mut Vec<Node>) -> Result<(), Error> {
    for node in nodes.drain(..) {
        if let Some(writer) = sink.claim(&node.id) {
            writer.add(Compressed::new(keys, node.id, &node.plain, LEVEL)?).await?;
        }
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
