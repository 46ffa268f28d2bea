//! Finding rows of a table of a snapshot by their keys: only chunks that can hold one of them are read.

use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES};
use rowkeep_format::{ChunkId, FormatError, Key, RowBatch, Table, TableEntry, key};
use rowkeep_repository::Reader;

use crate::background::Background;
use crate::context::SMALL_BYTES;
use crate::state::reader::{read_chunk, read_node};
use crate::{Context, Error};

/// Finds all rows that have one of these keys, in key order.
///
/// `table` is the table as the snapshot has it; `keys` are encoded as its key has them, in order and each once. Where its
/// key is not unique, every row of a key comes.
pub(crate) async fn rows_by_keys(
    context: &Context,
    reader: &Arc<Reader>,
    table: &Table,
    entry: &TableEntry,
    keys: &[Vec<u8>],
) -> Result<RowBatch, Error> {
    let chunks = Search { reader, unique: table.key.unique, keys }.chunks(entry).await?;
    let mut found = RowBatch::new(table.columns.len());
    let table = Arc::new(table.clone());
    let mut read = futures::stream::iter(chunks)
        .map(|(chunk, range)| {
            let (context, reader, table) = (context.clone(), Arc::clone(reader), Arc::clone(&table));
            let is_small = chunk.bytes <= SMALL_BYTES as u64;
            let read = async move {
                let rows = rows_of(&context, &reader, &chunk, &table).await?;
                Ok::<_, Error>((chunk.id, rows, range))
            };
            if is_small { Background::here(read) } else { Background::spawn(read) }
        })
        .buffered(context.cores() + 2);
    while let Some((id, rows, range)) = read.try_next().await? {
        take(&table.key, &rows, &keys[range], &mut found).map_err(damaged(id, &table))?;
    }
    Ok(found)
}

/// Reads a chunk of rows, and holds it against the table.
pub(super) async fn rows_of(
    context: &Context,
    reader: &Reader,
    chunk: &ChunkRef,
    table: &Table,
) -> Result<RowBatch, Error> {
    let rows = read_chunk(context, reader, chunk, &table.name.to_string()).await?;
    match rows.columns().len() == table.columns.len() {
        true => Ok(rows),
        false => Err(damaged(chunk.id, table)(FormatError::Malformed("its rows"))),
    }
}

/// What is wrong with a chunk of a table.
pub(super) fn damaged(chunk: ChunkId, table: &Table) -> impl FnOnce(FormatError) -> Error + use<> {
    Error::content(format!("chunk {chunk} of table {}", table.name))
}

/// A search for some keys, which stand in order.
pub(super) struct Search<'a> {
    pub(super) reader: &'a Reader,
    /// Whether no two rows have one key.
    pub(super) unique: bool,
    pub(super) keys: &'a [Vec<u8>],
}

impl Search<'_> {
    /// The chunks of a table that can hold some of the keys, with the range of those keys.
    pub(super) async fn chunks(&self, entry: &TableEntry) -> Result<Vec<(ChunkRef, Range<usize>)>, Error> {
        let level = u64::from(entry.root.levels).saturating_sub(1);
        let mut chunks = Vec::new();
        self.below(entry.root.hash, level, 0..self.keys.len(), &mut chunks).await?;
        Ok(chunks)
    }

    /// Lists the chunks of rows below a node that can hold some of the keys, with the range of those keys.
    fn below<'s>(
        &'s self,
        id: ChunkId,
        level: u64,
        range: Range<usize>,
        out: &'s mut Vec<(ChunkRef, Range<usize>)>,
    ) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let entries = read_node(self.reader, id, level).await?;
            for (entry, inside) in candidates(&entries, &self.keys[range.clone()], self.unique) {
                let inside = range.start + inside.start..range.start + inside.end;
                match level {
                    0 => out.push((entry.clone(), inside)),
                    _ => self.below(entry.id, level - 1, inside, out).await?,
                }
            }
            Ok(())
        })
    }
}

/// The entries of a node below which some of the keys can be, with the range of those keys.
fn candidates<'e>(
    entries: &'e [ChunkRef],
    keys: &'e [Vec<u8>],
    unique: bool,
) -> impl Iterator<Item = (&'e ChunkRef, Range<usize>)> {
    let inside = move |(at, entry): (usize, &'e ChunkRef)| {
        let next = entries.get(at + 1).map(|next| next.first_key.as_slice());
        (entry, within(keys, &entry.first_key, next, unique))
    };
    entries.iter().enumerate().map(inside).filter(|(_, inside)| !inside.is_empty())
}

/// The keys that can be in a chunk or below a node, by its first key and that of the next.
///
/// Of a long first key only the beginning was kept, which sorts before the key: then longer keys that begin with it can be
/// on either side. (A whole key is never the beginning of another, so one that equals what was kept is the first key
/// itself.) Where keys repeat, a chunk can begin with the key that
/// the one before ends with.
pub(super) fn within(keys: &[Vec<u8>], first: &[u8], next: Option<&[u8]>, unique: bool) -> Range<usize> {
    let start = keys.partition_point(|key| key.as_slice() < first);
    let Some(next) = next else { return start..keys.len() };
    let is_cut_off = next.len() >= MAX_KEY_BYTES;
    let end = keys.partition_point(|key| {
        key.as_slice() < next
            || (!unique && key == next)
            || (is_cut_off && key.len() > next.len() && key.starts_with(next))
    });
    start..end.max(start)
}

/// Takes the rows that have one of these keys out of rows that stand in the order of their keys.
pub(super) fn take(
    key: &Key,
    rows: &RowBatch,
    keys: &[Vec<u8>],
    out: &mut RowBatch,
) -> Result<(), FormatError> {
    let mut encoded = Vec::new();
    let mut encode = |row: usize| -> Result<Vec<u8>, FormatError> {
        encoded.clear();
        key::encode(key, rows, row, &mut encoded)?;
        Ok(std::mem::take(&mut encoded))
    };
    let mut start = 0;
    for wanted in keys {
        let (mut low, mut high) = (start, rows.rows());
        while low < high {
            let middle = low + (high - low) / 2;
            if encode(middle)? < *wanted { low = middle + 1 } else { high = middle }
        }
        start = low;
        while start < rows.rows() && encode(start)? == *wanted {
            start += 1;
        }
        out.extend(rows, low..start);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&[u8]]) -> Vec<Vec<u8>> {
        keys.iter().map(|key| key.to_vec()).collect()
    }

    #[test]
    fn whole_first_keys_tell_where_a_key_is() {
        let keys = keys(&[b"a", b"b", b"c", b"d", b"z"]);
        assert_eq!(within(&keys, b"b", Some(b"d"), true), 1..3);
        assert_eq!(within(&keys, b"d", None, true), 3..5);
        assert_eq!(within(&keys, b"e", Some(b"f"), true), 4..4);
        assert_eq!(within(&keys, b"b", Some(b"d"), false), 1..4);
    }

    #[test]
    fn first_keys_that_were_cut_off_leave_keys_on_both_sides() {
        let long = |last: &[u8]| [&[b'k'; MAX_KEY_BYTES], last].concat();
        let keys = vec![b"a".to_vec(), long(b"a"), long(b"b"), b"z".to_vec()];
        assert_eq!(within(&keys, b"a", Some(&long(b"")), true), 0..3);
        assert_eq!(within(&keys, &long(b""), Some(b"z"), true), 1..3);
    }

    fn entry(number: u8, first_key: &[u8]) -> ChunkRef {
        let first_key = first_key[..first_key.len().min(MAX_KEY_BYTES)].to_vec();
        ChunkRef { id: ChunkId([number; 32]), rows: 1, bytes: 1, first_key }
    }

    fn looked_into(entries: &[ChunkRef], wanted: &[u8]) -> Vec<u8> {
        candidates(entries, &[wanted.to_vec()], true).map(|(entry, _)| entry.id.0[0]).collect()
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
    fn first_keys_that_were_cut_off_leave_several() {
        let long = |last: &[u8]| [&[b'k'; MAX_KEY_BYTES], last].concat();
        let entries = [entry(1, b"a"), entry(2, &long(b"b")), entry(3, &long(b"d")), entry(4, b"z")];
        assert_eq!(looked_into(&entries, &long(b"c")), [1, 2, 3]);
        assert_eq!(looked_into(&entries, &long(b"")), [3]);
        assert_eq!(looked_into(&entries, b"l"), [3]);
        assert_eq!(looked_into(&entries, b"kk"), [1]);
    }

    #[test]
    fn every_row_of_a_key_is_taken() {
        use rowkeep_format::Value;

        let key = Key::whole_row(1);
        let mut rows = RowBatch::new(1);
        [1, 2, 2, 2, 5].iter().for_each(|number| rows.push_row([Value::Integer(*number)]));
        let encoded = |number: i64| {
            let mut row = RowBatch::new(1);
            row.push_row([Value::Integer(number)]);
            let mut encoded = Vec::new();
            key::encode(&key, &row, 0, &mut encoded).expect("numbers have a form");
            encoded
        };
        let mut out = RowBatch::new(1);
        take(&key, &rows, &[2, 3, 5].map(encoded), &mut out).expect("numbers have a form");
        assert_eq!(
            (0..out.rows()).map(|row| out.value(row, 0)).collect::<Vec<_>>(),
            [2, 2, 2, 5].map(Value::Integer)
        );
    }
}
