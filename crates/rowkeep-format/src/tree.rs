//! The tree of a table: its list of chunks, chunked like rows are.
//!
//! ```text
//! node  := 02 level:varint count:varint entry*
//! entry := id (32 bytes) rows:varint bytes:varint key-length:varint key
//! ```
//!
//! Nodes of level 0 list chunks of rows, others list nodes of the level below. A node ends after an entry when it has
//! at least [`MIN_ENTRIES`] and the first eight bytes of the entry's id, little endian, are a multiple of
//! [`EXPECTED_ENTRIES`], and at [`MAX_ENTRIES`] at the latest. The root is the first node that stands alone on its
//! level; a table without rows has the empty node of level 0.
//!
//! The root's id is the table's hash: it depends on the rows and on nothing else.

use serde::{Deserialize, Serialize};

use crate::chunk::NODE;
use crate::varint::{Cursor, put, put_bytes};
use crate::{ChunkId, ContentKeys, FormatError};

/// A node with fewer entries does not end, except with its level.
pub const MIN_ENTRIES: usize = 16;
/// How many entries follow the minimum on average.
pub const EXPECTED_ENTRIES: u64 = 128;
/// No node has more entries.
pub const MAX_ENTRIES: usize = 1024;
/// Of a first key no more than this many bytes are kept; what is kept sorts before or equal to the key.
pub const MAX_KEY_BYTES: usize = 256;

/// A reference to a chunk of rows, or to a node of the level below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRef {
    /// Its name.
    pub id: ChunkId,
    /// Rows in it, or below it.
    pub rows: u64,
    /// Plain bytes of the chunks of rows in it, or below it.
    pub bytes: u64,
    /// The first [`MAX_KEY_BYTES`] of the key of its first row.
    pub first_key: Vec<u8>,
}

/// What a table amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRoot {
    /// The root of its tree, and its hash.
    pub hash: ChunkId,
    /// How many levels of nodes there are, at least one.
    pub levels: u32,
    /// Number of rows.
    pub rows: u64,
    /// Plain bytes of its chunks of rows.
    pub bytes: u64,
    /// Number of its chunks of rows.
    pub chunks: u64,
}

/// A node that was completed and is to be stored as a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub id: ChunkId,
    /// Its plain bytes.
    pub plain: Vec<u8>,
}

/// Builds the tree of one table from its chunks in order.
#[derive(Debug)]
pub struct TreeBuilder<'k> {
    keys: &'k ContentKeys,
    levels: Vec<Level>,
    chunks: u64,
}

#[derive(Debug, Default)]
struct Level {
    open: Vec<ChunkRef>,
    ended: bool,
}

impl<'k> TreeBuilder<'k> {
    /// Begins a table.
    pub fn new(keys: &'k ContentKeys) -> Self {
        Self { keys, levels: vec![Level::default()], chunks: 0 }
    }

    /// Takes the next chunk of rows and appends the nodes that it completes to `out`.
    pub fn push(&mut self, mut chunk: ChunkRef, out: &mut Vec<Node>) {
        chunk.first_key.truncate(MAX_KEY_BYTES);
        self.chunks += 1;
        self.push_at(0, chunk, out);
    }

    fn push_at(&mut self, level: usize, entry: ChunkRef, out: &mut Vec<Node>) {
        if level == self.levels.len() {
            self.levels.push(Level::default());
        }
        let ends = ends_node(&entry.id);
        let open = &mut self.levels[level].open;
        open.push(entry);
        if open.len() == MAX_ENTRIES || (open.len() >= MIN_ENTRIES && ends) {
            self.end_node(level, out);
        }
    }

    fn end_node(&mut self, level: usize, out: &mut Vec<Node>) {
        let entries = std::mem::take(&mut self.levels[level].open);
        self.levels[level].ended = true;
        let (node, reference) = make_node(self.keys, level, &entries);
        out.push(node);
        self.push_at(level + 1, reference, out);
    }

    /// Ends the table, appending the nodes that are left to `out`; the last of them is the root unless it was there
    /// before.
    pub fn finish(mut self, out: &mut Vec<Node>) -> TableRoot {
        let mut level = 0;
        loop {
            let here = &self.levels[level];
            if !here.ended {
                if level > 0 && here.open.len() == 1 {
                    return self.root(level as u32, &self.levels[level].open[0]);
                }
                let (node, reference) = make_node(self.keys, level, &here.open);
                out.push(node);
                return self.root(level as u32 + 1, &reference);
            }
            if !here.open.is_empty() {
                self.end_node(level, out);
            }
            level += 1;
        }
    }

    fn root(&self, levels: u32, root: &ChunkRef) -> TableRoot {
        TableRoot { hash: root.id, levels, rows: root.rows, bytes: root.bytes, chunks: self.chunks }
    }
}

fn ends_node(id: &ChunkId) -> bool {
    let mut head = [0; 8];
    head.copy_from_slice(&id.0[..8]);
    u64::from_le_bytes(head) % EXPECTED_ENTRIES == 0
}

fn make_node(keys: &ContentKeys, level: usize, entries: &[ChunkRef]) -> (Node, ChunkRef) {
    let plain = encode_node(level as u64, entries);
    let id = keys.chunk_id(&plain);
    let reference = ChunkRef {
        id,
        rows: entries.iter().map(|entry| entry.rows).sum(),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        first_key: entries.first().map(|entry| entry.first_key.clone()).unwrap_or_default(),
    };
    (Node { id, plain }, reference)
}

fn encode_node(level: u64, entries: &[ChunkRef]) -> Vec<u8> {
    let mut out = vec![NODE];
    put(&mut out, level);
    put(&mut out, entries.len() as u64);
    for entry in entries {
        out.extend_from_slice(&entry.id.0);
        put(&mut out, entry.rows);
        put(&mut out, entry.bytes);
        put_bytes(&mut out, &entry.first_key);
    }
    out
}

/// Decodes a node: its level and its entries.
pub fn decode_node(bytes: &[u8]) -> Result<(u64, Vec<ChunkRef>), FormatError> {
    let mut cursor = Cursor::new(bytes, "a node of a tree");
    if cursor.byte()? != NODE {
        return Err(cursor.malformed());
    }
    let level = cursor.varint()?;
    let count = cursor.count(MAX_ENTRIES as u64)?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(ChunkRef {
            id: ChunkId(cursor.array()?),
            rows: cursor.varint()?,
            bytes: cursor.varint()?,
            first_key: cursor.bytes()?.to_vec(),
        });
    }
    cursor.end()?;
    Ok((level, entries))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn keys() -> ContentKeys {
        ContentKeys::derive(&[3; 32])
    }

    fn chunk(keys: &ContentKeys, number: u32) -> ChunkRef {
        ChunkRef {
            id: keys.chunk_id(&number.to_le_bytes()),
            rows: u64::from(number % 7),
            bytes: 10,
            first_key: number.to_be_bytes().to_vec(),
        }
    }

    fn build(numbers: impl Iterator<Item = u32>) -> (TableRoot, HashMap<ChunkId, Vec<u8>>) {
        let keys = keys();
        let mut builder = TreeBuilder::new(&keys);
        let mut nodes = Vec::new();
        numbers.for_each(|number| builder.push(chunk(&keys, number), &mut nodes));
        let root = builder.finish(&mut nodes);
        (root, nodes.into_iter().map(|node| (node.id, node.plain)).collect())
    }

    fn leaves(root: ChunkId, level: u64, nodes: &HashMap<ChunkId, Vec<u8>>) -> Vec<ChunkRef> {
        let (found, entries) = decode_node(&nodes[&root]).expect("a node decodes");
        assert_eq!(found, level);
        if level == 0 {
            return entries;
        }
        entries.iter().flat_map(|entry| leaves(entry.id, level - 1, nodes)).collect()
    }

    #[test]
    fn the_empty_table_has_a_name() {
        let (root, nodes) = build(0..0);
        assert_eq!((root.rows, root.levels, root.chunks), (0, 1, 0));
        assert_eq!(nodes[&root.hash], [2, 0, 0]);
    }

    #[test]
    fn an_edit_changes_few_nodes() {
        let (before, old) = build(0..50_000);
        let (after, new) = build((0..50_000).filter(|number| *number != 31_000));
        assert_ne!(before.hash, after.hash);
        assert!(before.levels >= 3);
        let changed = new.keys().filter(|id| !old.contains_key(id)).count();
        assert!(changed <= 2 * before.levels as usize, "{changed} nodes changed");
    }

    #[test]
    fn malformed_nodes_are_refused() {
        let (root, nodes) = build(0..100);
        let plain = &nodes[&root.hash];
        for len in 0..plain.len() {
            assert!(decode_node(&plain[..len]).is_err());
        }
        assert!(decode_node(&[plain.as_slice(), &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn a_tree_lists_its_chunks(count in 0u32..5000) {
            let keys = keys();
            let (root, nodes) = build(0..count);
            let expected: Vec<_> = (0..count).map(|number| chunk(&keys, number)).collect();
            prop_assert_eq!(root.rows, expected.iter().map(|chunk| chunk.rows).sum::<u64>());
            prop_assert_eq!(leaves(root.hash, u64::from(root.levels) - 1, &nodes), expected);
        }
    }
}
