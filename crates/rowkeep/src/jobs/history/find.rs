//! Finding one row of a table of a snapshot by the first keys of its chunks.

use std::cmp::Ordering;

use futures::future::BoxFuture;
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES, TableRoot};
use rowkeep_format::{ChunkId, FormatError, Key, RowBatch, Table, chunk, key};
use rowkeep_repository::Reader;

use crate::Error;
use crate::state::reader::read_node;

/// What a search below some node or chunk found.
#[derive(Debug, Clone)]
enum Found {
    /// The row, as a batch of one.
    Row(RowBatch),
    /// Its place, without it.
    Nothing,
    /// Everything here comes after it.
    Before,
}

/// Looks for rows, and remembers the last table and chunk it looked into.
#[derive(Default)]
pub(super) struct Finder {
    last: Option<Last>,
}

struct Last {
    key: Key,
    columns: usize,
    wanted: Vec<u8>,
    root: ChunkId,
    found: Option<RowBatch>,
    /// The last chunk that was read.
    chunk: Option<(ChunkId, Found)>,
}

impl Finder {
    /// The row of a table that has this key.
    pub(super) async fn find(
        &mut self,
        reader: &Reader,
        table: &Table,
        root: &TableRoot,
        wanted: &[u8],
    ) -> Result<Option<RowBatch>, Error> {
        let last = self.last.take().filter(|last| {
            last.key == table.key && last.columns == table.columns.len() && last.wanted == wanted
        });
        let mut last = last.unwrap_or_else(|| Last {
            key: table.key.clone(),
            columns: table.columns.len(),
            wanted: wanted.to_vec(),
            root: ChunkId([0; ChunkId::LEN]),
            found: None,
            chunk: None,
        });
        if last.root != root.hash {
            let level = u64::from(root.levels).saturating_sub(1);
            last.found = match below(reader, table, root.hash, level, &mut last).await? {
                Found::Row(row) => Some(row),
                Found::Nothing | Found::Before => None,
            };
            last.root = root.hash;
        }
        let found = last.found.clone();
        self.last = Some(last);
        Ok(found)
    }
}

/// Searches below a node.
fn below<'a>(
    reader: &'a Reader,
    table: &'a Table,
    id: ChunkId,
    level: u64,
    last: &'a mut Last,
) -> BoxFuture<'a, Result<Found, Error>> {
    Box::pin(async move {
        let entries = read_node(reader, id, level).await?;
        for entry in candidates(&entries, &last.wanted) {
            let found = match level {
                0 => in_chunk(reader, table, entry, last).await?,
                _ => below(reader, table, entry.id, level - 1, last).await?,
            };
            if !matches!(found, Found::Before) {
                return Ok(found);
            }
        }
        Ok(Found::Before)
    })
}

/// The entries below which a key may be, in the order in which they have to be looked into.
///
/// That is the last one that surely begins at or before the key; and before it, the last first, those of which that
/// cannot be told because only the beginning of their first key was kept.
/// (A whole key is never the beginning of another, so one that equals what was kept is the first key itself.)
fn candidates<'e>(entries: &'e [ChunkRef], wanted: &[u8]) -> impl Iterator<Item = &'e ChunkRef> + use<'e> {
    let end = entries.partition_point(|entry| entry.first_key.as_slice() <= wanted);
    let begins_surely = |entry: &ChunkRef| {
        entry.first_key.len() < MAX_KEY_BYTES
            || !wanted.starts_with(&entry.first_key)
            || entry.first_key == wanted
    };
    let start = entries[..end].iter().rposition(begins_surely).unwrap_or(0);
    entries[start..end].iter().rev()
}

async fn in_chunk(reader: &Reader, table: &Table, entry: &ChunkRef, last: &mut Last) -> Result<Found, Error> {
    if let Some((id, found)) = &last.chunk
        && *id == entry.id
    {
        return Ok(found.clone());
    }
    let plain = reader.read(&entry.id).await?;
    let wrong = || Error::content(format!("chunk {} of table {}", entry.id, table.name));
    let batch = chunk::decode_rows(&plain).map_err(wrong())?;
    if batch.rows() as u64 != entry.rows || batch.columns().len() != table.columns.len() {
        return Err(wrong()(FormatError::Malformed("its rows")));
    }
    let found = search(&table.key, &batch, &last.wanted).map_err(wrong())?;
    last.chunk = Some((entry.id, found.clone()));
    Ok(found)
}

/// Searches rows that stand in the order of their keys.
fn search(key: &Key, batch: &RowBatch, wanted: &[u8]) -> Result<Found, FormatError> {
    let (mut low, mut high) = (0, batch.rows());
    let mut encoded = Vec::new();
    while low < high {
        let middle = low + (high - low) / 2;
        encoded.clear();
        key::encode(key, batch, middle, &mut encoded)?;
        match encoded.as_slice().cmp(wanted) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => {
                let mut row = RowBatch::new(batch.columns().len());
                row.extend(batch, middle..middle + 1);
                return Ok(Found::Row(row));
            }
        }
    }
    Ok(if low == 0 { Found::Before } else { Found::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, first_key: &[u8]) -> ChunkRef {
        let first_key = first_key[..first_key.len().min(MAX_KEY_BYTES)].to_vec();
        ChunkRef { id: ChunkId([number; 32]), rows: 1, bytes: 1, first_key }
    }

    fn looked_into(entries: &[ChunkRef], wanted: &[u8]) -> Vec<u8> {
        candidates(entries, wanted).map(|entry| entry.id.0[0]).collect()
    }

    #[test]
    fn one_entry_is_looked_into_where_first_keys_are_whole() {
        let entries = [entry(1, b"b"), entry(2, b"d"), entry(3, b"f")];
        assert!(looked_into(&entries, b"a").is_empty());
        assert_eq!(looked_into(&entries, b"b"), [1]);
        assert_eq!(looked_into(&entries, b"c"), [1]);
        assert_eq!(looked_into(&entries, b"f"), [3]);
        assert_eq!(looked_into(&entries, b"z"), [3]);
    }

    #[test]
    fn truncated_first_keys_leave_several() {
        let long = |last: &[u8]| [&[b'k'; MAX_KEY_BYTES], last].concat();
        let entries = [entry(1, b"a"), entry(2, &long(b"b")), entry(3, &long(b"d")), entry(4, b"z")];
        assert_eq!(looked_into(&entries, &long(b"c")), [3, 2, 1]);
        assert_eq!(looked_into(&entries, &long(b"")), [3]);
        assert_eq!(looked_into(&entries, b"l"), [3]);
        assert_eq!(looked_into(&entries, b"kk"), [1]);
    }
}
