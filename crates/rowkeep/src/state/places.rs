//! Rows of a table of a snapshot by their places: the first, the second, and so on, in the order of their keys.

use std::sync::Arc;

use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{FormatError, Key, RowBatch, Table, TableEntry, key};
use rowkeep_repository::Reader;

use super::key_lookup::{damaged, rows_of, within};
use super::reader::read_node;
use crate::{Context, Error};

/// How much is read at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    /// So many rows.
    pub(crate) rows: usize,
    /// Rows until they are of so many bytes together; the last may be larger.
    pub(crate) bytes: usize,
}

/// The rows that come after the first so many. Only the chunks are read that hold them.
pub(crate) async fn rows_after(
    context: &Context,
    reader: &Arc<Reader>,
    table: &Table,
    entry: &TableEntry,
    after: u64,
    most: Most,
) -> Result<RowBatch, Error> {
    let mut found = RowBatch::new(table.columns.len());
    let is_full = |found: &RowBatch| found.rows() >= most.rows || found.bytes() >= most.bytes;
    let mut nodes = vec![(entry.root.hash, u64::from(entry.root.levels).saturating_sub(1), 0)];
    while let Some((id, level, mut before)) = nodes.pop() {
        let mut inside = Vec::new();
        for below in read_node(reader, id, level).await? {
            let first: u64 = before;
            before = first.saturating_add(below.rows);
            if before <= after {
                continue;
            }
            if level > 0 {
                inside.push((below.id, level - 1, first));
                continue;
            }
            let rows = rows_of(context, reader, &below, table).await?;
            let passed_over = usize::try_from(after.saturating_sub(first)).unwrap_or(usize::MAX);
            for row in passed_over..rows.rows() {
                if is_full(&found) {
                    return Ok(found);
                }
                found.extend(&rows, row..row + 1);
            }
            if is_full(&found) {
                return Ok(found);
            }
        }
        nodes.extend(inside.into_iter().rev());
    }
    Ok(found)
}

/// How many rows stand before the place of a key, whether it is there or not. The table's rows stand in the order of that key.
///
/// Only those chunks are read that can hold the place.
pub(crate) async fn rows_before(
    context: &Context,
    reader: &Arc<Reader>,
    table: &Table,
    entry: &TableEntry,
    wanted: &[u8],
) -> Result<u64, Error> {
    let mut place = 0;
    for (before, chunk) in candidates(reader, table, entry, wanted).await?.iter().rev() {
        let rows = rows_of(context, reader, chunk, table).await?;
        let smaller = smaller(&table.key, &rows, wanted).map_err(damaged(chunk.id, table))?;
        if place > 0 && smaller == rows.rows() {
            // The one after it begins at the place.
            break;
        }
        place = before.saturating_add(smaller as u64);
        if smaller > 0 {
            break;
        }
    }
    Ok(place)
}

/// The chunks that a key can be in, and how many rows stand before each.
async fn candidates(
    reader: &Reader,
    table: &Table,
    entry: &TableEntry,
    wanted: &[u8],
) -> Result<Vec<(u64, ChunkRef)>, Error> {
    let keys = [wanted.to_vec()];
    let mut chunks = Vec::new();
    let mut nodes = vec![(entry.root.hash, u64::from(entry.root.levels).saturating_sub(1), 0)];
    while let Some((id, level, mut before)) = nodes.pop() {
        let entries = read_node(reader, id, level).await?;
        let mut inside = Vec::new();
        for (at, below) in entries.iter().enumerate() {
            let first: u64 = before;
            before = first.saturating_add(below.rows);
            let next = entries.get(at + 1).map(|next| next.first_key.as_slice());
            if within(&keys, &below.first_key, next, table.key.unique).is_empty() {
                continue;
            }
            match level {
                0 => chunks.push((first, below.clone())),
                _ => inside.push((below.id, level - 1, first)),
            }
        }
        nodes.extend(inside.into_iter().rev());
    }
    Ok(chunks)
}

/// How many rows, which stand in the order of their keys, have a smaller key than this.
fn smaller(key: &Key, rows: &RowBatch, wanted: &[u8]) -> Result<usize, FormatError> {
    let (mut low, mut high) = (0, rows.rows());
    let mut encoded = Vec::new();
    while low < high {
        let middle = low + (high - low) / 2;
        encoded.clear();
        key::encode(key, rows, middle, &mut encoded)?;
        if encoded.as_slice() < wanted { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use rowkeep_format::Value;

    use super::*;

    #[test]
    fn keys_have_their_place_among_rows() {
        let key = Key { unique: true, ..Key::whole_row(1) };
        let mut rows = RowBatch::new(1);
        [3, 5, 9].iter().for_each(|number| rows.push_row([Value::Integer(*number)]));
        for (number, place) in [(1, 0), (3, 0), (4, 1), (5, 1), (6, 2), (9, 2), (10, 3)] {
            let mut row = RowBatch::new(1);
            row.push_row([Value::Integer(number)]);
            let mut wanted = Vec::new();
            key::encode(&key, &row, 0, &mut wanted).expect("numbers have a form");
            assert_eq!(smaller(&key, &rows, &wanted).expect("numbers have a form"), place, "{number}");
        }
    }
}
