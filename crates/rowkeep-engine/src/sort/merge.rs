use std::cmp::Ordering;
use std::ops::Range;

use rowkeep_format::{Key, RowBatch, key};

use super::run::{compare_rows, is_full};
use super::spill::{BLOCK_BYTES, Spill};
use crate::EngineError;

/// How many runs are merged at once at most, however much memory there is.
const MOST_RUNS: usize = 128;

/// Merges all runs and hands their rows on in batches; ends early when `emit` says that nobody wants more.
///
/// What is held at once of the runs stays near `memory_bytes`: when there are too many, they are merged into fewer
/// first, in as many passes as it takes.
pub(super) fn merge(
    mut spill: Spill,
    key: &Key,
    memory_bytes: usize,
    emit: &mut impl FnMut(RowBatch) -> bool,
) -> Result<(), EngineError> {
    loop {
        // A key can be as large as its row.
        let at_once = (memory_bytes / (2 * spill.largest_block_bytes().max(1))).clamp(2, MOST_RUNS);
        let runs = spill.runs().to_vec();
        if runs.len() <= at_once {
            return merge_runs(&mut spill, &runs, key, RowBatch::TARGET_BYTES, &mut |batch| Ok(emit(batch)));
        }
        let mut fewer = spill.another()?;
        for group in runs.chunks(at_once) {
            fewer.begin_run();
            merge_runs(&mut spill, group, key, BLOCK_BYTES, &mut |block| fewer.write(&block).map(|()| true))?;
        }
        spill = fewer;
    }
}

fn merge_runs(
    spill: &mut Spill,
    runs: &[Range<u64>],
    key: &Key,
    target_bytes: usize,
    hand_on: &mut impl FnMut(RowBatch) -> Result<bool, EngineError>,
) -> Result<(), EngineError> {
    let mut heap = Vec::with_capacity(runs.len());
    for run in runs {
        heap.extend(Head::open(spill, run.clone(), key)?);
    }
    let Some(columns) = heap.first().map(|head| head.block.columns().len()) else {
        return Ok(());
    };
    for parent in (0..heap.len() / 2).rev() {
        sift_down(&mut heap, parent);
    }
    let mut out = RowBatch::new(columns);
    while let Some(first) = heap.first_mut() {
        out.extend(&first.block, first.row..first.row + 1);
        if !first.advance(spill, key)? {
            heap.swap_remove(0);
        }
        sift_down(&mut heap, 0);
        if is_full(&out, target_bytes) && !hand_on(out.take())? {
            return Ok(());
        }
    }
    if !out.is_empty() {
        hand_on(out)?;
    }
    Ok(())
}

/// The next row of a run.
struct Head {
    run: Range<u64>,
    block: RowBatch,
    keys: Vec<u8>,
    key_ends: Vec<usize>,
    row: usize,
}

impl Head {
    /// The first row of a run; nothing when the run is empty.
    fn open(spill: &mut Spill, run: Range<u64>, key: &Key) -> Result<Option<Self>, EngineError> {
        let mut head =
            Self { run, block: RowBatch::default(), keys: Vec::new(), key_ends: Vec::new(), row: 0 };
        Ok(head.next_block(spill, key)?.then_some(head))
    }

    /// Goes to the next row; false when there is none.
    fn advance(&mut self, spill: &mut Spill, key: &Key) -> Result<bool, EngineError> {
        self.row += 1;
        if self.row < self.block.rows() { Ok(true) } else { self.next_block(spill, key) }
    }

    fn next_block(&mut self, spill: &mut Spill, key: &Key) -> Result<bool, EngineError> {
        let Some(block) = spill.read(&mut self.run)? else {
            return Ok(false);
        };
        self.keys.clear();
        self.key_ends.clear();
        for row in 0..block.rows() {
            key::encode(key, &block, row, &mut self.keys)?;
            self.key_ends.push(self.keys.len());
        }
        (self.block, self.row) = (block, 0);
        Ok(true)
    }

    fn key(&self) -> &[u8] {
        let start = if self.row == 0 { 0 } else { self.key_ends[self.row - 1] };
        &self.keys[start..self.key_ends[self.row]]
    }

    fn compare(&self, other: &Self) -> Ordering {
        let keys = self.key().cmp(other.key());
        keys.then_with(|| compare_rows(&self.block, self.row, &other.block, other.row))
    }
}

/// Moves the head at `parent` down to where neither below it is smaller.
fn sift_down(heap: &mut [Head], mut parent: usize) {
    loop {
        let mut smallest = parent;
        for child in [2 * parent + 1, 2 * parent + 2] {
            if child < heap.len() && heap[child].compare(&heap[smallest]).is_lt() {
                smallest = child;
            }
        }
        if smallest == parent {
            return;
        }
        heap.swap(parent, smallest);
        parent = smallest;
    }
}
