use std::cmp::Ordering;

use rowkeep_format::{Key, RowBatch, key};

use crate::{EngineError, ErrorKind};

/// The most rows that are moved at once: a batch is no larger than it should be by more than these.
const ROWS_TOGETHER: usize = 32;

/// Rows that are being gathered in memory until they are sorted at one go.
pub(super) struct Gathering<'a> {
    key: &'a Key,
    batches: Vec<RowBatch>,
    batches_bytes: usize,
    keys: Vec<u8>,
    entries: Vec<Entry>,
}

/// One row: the beginning of its key, where the whole key is, and where the row is.
struct Entry {
    prefix: u128,
    key_start: u32,
    key_end: u32,
    batch: u32,
    row: u32,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(key: &'a Key) -> Self {
        Self { key, batches: Vec::new(), batches_bytes: 0, keys: Vec::new(), entries: Vec::new() }
    }

    /// What all that is gathered takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.batches_bytes + self.keys.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    pub(super) fn add(&mut self, batch: RowBatch) -> Result<(), EngineError> {
        let number = small(self.batches.len())?;
        for row in 0..batch.rows() {
            let start = self.keys.len();
            key::encode(self.key, &batch, row, &mut self.keys)?;
            self.entries.push(Entry {
                prefix: prefix(&self.keys[start..]),
                key_start: small(start)?,
                key_end: small(self.keys.len())?,
                batch: number,
                row: small(row)?,
            });
        }
        self.batches_bytes += memory_bytes(&batch);
        self.batches.push(batch);
        Ok(())
    }

    /// Hands on all rows in order, in batches of about `target_bytes`, and is empty then. Ends early when `hand_on`
    /// says that nobody wants more.
    pub(super) fn drain(
        &mut self,
        target_bytes: usize,
        hand_on: &mut impl FnMut(RowBatch) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let Some(columns) = self.batches.first().map(|batch| batch.columns().len()) else {
            return Ok(());
        };
        let (keys, batches) = (&self.keys, &self.batches);
        self.entries.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| whole_key(keys, a).cmp(whole_key(keys, b))).then_with(|| {
                let (left, right) = (&batches[a.batch as usize], &batches[b.batch as usize]);
                compare_rows(left, a.row as usize, right, b.row as usize)
            })
        });
        let mut out = RowBatch::new(columns);
        let mut entries = self.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            let first = entry.row as usize;
            let mut end = first + 1;
            // Rows that follow one another already go together.
            let is_next = |next: &&Entry, end: usize| next.batch == entry.batch && next.row as usize == end;
            while end - first < ROWS_TOGETHER && entries.next_if(|next| is_next(next, end)).is_some() {
                end += 1;
            }
            out.extend(&batches[entry.batch as usize], first..end);
            if is_full(&out, target_bytes) && !hand_on(out.take())? {
                return Ok(());
            }
        }
        if !out.is_empty() {
            hand_on(out)?;
        }
        self.batches.clear();
        self.batches_bytes = 0;
        self.keys.clear();
        self.entries.clear();
        Ok(())
    }
}

/// The first bytes of a key as a number that compares as they do; shorter keys are filled up with zeros.
pub(super) fn prefix(key: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = key.len().min(16);
    bytes[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(bytes)
}

fn whole_key<'k>(keys: &'k [u8], entry: &Entry) -> &'k [u8] {
    &keys[entry.key_start as usize..entry.key_end as usize]
}

/// Compares rows whose keys are equal but which may still differ, as -0.0 and 0.0 do.
pub(super) fn compare_rows(left: &RowBatch, left_row: usize, right: &RowBatch, right_row: usize) -> Ordering {
    let values = left.columns().iter().zip(right.columns());
    values
        .map(|(a, b)| {
            let kinds = a.kinds()[left_row].cmp(&b.kinds()[right_row]);
            kinds.then_with(|| a.bytes(left_row).cmp(b.bytes(right_row)))
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Whether a batch is large enough to be handed on; rows of nothing but NULL have no bytes, but count.
pub(super) fn is_full(batch: &RowBatch, target_bytes: usize) -> bool {
    const MOST_ROWS: usize = 64 * 1024;
    batch.rows() >= MOST_ROWS || memory_bytes(batch) >= target_bytes
}

/// What a batch takes in memory: values, and for each its kind and its end.
pub(super) fn memory_bytes(batch: &RowBatch) -> usize {
    batch.bytes() + batch.rows() * batch.columns().len() * 5
}

/// A count or place that has to fit into 32 bits.
fn small(number: usize) -> Result<u32, EngineError> {
    u32::try_from(number).map_err(|_| {
        EngineError::new(ErrorKind::Unstorable, "keys of more than 4 GiB have to be sorted at once")
    })
}
