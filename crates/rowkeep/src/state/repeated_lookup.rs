//! Finding one row in one snapshot after another.

use std::collections::HashMap;

use rowkeep_format::{ChunkId, FormatError, Key, RowBatch, Table, TableEntry, key};
use rowkeep_repository::Reader;

use super::key_lookup::{Search, damaged, rows_of, take};
use super::reader::read_node;
use crate::{Context, Error};

/// Looks for rows in one snapshot after another, and reads nothing again that is as it was in the one before.
#[derive(Default)]
pub(crate) struct RepeatedLookup {
    last: Option<Lookup>,
}

/// What was looked for last, and what was found.
struct Lookup {
    key: Key,
    columns: usize,
    wanted: Vec<u8>,
    root: Option<ChunkId>,
    found: Option<RowBatch>,
    /// What the chunks told that were looked into.
    chunks: HashMap<ChunkId, InChunk>,
}

/// What a chunk tells of a row.
#[derive(Debug, Clone)]
enum InChunk {
    /// The row, as a batch of one.
    Row(RowBatch),
    /// It is in no chunk.
    Nowhere,
    /// All rows of the chunk come after it, so it may be in one before.
    Before,
}

impl RepeatedLookup {
    /// The row of a table that is identified by this key, as what identifies its rows has it.
    ///
    /// Where chunks stand in the order of that key, only those on the way to the row are read; else all are, until it is
    /// found.
    pub(crate) async fn find(
        &mut self,
        context: &Context,
        reader: &Reader,
        table: &Table,
        entry: &TableEntry,
        wanted: &[u8],
    ) -> Result<Option<RowBatch>, Error> {
        let columns = table.columns.len();
        let is_same = |last: &Lookup| {
            last.key == *table.identified_by() && last.columns == columns && last.wanted == wanted
        };
        let mut last = self.last.take().filter(is_same).unwrap_or_else(|| Lookup {
            key: table.identified_by().clone(),
            columns,
            wanted: wanted.to_vec(),
            root: None,
            found: None,
            chunks: HashMap::new(),
        });
        if last.root != Some(entry.root.hash) {
            match table.identity {
                None => last.look(context, reader, table, entry).await?,
                Some(_) => last.look_everywhere(context, reader, table, entry).await?,
            }
        }
        let found = last.found.clone();
        self.last = Some(last);
        Ok(found)
    }
}

impl Lookup {
    async fn look(
        &mut self,
        context: &Context,
        reader: &Reader,
        table: &Table,
        entry: &TableEntry,
    ) -> Result<(), Error> {
        let keys = [self.wanted.clone()];
        let chunks = Search { reader, unique: true, keys: &keys }.chunks(entry).await?;
        let mut looked_into = HashMap::new();
        self.found = None;
        // Where first keys were cut off there are several; the last of those that begin at or before the row has it.
        for (chunk, _) in chunks.iter().rev() {
            let told = match self.chunks.get(&chunk.id) {
                Some(told) => told.clone(),
                None => {
                    let rows = rows_of(context, reader, chunk, table).await?;
                    in_chunk(&table.key, &rows, &keys).map_err(damaged(chunk.id, table))?
                }
            };
            looked_into.insert(chunk.id, told.clone());
            match told {
                InChunk::Row(row) => self.found = Some(row),
                InChunk::Nowhere => {}
                InChunk::Before => continue,
            }
            break;
        }
        (self.root, self.chunks) = (Some(entry.root.hash), looked_into);
        Ok(())
    }
}

impl Lookup {
    /// Looks into all chunks, whose rows stand in another order.
    async fn look_everywhere(
        &mut self,
        context: &Context,
        reader: &Reader,
        table: &Table,
        entry: &TableEntry,
    ) -> Result<(), Error> {
        let level = u64::from(entry.root.levels).saturating_sub(1);
        let mut nodes = vec![(entry.root.hash, level)];
        let mut looked_into = HashMap::new();
        self.found = None;
        while self.found.is_none()
            && let Some((id, level)) = nodes.pop()
        {
            let below = read_node(reader, id, level).await?;
            if level > 0 {
                nodes.extend(below.iter().rev().map(|entry| (entry.id, level - 1)));
                continue;
            }
            for chunk in below {
                let told = match self.chunks.remove(&chunk.id) {
                    Some(told) => told,
                    None => {
                        let rows = rows_of(context, reader, &chunk, table).await?;
                        among(&self.key, &rows, &self.wanted).map_err(damaged(chunk.id, table))?
                    }
                };
                looked_into.insert(chunk.id, told.clone());
                if let InChunk::Row(row) = told {
                    self.found = Some(row);
                    break;
                }
            }
        }
        if self.found.is_some() {
            // What comes after it was not looked into, and is mostly as it was.
            looked_into.extend(std::mem::take(&mut self.chunks));
        }
        (self.root, self.chunks) = (Some(entry.root.hash), looked_into);
        Ok(())
    }
}

/// What rows in any order tell of the row of one key.
fn among(key: &Key, rows: &RowBatch, wanted: &[u8]) -> Result<InChunk, FormatError> {
    let mut encoded = Vec::new();
    for row in 0..rows.rows() {
        encoded.clear();
        key::encode(key, rows, row, &mut encoded)?;
        if encoded == wanted {
            let mut found = RowBatch::new(rows.columns().len());
            found.extend(rows, row..row + 1);
            return Ok(InChunk::Row(found));
        }
    }
    Ok(InChunk::Nowhere)
}

/// What rows that stand in the order of their keys tell of the row of one key.
fn in_chunk(key: &Key, rows: &RowBatch, wanted: &[Vec<u8>; 1]) -> Result<InChunk, FormatError> {
    let mut found = RowBatch::new(rows.columns().len());
    take(key, rows, wanted, &mut found)?;
    if found.rows() > 0 {
        return Ok(InChunk::Row(found));
    }
    let mut first = Vec::new();
    if rows.rows() > 0 {
        key::encode(key, rows, 0, &mut first)?;
    }
    Ok(if first > wanted[0] { InChunk::Before } else { InChunk::Nowhere })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_tells_whether_one_before_it_has_to_be_looked_into() {
        use rowkeep_format::Value;

        let key = Key { unique: true, ..Key::whole_row(1) };
        let mut rows = RowBatch::new(1);
        [3, 5].iter().for_each(|number| rows.push_row([Value::Integer(*number)]));
        let told = |number: i64| {
            let mut row = RowBatch::new(1);
            row.push_row([Value::Integer(number)]);
            let mut encoded = Vec::new();
            key::encode(&key, &row, 0, &mut encoded).expect("numbers have a form");
            in_chunk(&key, &rows, &[encoded]).expect("numbers have a form")
        };
        assert!(matches!(told(2), InChunk::Before));
        assert!(matches!(told(3), InChunk::Row(row) if row.value(0, 0) == Value::Integer(3)));
        assert!(matches!(told(4), InChunk::Nowhere));
        assert!(matches!(told(6), InChunk::Nowhere));
    }
}
