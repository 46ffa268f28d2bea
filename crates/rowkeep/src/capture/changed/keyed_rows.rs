//! Rows that come in the order of a key, each with its key.

use futures::stream::{Fuse, StreamExt, TryStreamExt};
use rowkeep_engine::{ErrorKind, RowStream};
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Key, RowBatch, key};

use super::stop::{Stop, Why};

/// A stream of rows that stands at one of them.
pub(super) struct KeyedRows {
    rows: Fuse<RowStream>,
    key: Key,
    batch: RowBatch,
    row: usize,
    /// The key of the row that it stands at.
    this: Vec<u8>,
    is_at_row: bool,
    has_begun: bool,
}

impl KeyedRows {
    /// Whole rows of a table.
    pub(super) fn rows(rows: RowStream, key: &Key) -> Self {
        Self {
            rows: rows.fuse(),
            key: key.clone(),
            batch: RowBatch::default(),
            row: 0,
            this: Vec::new(),
            is_at_row: false,
            has_begun: false,
        }
    }

    /// Rows that have the columns of the key alone.
    pub(super) fn keys(rows: RowStream, key: &Key) -> Self {
        let columns = key.columns.iter().enumerate();
        let columns = columns.map(|(column, part)| KeyColumn { column, form: part.form }).collect();
        Self::rows(rows, &Key { columns, unique: key.unique })
    }

    /// The key of the row that it stands at; nothing behind the last.
    pub(super) async fn key(&mut self) -> Result<Option<&[u8]>, Stop> {
        if !self.has_begun {
            self.has_begun = true;
            self.advance().await?;
        }
        Ok(self.is_at_row.then_some(self.this.as_slice()))
    }

    /// Adds the row that it stands at to others, and goes on.
    pub(super) async fn take_into(&mut self, out: &mut RowBatch) -> Result<(), Stop> {
        out.extend(&self.batch, self.row - 1..self.row);
        self.advance().await
    }

    /// Goes on to the next row.
    pub(super) async fn advance(&mut self) -> Result<(), Stop> {
        while self.row == self.batch.rows() {
            match self.rows.try_next().await {
                Ok(Some(batch)) => (self.batch, self.row) = (batch, 0),
                Ok(None) => {
                    self.is_at_row = false;
                    return Ok(());
                }
                // All rows may come in order, and then need no room to be sorted in.
                Err(error) if error.kind() == ErrorKind::DiskFull => {
                    return Err(Stop::ReadAll(Why::NoShortWay));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let last = std::mem::take(&mut self.this);
        let encoded = key::encode(&self.key, &self.batch, self.row, &mut self.this);
        // The rows that are read instead say what is wrong.
        encoded.map_err(|_| Stop::ReadAll(Why::Contradiction))?;
        if self.is_at_row && self.this <= last {
            return Err(Stop::ReadAll(Why::Contradiction));
        }
        self.row += 1;
        self.is_at_row = true;
        Ok(())
    }
}
