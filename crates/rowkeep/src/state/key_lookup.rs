//! Finding rows of a table of a snapshot by their keys: only chunks that can hold one of them are read.

use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES};
use rowkeep_format::{ChunkId, FormatError, Key, RowBatch, Table, TableEntry, key};
use rowkeep_repository::Reader;
use tokio_util::task::AbortOnDropHandle;

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
    let level = u64::from(entry.root.levels).saturating_sub(1);
    let search = Search { reader, unique: table.key.unique, keys };
    let mut chunks = Vec::new();
    search.below(entry.root.hash, level, 0..keys.len(), &mut chunks).await?;
    let mut found = RowBatch::new(table.columns.len());
    let name = Arc::new(table.name.to_string());
    let mut read = futures::stream::iter(chunks)
        .map(|(chunk, range)| {
            let (context, reader, name) = (context.clone(), Arc::clone(reader), Arc::clone(&name));
            let task = tokio::spawn(async move {
                let rows = read_chunk(&context, &reader, &chunk, &name).await?;
                Ok::<_, Error>((chunk.id, rows, range))
            });
            let task = AbortOnDropHandle::new(task);
            async move { task.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())) }
        })
        .buffered(context.cores() + 2);
    while let Some((id, rows, range)) = read.try_next().await? {
        let wrong = || Error::content(format!("chunk {id} of table {}", table.name));
        if rows.columns().len() != table.columns.len() {
            return Err(wrong()(FormatError::Malformed("its rows")));
        }
        take(&table.key, &rows, &keys[range], &mut found).map_err(wrong())?;
    }
    Ok(found)
}

struct Search<'a> {
    reader: &'a Reader,
    unique: bool,
    keys: &'a [Vec<u8>],
}

impl Search<'_> {
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
            for (at, entry) in entries.iter().enumerate() {
                let next = entries.get(at + 1).map(|next| next.first_key.as_slice());
                let inside = within(&self.keys[range.clone()], &entry.first_key, next, self.unique);
                if inside.is_empty() {
                    continue;
                }
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

/// The keys that can be in a chunk or below a node, by its first key and that of the next.
///
/// Of a long first key only the beginning was kept, which sorts before the key: then keys that begin with it can be on
/// either side. (A whole key is never the beginning of another.) Where keys repeat, a chunk can begin with the key that
/// the one before ends with.
fn within(keys: &[Vec<u8>], first: &[u8], next: Option<&[u8]>, unique: bool) -> Range<usize> {
    let start = keys.partition_point(|key| key.as_slice() < first);
    let Some(next) = next else { return start..keys.len() };
    let is_cut_off = next.len() >= MAX_KEY_BYTES;
    let end = keys.partition_point(|key| {
        key.as_slice() < next || (!unique && key == next) || (is_cut_off && key.starts_with(next))
    });
    start..end.max(start)
}

/// Takes the rows that have one of these keys out of rows that stand in the order of their keys.
fn take(key: &Key, rows: &RowBatch, keys: &[Vec<u8>], out: &mut RowBatch) -> Result<(), FormatError> {
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
