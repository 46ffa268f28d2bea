//! A group of rows on its way into a file: its columns are encoded and compressed side by side.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedFileWriter;

/// The most rows in a group, and about the most bytes that they have in the file: what a reader takes at once.
const GROUP_ROWS: usize = 512 * 1024;
const GROUP_BYTES: usize = 16 << 20;

/// A file with groups of rows, of which the last one is not in it yet.
pub(super) struct Groups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    columns: Vec<Mutex<ArrowColumnWriter>>,
    rows: usize,
    /// So many columns are worked on at once.
    threads: usize,
}

impl<W: Write + Send> Groups<W> {
    pub(super) fn new(file: SerializedFileWriter<W>, schema: SchemaRef, threads: usize) -> Self {
        let factory = ArrowRowGroupWriterFactory::new(&file, SchemaRef::clone(&schema));
        Self { file, factory, schema, columns: Vec::new(), rows: 0, threads: threads.max(1) }
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut done = 0;
        while done < batch.num_rows() {
            if self.rows == 0 {
                let group = self.file.flushed_row_groups().len();
                self.columns =
                    self.factory.create_column_writers(group)?.into_iter().map(Mutex::new).collect();
            }
            let rows = (batch.num_rows() - done).min(GROUP_ROWS - self.rows);
            self.add(&batch.slice(done, rows))?;
            (self.rows, done) = (self.rows + rows, done + rows);
            if self.rows >= GROUP_ROWS || self.bytes() >= GROUP_BYTES {
                self.end_group()?;
            }
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn close(mut self) -> Result<()> {
        self.end_group()?;
        self.file.close().map(drop)
    }

    /// Hands each column its values, some columns at once.
    fn add(&self, batch: &RecordBatch) -> Result<()> {
        let (next, columns, schema) = (&AtomicUsize::new(0), &self.columns, &self.schema);
        let work = move || -> Result<()> {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(column) = columns.get(at) else { return Ok(()) };
                let mut column = column.lock().unwrap_or_else(PoisonError::into_inner);
                for leaf in compute_leaves(schema.field(at), batch.column(at))? {
                    column.write(&leaf)?;
                }
            }
        };
        thread::scope(|scope| {
            let others = self.threads.min(columns.len()).saturating_sub(1);
            let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
            let own = work();
            let ended = |other: thread::ScopedJoinHandle<'_, Result<()>>| {
                other
                    .join()
                    .unwrap_or_else(|_| Err(ParquetError::General("a column could not be written".into())))
            };
            others.into_iter().map(ended).fold(own, Result::and)
        })
    }

    /// About how many bytes the group is going to have.
    fn bytes(&self) -> usize {
        let bytes = |column: &Mutex<ArrowColumnWriter>| {
            column.lock().unwrap_or_else(PoisonError::into_inner).get_estimated_total_bytes()
        };
        self.columns.iter().map(bytes).sum()
    }

    fn end_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let mut group = self.file.next_row_group()?;
        for column in self.columns.drain(..) {
            let column = column.into_inner().unwrap_or_else(PoisonError::into_inner);
            column.close()?.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }
}
