//! Where a chunk ends: after rows that their own keys choose.
//!
//! Every row has a weight: its size in bytes plus one for each column, rounded up to a power of two. A chunk ends after
//! a row when the chunk weighs at least [`MIN_WEIGHT`] and SipHash-1-3 of the row's key, under the repository's cut
//! key, is less than `weight * 2^64 / EXPECTED_WEIGHT`; and before a row that would bring it over [`MAX_WEIGHT`].
//!
//! So the ends follow from the rows alone; a changed row changes one chunk; and a changed value moves no end unless it
//! changes the row's size by a power of two.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::{ContentKeys, FormatError, Key, RowBatch, key};

/// A chunk that weighs less does not end, except with its table.
pub const MIN_WEIGHT: u64 = 512 * 1024;

/// The weight that follows the minimum, on average, before a chunk ends.
pub const EXPECTED_WEIGHT: u64 = 1024 * 1024;

/// No chunk of more than one row weighs more.
pub const MAX_WEIGHT: u64 = 6 * 1024 * 1024;

/// A row of more bytes is refused.
pub const MAX_ROW_BYTES: u64 = 256 * 1024 * 1024;

/// Cuts the rows of one table into chunks, and checks that they come in the order of their keys.
#[derive(Debug)]
pub struct Cutter<'k> {
    key: &'k Key,
    hasher: SipHasher13,
    open: RowBatch,
    open_weight: u64,
    open_first_key: Vec<u8>,
    last_key: Vec<u8>,
    this_key: Vec<u8>,
    rows: u64,
}

/// A run of rows that is one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The rows.
    pub rows: RowBatch,
    /// The key of the first of them.
    pub first_key: Vec<u8>,
}

impl<'k> Cutter<'k> {
    /// Begins a table with that key and that many columns.
    pub fn new(key: &'k Key, columns: usize, keys: &ContentKeys) -> Self {
        Self {
            key,
            hasher: SipHasher13::new_with_key(keys.cut_key()),
            open: RowBatch::new(columns),
            open_weight: 0,
            open_first_key: Vec::new(),
            last_key: Vec::new(),
            this_key: Vec::new(),
            rows: 0,
        }
    }

    /// Takes the next rows and appends the chunks that they complete to `out`.
    ///
    /// Fails when a row is out of order or too large; the table cannot be gone on with then.
    ///
    /// # Panics
    /// When the batch has another number of columns than the table.
    pub fn push(&mut self, batch: &RowBatch, out: &mut Vec<Cut>) -> Result<(), FormatError> {
        assert_eq!(batch.columns().len(), self.open.columns().len(), "all rows of a table have its columns");
        let sizes = row_sizes(batch);
        let mut start = 0;
        for (row, size) in sizes.into_iter().enumerate() {
            if size > MAX_ROW_BYTES {
                return Err(FormatError::RowTooLarge { bytes: size, limit: MAX_ROW_BYTES });
            }
            self.this_key.clear();
            key::encode(self.key, batch, row, &mut self.this_key)?;
            self.check_order()?;
            let weight = size.next_power_of_two();
            if self.open_weight > 0 && self.open_weight + weight > MAX_WEIGHT {
                self.open.extend(batch, start..row);
                start = row;
                out.push(self.end_chunk());
            }
            if self.open_weight == 0 {
                self.open_first_key.clone_from(&self.this_key);
            }
            self.open_weight += weight;
            self.rows += 1;
            if self.open_weight >= MIN_WEIGHT && self.ends_chunk(weight) {
                self.open.extend(batch, start..row + 1);
                start = row + 1;
                out.push(self.end_chunk());
            }
            std::mem::swap(&mut self.this_key, &mut self.last_key);
        }
        self.open.extend(batch, start..batch.rows());
        Ok(())
    }

    /// Whether the last row that was taken ended a chunk, or none was taken: rows that follow are cut as if they came first.
    pub fn is_between_chunks(&self) -> bool {
        self.open_weight == 0
    }

    /// Ends the table: the rows that are left are its last chunk.
    pub fn finish(mut self) -> Option<Cut> {
        (self.open_weight > 0).then(|| self.end_chunk())
    }

    fn check_order(&self) -> Result<(), FormatError> {
        let in_order = self.rows == 0
            || match self.last_key.cmp(&self.this_key) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => !self.key.unique,
                std::cmp::Ordering::Greater => false,
            };
        if in_order { Ok(()) } else { Err(FormatError::OutOfOrder { row: self.rows }) }
    }

    fn ends_chunk(&self, weight: u64) -> bool {
        let mut hasher = self.hasher;
        hasher.write(&self.this_key);
        let threshold = u128::from(weight) << 64;
        u128::from(hasher.finish()) * u128::from(EXPECTED_WEIGHT) < threshold
    }

    fn end_chunk(&mut self) -> Cut {
        self.open_weight = 0;
        Cut { rows: self.open.take(), first_key: std::mem::take(&mut self.open_first_key) }
    }
}

/// The size of each row: its values' bytes, plus one for each column, at least one.
fn row_sizes(batch: &RowBatch) -> Vec<u64> {
    let mut sizes = vec![batch.columns().len().max(1) as u64; batch.rows()];
    for column in batch.columns() {
        let mut start = 0;
        for (size, end) in sizes.iter_mut().zip(column.ends()) {
            *size += u64::from(end - start);
            start = *end;
        }
    }
    sizes
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
