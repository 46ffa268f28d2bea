//! What of a table is lost, as stretches between chunks that are there: a database need not be asked for more.

use std::collections::HashSet;

use futures::FutureExt;
use futures::future::BoxFuture;
use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{ChunkId, RowBatch, TableEntry};
use rowkeep_repository::Reader;

use crate::state::reader::{read_chunk, read_node};
use crate::{Context, Error};

/// Trees are never so deep: a node has sixteen entries at least, but for the last of a level.
const DEEPEST: u64 = 16;

/// A stretch of a table of which every chunk is lost.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// The chunk before it; none at the beginning of the table.
    pub(super) after: Option<ChunkRef>,
    /// The chunk behind it; none at the end.
    pub(super) before: Option<ChunkRef>,
    /// So many chunks of it come before its first lost node, where it has one: with the next one a node begins.
    pub(super) before_node: Option<usize>,
}

impl Gap {
    /// The last row before it and the first one behind, where there are any.
    pub(super) async fn bounds(
        &self,
        context: &Context,
        reader: &Reader,
        table: &str,
    ) -> Result<[Option<RowBatch>; 2], Error> {
        let mut bounds = [None, None];
        for (bound, chunk, is_last) in [(0, &self.after, true), (1, &self.before, false)] {
            let Some(chunk) = chunk else { continue };
            let rows = read_chunk(context, reader, chunk, table).await?;
            let Some(last) = rows.rows().checked_sub(1) else { continue };
            let row = if is_last { last } else { 0 };
            let mut one = RowBatch::new(rows.columns().len());
            one.extend(&rows, row..row + 1);
            bounds[bound] = Some(one);
        }
        Ok(bounds)
    }
}

/// The gaps of a table; nothing where a node is lost that has nodes below it, so that nobody knows what is between them.
pub(super) async fn gaps(
    reader: &Reader,
    entry: &TableEntry,
    lost: &HashSet<ChunkId>,
) -> Result<Option<Vec<Gap>>, Error> {
    let Some(level) = u64::from(entry.root.levels).checked_sub(1).filter(|level| *level < DEEPEST) else {
        return Ok(None);
    };
    let mut found = Found { reader, lost, last: None, open: None, chunks: 0, gaps: Vec::new() };
    if !found.walk(entry.root.hash, level).await? {
        return Ok(None);
    }
    found.gaps.extend(found.open);
    Ok(Some(found.gaps))
}

struct Found<'a> {
    reader: &'a Reader,
    lost: &'a HashSet<ChunkId>,
    /// The last chunk that is there.
    last: Option<ChunkRef>,
    /// The gap that has not ended, and how many chunks it has.
    open: Option<Gap>,
    chunks: usize,
    gaps: Vec<Gap>,
}

impl Found<'_> {
    /// Goes through what is below a node in order; says whether it is known.
    fn walk(&mut self, node: ChunkId, level: u64) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            if self.lost.contains(&node) {
                let chunks = self.chunks;
                let gap = self.open();
                gap.before_node.get_or_insert(chunks);
                return Ok(level == 0);
            }
            for entry in read_node(self.reader, node, level).await? {
                if level > 0 {
                    if !self.walk(entry.id, level - 1).await? {
                        return Ok(false);
                    }
                } else if self.lost.contains(&entry.id) {
                    self.open();
                    self.chunks += 1;
                } else {
                    if let Some(gap) = self.open.take() {
                        self.gaps.push(Gap { before: Some(entry.clone()), ..gap });
                    }
                    self.chunks = 0;
                    self.last = Some(entry);
                }
            }
            Ok(true)
        }
        .boxed()
    }

    fn open(&mut self) -> &mut Gap {
        let after = &self.last;
        self.open.get_or_insert_with(|| Gap { after: after.clone(), ..Gap::default() })
    }
}

#[cfg(test)]
#[path = "gaps_tests.rs"]
mod tests;
