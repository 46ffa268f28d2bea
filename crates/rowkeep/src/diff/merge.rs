//! Two runs of rows in key order become the changes from one to the other.

use std::cmp::Ordering;
use std::sync::Arc;

use rowkeep_format::{Changes, FormatError, Key, RowBatch, Value, key};

/// The size in bytes at which a run of changes is ended.
pub(super) const TARGET_BYTES: usize = 1024 * 1024;

/// Which rows of a run count: those whose keys are in here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Keys from this on.
    pub(crate) lower: Option<Vec<u8>>,
    /// Keys below this.
    pub(crate) upper: Option<Vec<u8>>,
}

impl Bounds {
    fn contain(&self, key: &[u8]) -> bool {
        self.lower.as_deref().is_none_or(|lower| lower <= key)
            && self.upper.as_deref().is_none_or(|upper| key < upper)
    }
}

/// What both runs have in common.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// What identifies a row.
    pub(crate) key: Key,
    /// Number of columns.
    pub(crate) columns: usize,
    /// The columns whose values count.
    pub(crate) compared: Vec<usize>,
    /// The columns whose values stay as they were in an update.
    pub(crate) stays: Vec<usize>,
    /// Whether rows may have the same key though it is to be unique, as in a state where nothing saw to that yet. The
    /// others of a key then come or go.
    pub(crate) repeats: bool,
}

impl Shape {
    /// Adds an update from one row to another.
    fn update(&self, changes: &mut Changes, old: (&RowBatch, usize), new: (&RowBatch, usize)) {
        if self.stays.is_empty() {
            changes.update(old.0, old.1, new.0, new.1);
        } else {
            let mut values: Vec<Value<'_>> = new.0.row(new.1).collect();
            self.stays.iter().for_each(|column| values[*column] = old.0.value(old.1, *column));
            changes.update_to(old.0, old.1, values);
        }
    }
}

/// The rows of a run, with their keys.
struct Run {
    batches: Vec<Arc<RowBatch>>,
    rows: Vec<(u32, u32)>,
    keys: Vec<u8>,
    ends: Vec<usize>,
}

impl Run {
    fn new(batches: Vec<Arc<RowBatch>>, key: &Key, bounds: &Bounds) -> Result<Self, FormatError> {
        let mut run = Self { batches: Vec::new(), rows: Vec::new(), keys: Vec::new(), ends: Vec::new() };
        for (number, batch) in batches.iter().enumerate() {
            for row in 0..batch.rows() {
                let start = run.keys.len();
                key::encode(key, batch, row, &mut run.keys)?;
                if !bounds.contain(&run.keys[start..]) {
                    run.keys.truncate(start);
                    continue;
                }
                run.rows.push((number as u32, row as u32));
                run.ends.push(run.keys.len());
            }
        }
        run.batches = batches;
        Ok(run)
    }

    fn key(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.keys[start..end])
    }

    fn row(&self, at: usize) -> (&RowBatch, usize) {
        let (batch, row) = self.rows[at];
        (&self.batches[batch as usize], row as usize)
    }
}

/// The changes that make the rows of `before` within the bounds those of `after`, in key order.
///
/// Both have the same columns. Where the key is unique, rows of equal keys are one row that was updated; elsewhere they
/// are compared with each other one by one, and what is left was deleted and inserted. Fails when rows of `after` have the same key though it is to be unique.
pub(crate) fn changes(
    shape: &Shape,
    bounds: &Bounds,
    before: Vec<Arc<RowBatch>>,
    after: Vec<Arc<RowBatch>>,
) -> Result<Vec<Changes>, FormatError> {
    let before = Run::new(before, &shape.key, bounds)?;
    let after = Run::new(after, &shape.key, bounds)?;
    let (mut a, mut b) = (0, 0);
    let mut out = Vec::new();
    let mut changes = Changes::new(shape.columns);
    loop {
        let order = match (before.key(a), after.key(b)) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        let is_single = shape.key.unique && !shape.repeats;
        if order != Ordering::Less && is_single && b > 0 && after.key(b) == after.key(b - 1) {
            return Err(FormatError::OutOfOrder { row: b as u64 });
        }
        match order {
            Ordering::Less => {
                let (batch, row) = before.row(a);
                changes.delete(batch, row);
            }
            Ordering::Greater => {
                let (batch, row) = after.row(b);
                changes.insert(batch, row);
            }
            Ordering::Equal => {
                let ((old, old_row), (new, new_row)) = (before.row(a), after.row(b));
                if !equal(&shape.compared, old, old_row, new, new_row) {
                    if shape.key.unique {
                        shape.update(&mut changes, (old, old_row), (new, new_row));
                    } else {
                        changes.delete(old, old_row);
                        changes.insert(new, new_row);
                    }
                }
            }
        }
        a += usize::from(order != Ordering::Greater);
        b += usize::from(order != Ordering::Less);
        if changes.bytes() >= TARGET_BYTES {
            out.push(changes.take());
        }
    }
    if !changes.is_empty() {
        out.push(changes);
    }
    Ok(out)
}

fn equal(columns: &[usize], a: &RowBatch, row_a: usize, b: &RowBatch, row_b: usize) -> bool {
    columns.iter().all(|column| a.value(row_a, *column) == b.value(row_b, *column))
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
