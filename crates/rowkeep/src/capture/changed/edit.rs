//! What happened to a run of rows: which of them are not there any more, and which there are instead.

use std::cmp::Ordering;

use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{Key, RowBatch, key};

use super::stop::{Stop, Why};

/// What happened to the rows of one chunk, or to those behind the last.
pub(super) struct Edit {
    /// Rows that were written, in the order of their keys. They take the place of those of the same keys.
    pub(super) written: RowBatch,
    pub(super) keys: Vec<Vec<u8>>,
    /// The keys of the rows that were not, in their order; nothing where all stay that have not got another in their place.
    pub(super) kept: Option<Vec<Vec<u8>>>,
    /// Whether more was written behind these rows, before the next chunk.
    pub(super) has_more: bool,
    /// Whether the rows are to be cut again even where they stay as they are.
    pub(super) is_cut_again: bool,
}

impl Edit {
    pub(super) fn new(columns: usize) -> Self {
        let written = RowBatch::new(columns);
        Self { written, keys: Vec::new(), kept: None, has_more: false, is_cut_again: false }
    }

    /// The size of the rows that were written.
    pub(super) fn bytes(&self) -> usize {
        self.written.bytes()
    }

    /// Whether a chunk with these rows stays as it is.
    pub(super) fn leaves(&self, chunk: &ChunkRef) -> bool {
        let all_kept = self.kept.as_ref().is_none_or(|kept| kept.len() as u64 == chunk.rows);
        !self.is_cut_again && self.keys.is_empty() && all_kept
    }

    /// Whether the first row of the chunk is another now, or is gone.
    pub(super) fn changes_first(&self, chunk: &ChunkRef) -> bool {
        let first = &chunk.first_key;
        let is_written = self.keys.first().is_some_and(|key| key <= first);
        let is_gone = self.kept.as_ref().is_some_and(|kept| kept.first() != Some(first));
        is_written || is_gone
    }

    /// The rows that there are now.
    pub(super) fn merge(self, of: &Key, rows: &RowBatch) -> Result<RowBatch, Stop> {
        let key_of = |row: usize| {
            let mut key = Vec::new();
            key::encode(of, rows, row, &mut key).map_err(|_| Stop::ReadAll(Why::NoShortWay))?;
            Ok::<_, Stop>(key)
        };
        if rows.is_empty() {
            return Err(Stop::ReadAll(Why::NoShortWay));
        }
        // What more was written lies behind all of these rows, or all would have to be held in memory.
        if self.has_more && self.keys.last() <= Some(&key_of(rows.rows() - 1)?) {
            return Err(Stop::ReadAll(Why::NoShortWay));
        }
        match &self.kept {
            None => self.merge_written(rows, key_of),
            Some(kept) => self.merge_kept(kept, rows, key_of),
        }
    }

    /// Puts the written rows in, each in its place or in that of the row of its key. They are few: their places are searched for.
    fn merge_written(
        &self,
        rows: &RowBatch,
        key_of: impl Fn(usize) -> Result<Vec<u8>, Stop>,
    ) -> Result<RowBatch, Stop> {
        let mut merged = rows.emptied();
        let mut from = 0;
        for (at, key) in self.keys.iter().enumerate() {
            let (mut low, mut high, mut is_replaced) = (from, rows.rows(), false);
            while low < high {
                let middle = low + (high - low) / 2;
                match key_of(middle)?.cmp(key) {
                    Ordering::Less => low = middle + 1,
                    Ordering::Equal => (low, high, is_replaced) = (middle, middle, true),
                    Ordering::Greater => high = middle,
                }
            }
            merged.extend(rows, from..low);
            merged.extend(&self.written, at..at + 1);
            from = low + usize::from(is_replaced);
        }
        merged.extend(rows, from..rows.rows());
        Ok(merged)
    }

    /// The rows that were kept and those that were written, which are others.
    fn merge_kept(
        &self,
        kept: &[Vec<u8>],
        rows: &RowBatch,
        key_of: impl Fn(usize) -> Result<Vec<u8>, Stop>,
    ) -> Result<RowBatch, Stop> {
        let mut merged = rows.emptied();
        let (mut at, mut kept_at) = (0, 0);
        // Rows that follow one another are taken together.
        let mut run = 0..0;
        for row in 0..rows.rows() {
            let this = key_of(row)?;
            let before = at;
            while self.keys.get(at).is_some_and(|key| *key < this) {
                at += 1;
            }
            if before < at {
                merged.extend(rows, std::mem::replace(&mut run, row..row));
                merged.extend(&self.written, before..at);
            }
            if kept.get(kept_at) == Some(&this) {
                kept_at += 1;
                run.end = row + 1;
            } else {
                merged.extend(rows, std::mem::replace(&mut run, row + 1..row + 1));
            }
        }
        // A row that the database says it did not write was not there.
        if kept_at < kept.len() {
            return Err(Stop::ReadAll(Why::Contradiction));
        }
        merged.extend(rows, run);
        merged.extend(&self.written, at..self.written.rows());
        Ok(merged)
    }

    /// The rows that there are now where there were none.
    pub(super) fn into_rows(self) -> Result<RowBatch, Stop> {
        match self.kept {
            Some(kept) if !kept.is_empty() => Err(Stop::ReadAll(Why::Contradiction)),
            _ => Ok(self.written),
        }
    }
}
