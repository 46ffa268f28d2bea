//! One side of a comparison: the chunks of a table in key order, named so that equal ones need not be read.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::cut::Cut;
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES};
use rowkeep_format::{ChunkId, ContentKeys, RowBatch, Table, TableName, chunk};
use rowkeep_repository::Reader;
use tokio::sync::mpsc;

use super::columns::Alignment;
use crate::background::Background;
use crate::capture::chunks::Chunks;
use crate::state::reader::{read_chunk, read_node};
use crate::{Context, Error};

/// A chunk of rows of a table.
#[derive(Clone)]
pub(super) struct Entry {
    /// Its name, where chunks of equal names hold equal rows on both sides.
    pub(super) id: Option<ChunkId>,
    /// The key of its first row, or the beginning of that.
    pub(super) first_key: Vec<u8>,
    /// About how many bytes its rows take.
    pub(super) bytes: u64,
    rows: Rows,
}

#[derive(Clone)]
enum Rows {
    Here(Arc<RowBatch>),
    Stored(Arc<Stored>, ChunkRef),
}

/// Where the rows of a table of a snapshot are.
pub(super) struct Stored {
    pub(super) reader: Arc<Reader>,
    pub(super) table: TableName,
    pub(super) alignment: Arc<Alignment>,
}

impl Entry {
    /// Its rows, with the columns that both sides have been brought to.
    pub(super) async fn load(&self, context: &Context) -> Result<Arc<RowBatch>, Error> {
        match &self.rows {
            Rows::Here(rows) => Ok(Arc::clone(rows)),
            Rows::Stored(stored, chunk) => {
                let rows = read_chunk(context, &stored.reader, chunk, &stored.table.to_string()).await?;
                Ok(stored.alignment.map(Arc::new(rows)))
            }
        }
    }
}

/// What comes next on a side.
pub(super) enum Head {
    /// A node: everything below it.
    Node {
        /// Its name.
        id: ChunkId,
        /// Its level, above 0 when there are nodes below.
        level: u64,
    },
    /// A chunk of rows.
    Entry(Entry),
}

/// One side of a comparison.
pub(super) enum Side {
    /// A table of a snapshot, walked from the root.
    Tree {
        stored: Arc<Stored>,
        /// What is left, the next in front: with the number of levels of nodes at and below it.
        left: VecDeque<(ChunkRef, u64)>,
    },
    /// Rows that are being read.
    Stream { entries: BoxStream<'static, Result<Entry, Error>>, head: Option<Entry>, ended: bool },
    /// No rows.
    Empty,
}

impl Side {
    /// A table of a snapshot whose rows come in the order that both sides have.
    pub(super) fn tree(stored: Stored, root: &rowkeep_format::tree::TableRoot) -> Self {
        let root_ref = ChunkRef { id: root.hash, rows: root.rows, bytes: root.bytes, first_key: Vec::new() };
        let left = VecDeque::from([(root_ref, u64::from(root.levels))]);
        Self::Tree { stored: Arc::new(stored), left }
    }

    /// Rows in the order that both sides have; `keys` name the chunks where they are to be comparable by name.
    pub(super) fn stream(
        context: &Context,
        rows: RowStream,
        table: Arc<Table>,
        keys: &ContentKeys,
        named: bool,
        watched: bool,
    ) -> Self {
        let entries = entries(context.clone(), rows, table, keys.clone(), named, watched);
        Self::Stream { entries, head: None, ended: false }
    }

    /// What comes next.
    pub(super) async fn head(&mut self) -> Result<Option<Head>, Error> {
        match self {
            Side::Empty => Ok(None),
            Side::Tree { stored, left } => Ok(left.front().map(|(chunk, levels)| match levels {
                0 => Head::Entry(Entry {
                    id: stored.alignment.keeps_chunks().then_some(chunk.id),
                    first_key: chunk.first_key.clone(),
                    bytes: chunk.bytes,
                    rows: Rows::Stored(Arc::clone(stored), chunk.clone()),
                }),
                levels => Head::Node { id: chunk.id, level: *levels },
            })),
            Side::Stream { entries, head, ended } => {
                if head.is_none() && !*ended {
                    *head = entries.next().await.transpose()?;
                    *ended = head.is_none();
                }
                Ok(head.clone().map(Head::Entry))
            }
        }
    }

    /// Goes past what comes next, whatever is below it.
    pub(super) fn pass(&mut self) {
        match self {
            Side::Empty => {}
            Side::Tree { left, .. } => drop(left.pop_front()),
            Side::Stream { head, .. } => *head = None,
        }
    }

    /// Puts what is below the node that comes next in its place.
    pub(super) async fn open_node(&mut self) -> Result<(), Error> {
        let Side::Tree { stored, left } = self else { return Ok(()) };
        if let Some((chunk, levels)) = left.front().cloned()
            && levels > 0
        {
            let below = read_node(&stored.reader, chunk.id, levels - 1).await?;
            left.pop_front();
            for entry in below.into_iter().rev() {
                left.push_front((entry, levels - 1));
            }
        }
        Ok(())
    }

    /// The next chunk of rows, below whatever nodes come next.
    pub(super) async fn entry(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            match self.head().await? {
                None => return Ok(None),
                Some(Head::Entry(entry)) => return Ok(Some(entry)),
                Some(Head::Node { .. }) => self.open_node().await?,
            }
        }
    }

    /// Whether its chunks have names that the other side's may be equal to.
    pub(super) fn is_named(&self) -> bool {
        match self {
            Side::Tree { stored, .. } => stored.alignment.keeps_chunks(),
            Side::Stream { .. } | Side::Empty => true,
        }
    }
}

/// Cuts rows into chunks as a capture does, and names them.
fn entries(
    context: Context,
    rows: RowStream,
    table: Arc<Table>,
    keys: ContentKeys,
    named: bool,
    watched: bool,
) -> BoxStream<'static, Result<Entry, Error>> {
    let (sender, receiver) = mpsc::channel(1);
    let task = Background::spawn(async move {
        let work = |cut| entry(context.clone(), cut, named.then(|| keys.clone()));
        let mut chunks = Chunks::new(&context, rows, &table, &keys, watched, work);
        while let Some(next) = chunks.next().await.transpose() {
            let is_last = next.is_err();
            if sender.send(next).await.is_err() || is_last {
                break;
            }
        }
    });
    futures::stream::unfold((receiver, task), |(mut receiver, task)| async move {
        match receiver.recv().await {
            Some(next) => Some((next, (receiver, task))),
            // Had the task panicked, the rows would seem to end here.
            None => {
                task.await;
                None
            }
        }
    })
    .boxed()
}

/// A chunk, named where keys for that are given.
async fn entry(context: Context, cut: Cut, keys: Option<ContentKeys>) -> Entry {
    let mut first_key = cut.first_key;
    first_key.truncate(MAX_KEY_BYTES);
    let rows = Arc::new(cut.rows);
    let bytes = rows.bytes();
    let id = match keys {
        Some(keys) => {
            let rows = Arc::clone(&rows);
            Some(context.compute_on(bytes, move || keys.chunk_id(&chunk::encode_rows(&rows))).await)
        }
        None => None,
    };
    Entry { id, first_key, bytes: bytes as u64, rows: Rows::Here(rows) }
}

#[cfg(test)]
impl Entry {
    /// A chunk of rows of its own.
    pub(super) fn of(id: Option<ChunkId>, first_key: Vec<u8>, rows: RowBatch) -> Self {
        Self { id, first_key, bytes: rows.bytes() as u64, rows: Rows::Here(Arc::new(rows)) }
    }

    pub(super) fn rows(&self) -> Arc<RowBatch> {
        match &self.rows {
            Rows::Here(rows) => Arc::clone(rows),
            Rows::Stored(..) => unreachable!("tests have their rows at hand"),
        }
    }
}
