use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rowkeep_format::RowBatch;
use rowkeep_format::batch::{ColumnValues, Kind};

use super::run::memory_bytes;
use crate::{EngineError, ErrorKind};

/// The size at which a block ends: what a merge holds of each run.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// A temporary file of sorted runs, each a sequence of blocks of rows.
///
/// A block is its length, number of rows and columns (8 bytes each, little endian), then for each column the kinds (one
/// byte a row), the ends (4 bytes a row), the length of the data (8 bytes) and the data. It never outlives the process.
pub(super) struct Spill {
    table: String,
    folder: PathBuf,
    file: File,
    runs: Vec<Range<u64>>,
    end: u64,
    largest_block_bytes: usize,
    buffer: Vec<u8>,
}

impl Spill {
    /// Makes an anonymous temporary file in `folder`, or in the system's folder for such.
    pub(super) fn create(table: &str, folder: Option<&Path>) -> Result<Self, EngineError> {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        let file = tempfile::tempfile_in(&folder).map_err(|error| failure(table, &folder, error))?;
        Ok(Self {
            table: table.to_owned(),
            folder,
            file,
            runs: Vec::new(),
            end: 0,
            largest_block_bytes: 0,
            buffer: Vec::new(),
        })
    }

    /// Another file like this one, empty, for the next pass.
    pub(super) fn another(&self) -> Result<Self, EngineError> {
        Self::create(&self.table, Some(&self.folder))
    }

    /// Where each run is.
    pub(super) fn runs(&self) -> &[Range<u64>] {
        &self.runs
    }

    /// What the largest block takes in memory.
    pub(super) fn largest_block_bytes(&self) -> usize {
        self.largest_block_bytes
    }

    /// What is written from here on is a new run.
    pub(super) fn begin_run(&mut self) {
        self.runs.push(self.end..self.end);
    }

    /// Adds a block to the last run.
    ///
    /// # Panics
    /// When no run was begun.
    pub(super) fn write(&mut self, batch: &RowBatch) -> Result<(), EngineError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        serialize(batch, &mut buffer);
        let written = self.file.write_all(&buffer);
        written.map_err(|error| failure(&self.table, &self.folder, error))?;
        self.end += buffer.len() as u64;
        self.largest_block_bytes = self.largest_block_bytes.max(memory_bytes(batch));
        self.runs.last_mut().expect("a run was begun").end = self.end;
        // A block of one huge row is not worth keeping the memory for.
        if buffer.capacity() <= 4 * BLOCK_BYTES {
            self.buffer = buffer;
        }
        Ok(())
    }

    /// Reads the block at the beginning of `run` and moves the beginning behind it; nothing when the run is at its end.
    pub(super) fn read(&mut self, run: &mut Range<u64>) -> Result<Option<RowBatch>, EngineError> {
        if run.is_empty() {
            return Ok(None);
        }
        let read = self.read_block(run);
        read.map(Some).map_err(|error| failure(&self.table, &self.folder, error))
    }

    fn read_block(&mut self, run: &mut Range<u64>) -> io::Result<RowBatch> {
        self.file.seek(SeekFrom::Start(run.start))?;
        let mut header = [0; 24];
        self.file.read_exact(&mut header)?;
        let mut fields = header.chunks_exact(8).map(|field| number(field) as usize);
        let (Some(length), Some(rows), Some(columns)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(malformed());
        };
        let mut block = vec![0; length];
        self.file.read_exact(&mut block)?;
        run.start += (header.len() + length) as u64;
        deserialize(&block, rows, columns).ok_or_else(malformed)
    }
}

fn serialize(batch: &RowBatch, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&(batch.rows() as u64).to_le_bytes());
    out.extend_from_slice(&(batch.columns().len() as u64).to_le_bytes());
    let start = out.len();
    for column in batch.columns() {
        out.extend(column.kinds().iter().map(|kind| *kind as u8));
        out.extend(column.ends().iter().flat_map(|end| end.to_le_bytes()));
        out.extend_from_slice(&(column.data().len() as u64).to_le_bytes());
        out.extend_from_slice(column.data());
    }
    let length = (out.len() - start) as u64;
    out[..8].copy_from_slice(&length.to_le_bytes());
}

fn deserialize(mut block: &[u8], rows: usize, columns: usize) -> Option<RowBatch> {
    let mut take = |length: usize| {
        let (taken, rest) = block.split_at_checked(length)?;
        block = rest;
        Some(taken)
    };
    let mut values = Vec::with_capacity(columns);
    for _ in 0..columns {
        let kinds = take(rows)?;
        let ends = take(rows.checked_mul(4)?)?;
        let length = number(take(8)?) as usize;
        let data = take(length)?;
        let mut column = ColumnValues::default();
        let mut start = 0;
        for (kind, end) in kinds.iter().zip(ends.as_chunks::<4>().0) {
            let end = u32::from_le_bytes(*end) as usize;
            column.data_mut().extend_from_slice(data.get(start..end)?);
            column.end_value(Kind::from_code(*kind)?);
            start = end;
        }
        values.push(column);
    }
    RowBatch::from_columns(values, rows)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what was read back is not what was written")
}

fn failure(table: &str, folder: &Path, error: io::Error) -> EngineError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let (kind, what) = if full {
        (ErrorKind::DiskFull, "no room is left")
    } else {
        (ErrorKind::Other, "a temporary file fails")
    };
    EngineError::new(kind, format!("sorting {table}: {what} in {}", folder.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use rowkeep_format::Value;

    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let kind = |kind: io::ErrorKind| failure("t", Path::new("/x"), kind.into()).kind();
        assert_eq!(kind(io::ErrorKind::StorageFull), ErrorKind::DiskFull);
        assert_eq!(kind(io::ErrorKind::QuotaExceeded), ErrorKind::DiskFull);
        assert_eq!(kind(io::ErrorKind::PermissionDenied), ErrorKind::Other);
    }

    #[test]
    fn blocks_that_are_cut_off_or_flipped_never_panic() {
        let mut batch = RowBatch::new(2);
        batch.push_row([Value::Integer(7), Value::Text(b"seven")]);
        batch.push_row([Value::Null, Value::Blob(b"")]);
        let mut block = Vec::new();
        serialize(&batch, &mut block);
        let block = &block[24..];
        assert_eq!(deserialize(block, 2, 2).as_ref(), Some(&batch));
        for length in 0..block.len() {
            assert_eq!(deserialize(&block[..length], 2, 2), None);
        }
        for place in 0..block.len() {
            let mut flipped = block.to_vec();
            flipped[place] ^= 0xff;
            let _ = deserialize(&flipped, 2, 2);
        }
    }
}
