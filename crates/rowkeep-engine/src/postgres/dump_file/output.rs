//! Rows on their way out of a dump, and what may be wrong with them.

use rowkeep_format::RowBatch;

use super::contents::TableData;
use super::settings::{Printed, alike};
use crate::file_source::Damage;

/// The most rows in a batch, for tables whose rows are next to nothing.
const MOST_ROWS: usize = 16 * 1024;

/// The columns of a table as rows give them.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// How many there are in a batch.
    pub(super) columns: usize,
    /// All columns of the table, generated ones too, with their places in a batch.
    pub(super) named: Vec<(String, Option<usize>)>,
    /// How the values of each are printed.
    pub(super) printed: Vec<Printed>,
}

/// Why reading ended.
pub(super) enum Ended {
    /// All rows were sent.
    Well,
    /// Nobody takes them.
    Unwanted,
}

/// Hands rows on in batches.
pub(super) struct Output<'o> {
    /// Takes a batch; says no when it takes no more.
    take: Box<dyn FnMut(RowBatch) -> bool + 'o>,
    printed: Vec<Printed>,
    batch: RowBatch,
    bytes: usize,
    /// How many rows were handed on, and what is wrong with one that was to be.
    rows: u64,
    wrong: Option<(u64, &'static str)>,
}

impl<'o> Output<'o> {
    /// Hands batches of so many columns to whoever takes them, with values as a live database gives them.
    pub(super) fn new(
        columns: usize,
        printed: Vec<Printed>,
        take: impl FnMut(RowBatch) -> bool + 'o,
    ) -> Self {
        let batch = RowBatch::new(columns);
        Self { take: Box::new(take), printed, batch, bytes: 0, rows: 0, wrong: None }
    }

    /// What is wrong with a row of the present part, counted from zero.
    pub(super) fn wrong(&mut self) -> Option<(u64, &'static str)> {
        self.wrong.take()
    }

    /// The batch that is being filled.
    pub(super) fn batch(&mut self) -> &mut RowBatch {
        &mut self.batch
    }

    /// Notes that a row was added, and sends what is enough; says no when nobody takes it.
    pub(super) fn added(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let is_full = self.bytes >= RowBatch::TARGET_BYTES || self.batch.rows() >= MOST_ROWS;
        !is_full || self.send()
    }

    /// Sends what is there.
    pub(super) fn send(&mut self) -> bool {
        self.bytes = 0;
        if self.batch.is_empty() {
            return true;
        }
        let batch = self.batch.take();
        let rows = batch.rows() as u64;
        match alike(batch, &self.printed) {
            Ok(batch) => {
                self.rows += rows;
                (self.take)(batch)
            }
            Err((row, what)) => {
                self.wrong = Some((self.rows + row as u64, what));
                false
            }
        }
    }
}

/// What is wrong in a row, counted from zero.
pub(super) fn damaged(data: &TableData, row: u64, what: String) -> Damage {
    Damage { place: format!("table {}, row {} ({})", data.table, row + 1, data.begins), what }
}

pub(super) fn unreadable(data: &TableData, row: u64, error: &std::io::Error) -> Damage {
    let what = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the file is cut off".to_owned(),
        _ => format!("the data cannot be read: {error}"),
    };
    damaged(data, row, what)
}
