//! Sets of keys of rows of one table.

use std::collections::BTreeMap;

use rowkeep_format::{RowBatch, Value};

/// Keys of rows, each once, in key order, with the values that make them.
///
/// An encoded key cannot be turned back into values, and databases are asked by values.
#[derive(Debug, Clone)]
pub(crate) struct KeySet {
    places: BTreeMap<Vec<u8>, usize>,
    /// One column for each of the key's.
    values: RowBatch,
    bytes: usize,
}

/// Some keys of a set that follow one another.
#[derive(Debug, Clone)]
pub(crate) struct KeyRun {
    /// The keys in order, as [`rowkeep_format::key`] encodes them.
    pub(crate) encoded: Vec<Vec<u8>>,
    /// Their values: the row at the same place.
    pub(crate) values: RowBatch,
}

impl KeySet {
    /// A set for keys of that many columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self { places: BTreeMap::new(), values: RowBatch::new(columns), bytes: 0 }
    }

    /// Adds a key; returns whether it is new.
    pub(crate) fn insert<'v>(&mut self, encoded: &[u8], values: impl IntoIterator<Item = Value<'v>>) -> bool {
        if self.places.contains_key(encoded) {
            return false;
        }
        let before = self.values.bytes();
        self.places.insert(encoded.to_vec(), self.values.rows());
        self.values.push_row(values);
        self.bytes += encoded.len() + self.values.bytes() - before + OVERHEAD_BYTES;
        true
    }

    /// No keys, for the same table.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(self.values.columns().len())
    }

    /// Adds one key of another set, where that has it.
    pub(crate) fn take(&mut self, other: &KeySet, encoded: &[u8]) {
        if let Some(place) = other.places.get(encoded) {
            self.insert(encoded, other.values.row(*place));
        }
    }

    /// The keys that another set does not have.
    pub(crate) fn without(&self, other: &KeySet) -> Self {
        let mut left = self.emptied();
        for (encoded, place) in self.places.iter().filter(|(encoded, _)| !other.contains(encoded)) {
            left.insert(encoded, self.values.row(*place));
        }
        left
    }

    /// The keys in order.
    pub(crate) fn encoded(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.places.keys()
    }

    /// Adds all keys of another set.
    pub(crate) fn extend(&mut self, other: &KeySet) {
        for (encoded, place) in &other.places {
            self.insert(encoded, other.values.row(*place));
        }
    }

    pub(crate) fn contains(&self, encoded: &[u8]) -> bool {
        self.places.contains_key(encoded)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All keys in order, in runs of at most that many.
    pub(crate) fn runs(&self, most: usize) -> impl Iterator<Item = KeyRun> {
        let mut left = self.places.iter().peekable();
        std::iter::from_fn(move || {
            left.peek()?;
            let mut run = KeyRun { encoded: Vec::new(), values: RowBatch::new(self.values.columns().len()) };
            for (encoded, place) in left.by_ref().take(most) {
                run.encoded.push(encoded.clone());
                run.values.extend(&self.values, *place..*place + 1);
            }
            Some(run)
        })
    }
}

/// What an entry of the map takes beside its bytes, about.
const OVERHEAD_BYTES: usize = 64;

impl KeyRun {
    pub(crate) fn contains(&self, encoded: &[u8]) -> bool {
        self.encoded.binary_search_by(|key| key.as_slice().cmp(encoded)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_once_and_in_order() {
        let mut set = KeySet::new(1);
        let new = [5, 1, 9, 1, 5].map(|number| set.insert(&[number], [Value::Integer(i64::from(number))]));
        assert_eq!(new, [true, true, true, false, false]);
        let runs: Vec<_> = set.runs(2).collect();
        assert_eq!(
            runs.iter().map(|run| run.encoded.clone()).collect::<Vec<_>>(),
            [vec![vec![1], vec![5]], vec![vec![9]]]
        );
        assert_eq!(runs[0].values.value(1, 0), Value::Integer(5));
        assert!(set.contains(&[9]) && !set.contains(&[2]) && runs[0].contains(&[5]));
    }
}
