//! Which rows of a table stand elsewhere in a dump than they belong by their key.
//!
//! A server gives rows in the order in which it keeps them: mostly that of the key, but for rows that were changed since. So all
//! rows are read once for their keys alone, and then those few are put in where they belong.

use memchr::memchr;
use rowkeep_format::{RowBatch, Table, Value, key};
use tokio_util::sync::CancellationToken;

use super::contents::Form;
use super::copied::lines;
use super::output::{Ended, Shape};
use super::settings::{Printed, alike};
use super::state::TableRows;
use crate::postgres::copy_text::decode;
use crate::sort::displaced::{Finder, Interleave};

/// Rows of fewer bytes are sorted at once in memory.
const FEW_BYTES: u64 = 1 << 20;

/// So many bytes of displaced rows are held at most.
const MOST_BYTES: usize = 8 << 20;

/// Between so many rows is looked whether anybody still wants to know.
const ROWS_BETWEEN: u64 = 4096;

/// Finds the rows that stand elsewhere than they belong. Nothing where rows had better be sorted as a whole, and where something
/// is wrong with them, which is told when they are read.
pub(super) fn find(rows: &TableRows, table: &Table, stop: &CancellationToken) -> Option<Interleave> {
    let bytes: u64 = rows.data.iter().map(|data| data.place.bytes()).sum();
    let is_copied = rows.data.iter().all(|data| data.form == Form::Copy);
    if !table.key.unique || !is_copied || bytes < FEW_BYTES {
        return None;
    }
    let mut keys = Keys::new(table, &rows.shape);
    let mut finder = Finder::new(MOST_BYTES);
    let mut found = Vec::new();
    for data in &rows.data {
        let ended = lines(data, data.place.open().ok()?, |number, line| {
            found.clear();
            let is_wanted = number % ROWS_BETWEEN != 0 || !stop.is_cancelled();
            Ok(is_wanted && keys.put(line, &mut found).is_some() && finder.next(&found, line))
        });
        match ended {
            Ok(Ended::Well) => {}
            Ok(Ended::Unwanted) | Err(_) => return None,
        }
    }
    let (places, lines): (Vec<u64>, Vec<Vec<u8>>) = finder.displaced().into_iter().unzip();
    let mut displaced = RowBatch::new(rows.shape.columns);
    for line in lines {
        decode::row(&line, &mut displaced).ok()?;
    }
    let displaced = alike(displaced, &rows.shape.printed).ok()?;
    Interleave::new(&table.key, places, displaced).ok()
}

/// The keys of rows that are lines of `COPY`.
struct Keys<'t> {
    table: &'t Table,
    shape: &'t Shape,
    /// Whether values of the key are as a live database gives them.
    is_alike: bool,
    /// The fields up to the last one of the key: where each ends.
    fields: usize,
    ends: Vec<usize>,
}

impl<'t> Keys<'t> {
    fn new(table: &'t Table, shape: &'t Shape) -> Self {
        let columns = || table.key.columns.iter().map(|part| part.column);
        let is_alike =
            |column: usize| matches!(shape.printed.get(column), None | Some(Printed::Alike | Printed::Of(_)));
        let fields = columns().max().map_or(0, |last| last + 1);
        Self { table, shape, is_alike: columns().all(is_alike), fields, ends: Vec::with_capacity(fields) }
    }

    /// Adds the key of a row; nothing where it has none.
    fn put(&mut self, line: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if self.is_alike && self.put_quickly(line, out).is_some() {
            return Some(());
        }
        out.clear();
        let mut row = RowBatch::new(self.shape.columns);
        decode::row(line, &mut row).ok()?;
        let row = alike(row, &self.shape.printed).ok()?;
        key::encode(&self.table.key, &row, 0, out).ok()
    }

    /// The same without looking at the other fields. Nothing where there are escapes.
    fn put_quickly(&mut self, line: &[u8], out: &mut Vec<u8>) -> Option<()> {
        self.ends.clear();
        let mut start = 0;
        for _ in 0..self.fields {
            let end = memchr(b'\t', &line[start..]).map_or(line.len() - 1, |length| start + length);
            self.ends.push(end);
            start = (end + 1).min(line.len());
        }
        let field = |column: usize| {
            let start = if column == 0 { 0 } else { self.ends[column - 1] + 1 };
            line.get(start..self.ends[column])
        };
        let parts = &self.table.key.columns;
        if parts.iter().any(|part| field(part.column).is_none_or(|field| memchr(b'\\', field).is_some())) {
            return None;
        }
        let values = parts.iter().filter_map(|part| field(part.column).map(Value::Text));
        key::encode_values(&self.table.key, values, out).ok()
    }
}
