//! Sorting rows outside the database, with a ceiling on memory.
//!
//! Engines ask the database for key order wherever it can give it. Where it cannot (a table without a key, a collation
//! that is not bytewise), the rows pass through [`sort`]: as long as they fit they stay in memory; beyond that, sorted
//! runs go to an anonymous temporary file and are merged from there.

pub(crate) mod displaced;
mod merge;
mod run;
mod spill;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt, stream};
use rowkeep_format::{Key, RowBatch, Table};
use tokio::sync::mpsc;

use crate::worker::{self, WAITING_BATCHES};
use crate::{EngineError, RowStream};
use merge::merge;
use run::Gathering;
use spill::Spill;

/// How much a sort may use, and where.
#[derive(Debug, Clone)]
pub struct SortOptions {
    /// What rows and keys may take in memory, in bytes. A single row that is larger is still sorted.
    pub memory_bytes: usize,
    /// Where the temporary file is made; the system's temporary folder when not given.
    pub folder: Option<PathBuf>,
}

impl Default for SortOptions {
    fn default() -> Self {
        Self { memory_bytes: 32 * 1024 * 1024, folder: None }
    }
}

/// Sorts rows by the table's key as [`rowkeep_format::key`] encodes it.
///
/// Every row that comes in goes out, equal rows as often as they came. Rows whose keys are equal go by their values,
/// so the outcome depends on the rows alone. Nothing happens before the stream is polled; dropping it stops the work
/// and removes the temporary file, which has no name that a killed process could leave behind.
///
/// The stream ends with the first error: that of `rows`, [`DiskFull`](crate::ErrorKind::DiskFull) when the runs do not
/// fit, [`Unstorable`](crate::ErrorKind::Unstorable) when a value does not have the form its key promises.
///
/// # Panics
/// When it is polled outside a tokio runtime.
pub fn sort(rows: RowStream, table: &Table, options: &SortOptions) -> RowStream {
    let work = Work { table: table.name.to_string(), key: table.key.clone(), options: options.clone() };
    stream::once(async { feed(rows, work).await }).try_flatten().boxed()
}

/// Hands all rows to a thread of their own, and returns what that thread makes of them.
async fn feed(mut rows: RowStream, work: Work) -> Result<RowStream, EngineError> {
    let (input, batches) = mpsc::channel(WAITING_BATCHES);
    let sorted = worker::rows_of(move |output| work.run(batches, &output));
    while let Some(batch) = rows.next().await {
        // Refused only when the thread has failed; its error is at the end of `sorted`.
        if input.send(batch?).await.is_err() {
            break;
        }
    }
    Ok(sorted)
}

struct Work {
    table: String,
    key: Key,
    options: SortOptions,
}

impl Work {
    fn run(
        self,
        mut batches: mpsc::Receiver<RowBatch>,
        output: &mpsc::Sender<RowBatch>,
    ) -> Result<(), EngineError> {
        let mut gathering = Gathering::new(&self.key);
        let mut spill: Option<Spill> = None;
        while let Some(batch) = batches.blocking_recv() {
            gathering.add(batch)?;
            if gathering.memory_bytes() >= self.options.memory_bytes {
                let spill = match &mut spill {
                    Some(spill) => spill,
                    None => spill.insert(Spill::create(&self.table, self.options.folder.as_deref())?),
                };
                spill_run(&mut gathering, spill)?;
            }
        }
        if output.is_closed() {
            return Ok(());
        }
        let mut emit = |batch| output.blocking_send(batch).is_ok();
        let Some(mut spill) = spill else {
            return gathering.drain(RowBatch::TARGET_BYTES, &mut |batch| Ok(emit(batch)));
        };
        spill_run(&mut gathering, &mut spill)?;
        drop(gathering);
        merge(spill, &self.key, self.options.memory_bytes, &mut emit)
    }
}

fn spill_run(gathering: &mut Gathering<'_>, spill: &mut Spill) -> Result<(), EngineError> {
    spill.begin_run();
    gathering.drain(spill::BLOCK_BYTES, &mut |block| spill.write(&block).map(|()| true))
}
