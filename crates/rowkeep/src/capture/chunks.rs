//! Rows on their way into chunks: cut, admitted, and worked on in the background, a few chunks at once.

use std::collections::VecDeque;

use futures::future::ready;
use futures::stream::{FuturesOrdered, StreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::cut::{Cut, Cutter};
use rowkeep_format::{ContentKeys, Table};

use crate::background::Background;
use crate::context::SMALL_BYTES;
use crate::{Context, Error, Event};

/// Chunks of one table that may be worked on beside the one that is being filled.
const CHUNKS_AHEAD: usize = 4;

/// The chunks of rows that come in the order of their key, with what some work makes of each.
///
/// A chunk is begun once there is room for its bytes. Dropping this ends all work.
pub(crate) struct Chunks<'a, W, T> {
    context: &'a Context,
    table: &'a Table,
    rows: RowStream,
    /// Nothing once all rows came.
    cutter: Option<Cutter<'a>>,
    cuts: VecDeque<Cut>,
    work: W,
    working: FuturesOrdered<Background<T>>,
    /// Why no more rows are taken.
    failed: Option<Error>,
    is_watched: bool,
    copies: usize,
    passed: Passed,
}

/// What was gone through of a table, as progress has it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passed {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl<'a, W, T, F> Chunks<'a, W, T>
where
    W: Fn(Cut) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// Nothing is read before the first chunk is asked for. Where it is watched, every batch is progress.
    pub(crate) fn new(
        context: &'a Context,
        rows: RowStream,
        table: &'a Table,
        keys: &ContentKeys,
        is_watched: bool,
        work: W,
    ) -> Self {
        Self {
            context,
            table,
            rows,
            cutter: Some(Cutter::new(&table.key, table.columns.len(), keys)),
            cuts: VecDeque::new(),
            work,
            working: FuturesOrdered::new(),
            failed: None,
            is_watched,
            copies: 1,
            passed: Passed::default(),
        }
    }

    /// Has the work on a chunk take the memory of so many chunks.
    pub(crate) fn with_copies(self, copies: usize) -> Self {
        Self { copies, ..self }
    }

    /// What became of the next chunk.
    ///
    /// Rows that cannot be stored as they came are an error only after all chunks before them: work that claims chunks
    /// has to come to its end for whoever begins again.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if self.working.len() <= CHUNKS_AHEAD {
                if let Some(cut) = self.cuts.pop_front() {
                    self.begin(cut).await;
                    continue;
                }
                if self.cutter.is_some() {
                    self.read().await?;
                    continue;
                }
            }
            return match (self.working.next().await, self.failed.take()) {
                (Some(done), failed) => {
                    self.failed = failed;
                    Ok(Some(done))
                }
                (None, Some(failed)) => Err(failed),
                (None, None) => Ok(None),
            };
        }
    }

    /// What was gone through so far.
    pub(crate) fn passed(&self) -> Passed {
        self.passed
    }

    async fn begin(&mut self, cut: Cut) {
        let bytes = cut.rows.bytes();
        let admitted = self.context.admit(bytes * self.copies).await;
        let work = (self.work)(cut);
        let work = async move {
            let _admitted = admitted;
            work.await
        };
        // Small ones are done at once: left for later they would hold room that others wait for.
        self.working.push_back(match bytes <= SMALL_BYTES {
            true => Background::here(ready(work.await)),
            false => Background::spawn(work),
        });
    }

    /// Cuts the next batch.
    async fn read(&mut self) -> Result<(), Error> {
        let Some(mut cutter) = self.cutter.take() else { return Ok(()) };
        let Some(batch) = self.rows.next().await.transpose()? else {
            self.cuts.extend(cutter.finish());
            return Ok(());
        };
        let mut cuts = Vec::new();
        let pushed = cutter.push(&batch, &mut cuts);
        self.cuts.extend(cuts);
        if let Err(source) = pushed {
            self.cuts.clear();
            self.failed = Some(Error::Table { table: self.table.name.to_string(), source });
            return Ok(());
        }
        self.cutter = Some(cutter);
        let (rows, bytes) = (batch.rows() as u64, batch.bytes() as u64);
        self.passed.rows += rows;
        self.passed.bytes += bytes;
        if self.is_watched {
            self.context.observe(Event::Advanced { table: &self.table.name, rows, bytes });
        }
        Ok(())
    }
}
