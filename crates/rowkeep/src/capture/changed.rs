//! A table's tree made from that of the snapshot before and the rows that were written since.
//!
//! Chunks without such rows are taken over by their names. The others are read, merged with the written rows and cut again, and
//! so are chunks behind them, until one begins where a chunk ends. The outcome is the very tree that reading all rows gives:
//! where a chunk ends follows from its rows, and for one that ended because it was full from the first row behind it as well;
//! so a chunk is cut again too when that row has changed. The number of rows has to be the database's, or all rows are read.

mod edit;
mod keyed_rows;
mod steps;
mod stop;

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{FuturesOrdered, StreamExt};
use rowkeep_engine::{ChangeCount, RowStream, View};
use rowkeep_format::chunk::decode_rows;
use rowkeep_format::cut::{Cut, Cutter};
use rowkeep_format::tree::{ChunkRef, TableRoot, TreeBuilder};
use rowkeep_format::{ContentKeys, FormatError, RowBatch, Table, TableEntry};
use rowkeep_repository::{Reader, WithBase};

use super::chunk::{put, store_nodes};
use super::increment::EarlierTable;
use super::sink::{Held, Sink};
use crate::background::Background;
use crate::context::SMALL_BYTES;
use crate::{Context, Error, Event};
use keyed_rows::KeyedRows;
use steps::{Changes, Step, Steps};
use stop::{Stop, Why};

/// Chunks that are read and merged ahead of the one that is being cut.
const MERGED_AHEAD: usize = 2;

/// Chunks that are encoded and stored at once.
const STORED_AHEAD: usize = 4;

/// Where more than one row in so many was written, or is gone, all are read.
const MUCH: u64 = 4;

/// A table whose rows are those of the snapshot before, but for some.
pub(super) struct ChangedTable<'a> {
    pub(super) context: &'a Context,
    pub(super) table: &'a Table,
    pub(super) keys: &'a ContentKeys,
    pub(super) reader: &'a Arc<Reader>,
    /// The table before.
    pub(super) entry: &'a TableEntry,
    /// How many rows it has now, and how many of them were written since.
    pub(super) counted: ChangeCount,
}

/// What was gone through.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    rows: u64,
    /// Those that came from the database.
    read_bytes: u64,
}

type Working = FuturesOrdered<Background<Result<ChunkRef, Error>>>;

impl ChangedTable<'_> {
    /// Makes the tree and stores what is new of it; gives its root and how many bytes of rows were read. Nothing where all rows
    /// have to be read.
    ///
    /// The database tells which rows were written, and by their number how many of the others are gone. Those whose keys were
    /// written again are found on the way. Mostly these are all, so what is new is held back until that is known; where it is
    /// not so, the keys of all rows tell which are gone. `written` are the written rows, where they are being read already.
    pub(super) async fn store(
        &self,
        view: &dyn View,
        horizon: &str,
        written: Option<Background<RowStream>>,
        sink: &Sink,
    ) -> Result<Option<(TableRoot, u64)>, Error> {
        let mut written = written;
        let Sink::Repository(writer) = sink else { return Ok(None) };
        let ChangeCount { rows, changed } = self.counted;
        let before = self.entry.root.rows;
        let Some(gone) = rows.checked_sub(changed).and_then(|same| before.checked_sub(same)) else {
            self.warn();
            return Ok(None);
        };
        if !self.table.key.unique || changed.max(gone).saturating_mul(MUCH) > before {
            return Ok(None);
        }
        if (1..=changed).contains(&gone) {
            let held = Arc::new(Held::new(writer));
            let sink = Sink::Held(Arc::clone(&held));
            match self.attempt(view, horizon, written.take(), &sink, false).await {
                Ok(stored) => {
                    held.add_all().await?;
                    return Ok(Some(stored));
                }
                Err(Stop::ReadAll(why)) => {
                    held.forget_all().await?;
                    if why == Why::NoShortWay {
                        return Ok(None);
                    }
                }
                Err(Stop::Error(error)) => return Err(error),
            }
        }
        match self.attempt(view, horizon, written, sink, gone > 0).await {
            Ok(stored) => Ok(Some(stored)),
            Err(Stop::ReadAll(why)) => {
                if why == Why::Contradiction {
                    self.warn();
                }
                Ok(None)
            }
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Makes the tree once, and puts what is new of it where it goes.
    ///
    /// Whatever becomes of it, every chunk that was claimed was then given to the sink.
    async fn attempt(
        &self,
        view: &dyn View,
        horizon: &str,
        written: Option<Background<RowStream>>,
        sink: &Sink,
        by_all_keys: bool,
    ) -> Result<(TableRoot, u64), Stop> {
        let (key, columns) = (&self.table.key, self.table.columns.len());
        let written = match written {
            Some(written) => written.await,
            None => view.rows_changed_since(self.table, horizon).await?,
        };
        let mut written = KeyedRows::rows(written, key);
        let all = match by_all_keys {
            true => {
                // Reading keys may have to wait until nothing else is read: when the first of the written rows is there, all are.
                written.key().await?;
                Some(KeyedRows::keys(view.keys(self.table).await?, key))
            }
            false => None,
        };
        let (mut working, mut passed) = (Working::new(), Passed::default());
        let stored = self.make(Changes { written, all, columns }, sink, &mut working, &mut passed).await;
        let stored = stored.and_then(|root| match root.rows == self.counted.rows {
            true => Ok((root, passed.read_bytes)),
            false => Err(Stop::ReadAll(Why::Contradiction)),
        });
        if let Err(Stop::ReadAll(_)) = stored {
            while let Some(done) = working.next().await {
                done?;
            }
            let Passed { rows, read_bytes: bytes } = passed;
            self.context.observe(Event::TableAgain { table: &self.table.name, rows, bytes });
        }
        stored
    }

    fn warn(&self) {
        let table = &self.table.name;
        self.context.warn(format!(
            "what the database tells of rows written to table {table} contradicts its rows, so all are read"
        ));
    }

    async fn make(
        &self,
        changes: Changes,
        sink: &Sink,
        working: &mut Working,
        passed: &mut Passed,
    ) -> Result<TableRoot, Stop> {
        let earlier = Arc::new(EarlierTable::new(self.reader, self.entry));
        let mut steps = Steps::new(self.reader, self.entry, changes);
        let mut cutter = Cutter::new(&self.table.key, self.table.columns.len(), self.keys);
        let (mut tree, mut nodes) = (TreeBuilder::new(self.keys), Vec::new());
        let mut ahead = VecDeque::new();
        let mut is_planned = false;
        loop {
            while !is_planned && ahead.len() <= MERGED_AHEAD {
                match steps.next().await? {
                    Some(step) => ahead.push_back(self.begin(step, &earlier).await),
                    None => is_planned = true,
                }
            }
            let Some(begun) = ahead.pop_front() else { break };
            let mut cuts = Vec::new();
            match begun {
                Begun::Unchanged(chunk) if cutter.is_between_chunks() => {
                    self.passed(passed, chunk.rows, 0);
                    sink.note_reused(&chunk.id);
                    working.push_back(Background::here(ready(Ok(chunk))));
                }
                Begun::Unchanged(chunk) => {
                    let rows = read(self.context, self.reader, &chunk, self.table, &earlier).await?;
                    self.cut(&mut cutter, &rows, &mut cuts)?;
                    self.passed(passed, rows.rows() as u64, 0);
                }
                Begun::Changed { rows, read_bytes } => {
                    let rows = rows.await?;
                    self.cut(&mut cutter, &rows, &mut cuts)?;
                    self.passed(passed, rows.rows() as u64, read_bytes);
                }
            }
            for cut in cuts {
                self.put(cut, sink, &earlier, working).await;
            }
            while working.len() > STORED_AHEAD
                && let Some(chunk) = working.next().await
            {
                tree.push(chunk?, &mut nodes);
            }
            store_nodes(self.keys, sink, &mut nodes).await?;
            if sink.is_over_full() {
                return Err(Stop::ReadAll(Why::TooMuchHeld));
            }
        }
        if let Some(cut) = cutter.finish() {
            self.put(cut, sink, &earlier, working).await;
        }
        while let Some(chunk) = working.next().await {
            tree.push(chunk?, &mut nodes);
        }
        let root = tree.finish(&mut nodes);
        store_nodes(self.keys, sink, &mut nodes).await?;
        Ok(root)
    }

    /// Begins to read and merge what a step needs.
    async fn begin(&self, Step { chunk, edit }: Step, earlier: &Arc<EarlierTable>) -> Begun {
        let read_bytes = edit.bytes() as u64;
        let rows = match chunk {
            Some(chunk) if edit.leaves(&chunk) => return Begun::Unchanged(chunk),
            Some(chunk) => {
                let admitted = self.context.admit(chunk.bytes as usize).await;
                let (context, reader, earlier) =
                    (self.context.clone(), Arc::clone(self.reader), Arc::clone(earlier));
                let table = self.table.clone();
                let is_small = chunk.bytes <= SMALL_BYTES as u64;
                let merge = async move {
                    let _admitted = admitted;
                    let rows = read(&context, &reader, &chunk, &table, &earlier).await?;
                    let bytes = rows.bytes();
                    context.compute_on(bytes, move || edit.merge(&table.key, &rows)).await
                };
                // Small ones are done at once: left for later they would hold room that others wait for.
                match is_small {
                    true => Background::here(ready(merge.await)),
                    false => Background::spawn(merge),
                }
            }
            None => Background::here(ready(edit.into_rows())),
        };
        Begun::Changed { rows, read_bytes }
    }

    async fn put(&self, cut: Cut, sink: &Sink, earlier: &Arc<EarlierTable>, working: &mut Working) {
        let bytes = cut.rows.bytes();
        // The one that a chunk is compared with takes as much memory as the chunk.
        let admitted = self.context.admit(bytes * 2).await;
        let earlier = Some(Arc::clone(earlier));
        let work = put(self.context.clone(), cut, self.keys.clone(), sink.clone(), earlier);
        let work = async move {
            let _admitted = admitted;
            work.await
        };
        working.push_back(match bytes <= SMALL_BYTES {
            true => Background::here(ready(work.await)),
            false => Background::spawn(work.boxed()),
        });
    }

    fn cut(&self, cutter: &mut Cutter<'_>, rows: &RowBatch, out: &mut Vec<Cut>) -> Result<(), Stop> {
        cutter.push(rows, out).map_err(|source| match source {
            FormatError::OutOfOrder { .. } => Stop::ReadAll(Why::Contradiction),
            source => Stop::Error(Error::Table { table: self.table.name.to_string(), source }),
        })
    }

    fn passed(&self, passed: &mut Passed, rows: u64, bytes: u64) {
        passed.rows += rows;
        passed.read_bytes += bytes;
        self.context.observe(Event::Advanced { table: &self.table.name, rows, bytes });
    }
}

/// A step that was begun.
enum Begun {
    /// A chunk that has the rows that it had.
    Unchanged(ChunkRef),
    /// Rows that are being read and merged.
    Changed {
        rows: Background<Result<RowBatch, Stop>>,
        /// How much of them came from the database.
        read_bytes: u64,
    },
}

/// Reads a chunk of the table before. One that cannot be read is no reason to make no snapshot.
async fn read(
    context: &Context,
    reader: &Reader,
    chunk: &ChunkRef,
    table: &Table,
    earlier: &EarlierTable,
) -> Result<RowBatch, Stop> {
    let unreadable = || Stop::ReadAll(Why::NoShortWay);
    let WithBase { plain, base } = reader.read_with_base(&chunk.id).await.map_err(|_| unreadable())?;
    let plain = Arc::new(plain);
    let (base, of_base) = base.unwrap_or_else(|| (chunk.id, Arc::clone(&plain)));
    earlier.keep_read(base, of_base);
    let decoded = context.compute_on(plain.len(), move || decode_rows(&plain)).await;
    let is_whole =
        |rows: &RowBatch| rows.rows() as u64 == chunk.rows && rows.columns().len() == table.columns.len();
    decoded.ok().filter(is_whole).ok_or_else(unreadable)
}

#[cfg(test)]
#[path = "changed_tests.rs"]
mod tests;
