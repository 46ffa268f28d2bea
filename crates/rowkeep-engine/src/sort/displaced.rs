//! Rows that come nearly in the order of their key, as databases write tables of which some rows were changed.
//!
//! Where rows can be read twice, only those that stand elsewhere than they belong need be sorted: the first reading finds them by
//! their keys, the second passes over them where they stand, and puts them in where they belong.

use std::cmp::Ordering;
use std::collections::VecDeque;

use rowkeep_format::{Key, RowBatch, key};

use super::run::{Gathering, compare_rows};
use crate::EngineError;

/// So many of the last rows in order are remembered: as many may turn out to be the ones that are displaced.
const REMEMBERED: usize = 8;

/// Finds the rows that stand elsewhere than they belong.
///
/// A row whose key is less than that of one before it is displaced, or that one is. As long as fewer rows follow that are less
/// than there are greater ones before them, it is the former.
pub(crate) struct Finder {
    most_bytes: usize,
    bytes: usize,
    seen: u64,
    /// The last rows in order, and whether there were any before them.
    last: VecDeque<Seen>,
    has_forgotten: bool,
    /// How many in a row were displaced since one was in order.
    displaced_in_a_row: usize,
    displaced: Vec<(u64, Vec<u8>)>,
    spare: Seen,
}

#[derive(Default)]
struct Seen {
    number: u64,
    key: Vec<u8>,
    row: Vec<u8>,
}

impl Finder {
    /// Finds rows of no more than so many bytes.
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            bytes: 0,
            seen: 0,
            last: VecDeque::with_capacity(REMEMBERED + 1),
            has_forgotten: false,
            displaced_in_a_row: 0,
            displaced: Vec::new(),
            spare: Seen::default(),
        }
    }

    /// Looks at the next row. Says no where rows had better be sorted as a whole: too many are displaced, or keys are equal.
    pub(crate) fn next(&mut self, key: &[u8], row: &[u8]) -> bool {
        // Of large rows too many would be held.
        if row.len() > self.most_bytes / (2 * REMEMBERED) {
            return false;
        }
        let number = self.seen;
        self.seen += 1;
        let place = self.last.partition_point(|seen| seen.key.as_slice() < key);
        if self.last.get(place).is_some_and(|seen| seen.key == key) {
            return false;
        }
        let greater = self.last.len() - place;
        let is_beyond_them = place == 0 && self.has_forgotten;
        if greater > 0 && (is_beyond_them || greater > self.displaced_in_a_row + 1) {
            self.displaced_in_a_row += 1;
            return self.displace(number, row.to_vec());
        }
        for _ in 0..greater {
            if let Some(seen) = self.last.pop_back()
                && !self.displace(seen.number, seen.row)
            {
                return false;
            }
        }
        self.displaced_in_a_row = 0;
        let mut seen = std::mem::take(&mut self.spare);
        seen.number = number;
        seen.key.clear();
        seen.key.extend_from_slice(key);
        seen.row.clear();
        seen.row.extend_from_slice(row);
        self.last.push_back(seen);
        if self.last.len() > REMEMBERED
            && let Some(oldest) = self.last.pop_front()
        {
            self.spare = oldest;
            self.has_forgotten = true;
        }
        true
    }

    fn displace(&mut self, number: u64, mut row: Vec<u8>) -> bool {
        self.bytes += row.len() + size_of::<(u64, Vec<u8>)>();
        row.shrink_to_fit();
        self.displaced.push((number, row));
        self.bytes <= self.most_bytes
    }

    /// The displaced rows, each with its number.
    pub(crate) fn displaced(mut self) -> Vec<(u64, Vec<u8>)> {
        self.displaced.sort_unstable_by_key(|(number, _)| *number);
        self.displaced
    }
}

/// Puts displaced rows where they belong.
pub(crate) struct Interleave {
    key: Key,
    /// The numbers of the rows that are passed over, in their order, and how many were.
    displaced: Vec<u64>,
    passed: usize,
    /// Those rows in the order of the key, with the keys, and how many were put in.
    rows: RowBatch,
    keys: Vec<Vec<u8>>,
    put_in: usize,
    seen: u64,
}

impl Interleave {
    /// The rows with these numbers are displaced.
    pub(crate) fn new(key: &Key, displaced: Vec<u64>, rows: RowBatch) -> Result<Self, EngineError> {
        let columns = rows.columns().len();
        let mut sorted = RowBatch::new(columns);
        let mut gathering = Gathering::new(key);
        gathering.add(rows)?;
        gathering.drain(RowBatch::TARGET_BYTES, &mut |batch| {
            sorted.extend(&batch, 0..batch.rows());
            Ok(true)
        })?;
        let keys = (0..sorted.rows()).map(|row| encoded(key, &sorted, row));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { key: key.clone(), displaced, passed: 0, rows: sorted, keys, put_in: 0, seen: 0 })
    }

    /// The next rows as they were read, without those that are displaced and with those that belong between them.
    pub(crate) fn next(&mut self, batch: RowBatch) -> Result<RowBatch, EngineError> {
        let first = self.seen;
        self.seen += batch.rows() as u64;
        let ends = self.displaced.partition_point(|number| *number < self.seen);
        let mut kept = Vec::new();
        let mut from = 0;
        for number in &self.displaced[self.passed..ends] {
            let at = (number - first) as usize;
            kept.push(from..at);
            from = at + 1;
        }
        kept.push(from..batch.rows());
        kept.retain(|range| !range.is_empty());
        let nothing_passed = self.passed == ends;
        self.passed = ends;
        let Some(last) = kept.last().map(|range| range.end - 1) else {
            return Ok(RowBatch::new(batch.columns().len()));
        };
        if nothing_passed && !self.is_next_before(&batch, last)? {
            return Ok(batch);
        }
        let mut out = RowBatch::new(batch.columns().len());
        for range in kept {
            let mut from = range.start;
            while self.is_next_before(&batch, range.end - 1)? {
                let (mut low, mut high) = (from, range.end - 1);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if self.is_next_before(&batch, middle)? { high = middle } else { low = middle + 1 }
                }
                out.extend(&batch, from..low);
                out.extend(&self.rows, self.put_in..self.put_in + 1);
                self.put_in += 1;
                from = low;
            }
            out.extend(&batch, from..range.end);
        }
        Ok(out)
    }

    /// The rows that come after all others.
    pub(crate) fn rest(&mut self) -> RowBatch {
        let mut rest = RowBatch::new(self.rows.columns().len());
        rest.extend(&self.rows, self.put_in..self.rows.rows());
        self.put_in = self.rows.rows();
        rest
    }

    /// Whether the next displaced row belongs before that one.
    fn is_next_before(&self, batch: &RowBatch, row: usize) -> Result<bool, EngineError> {
        let Some(next) = self.keys.get(self.put_in) else { return Ok(false) };
        let by_key = next.cmp(&encoded(&self.key, batch, row)?);
        Ok(by_key.then_with(|| compare_rows(&self.rows, self.put_in, batch, row)) == Ordering::Less)
    }
}

fn encoded(key: &Key, batch: &RowBatch, row: usize) -> Result<Vec<u8>, EngineError> {
    let mut out = Vec::new();
    key::encode(key, batch, row, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rowkeep_format::schema::KeyColumn;
    use rowkeep_format::{KeyForm, Value};

    use super::*;

    fn key_of_first() -> Key {
        Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Integer }], unique: true }
    }

    fn key_bytes(number: i64) -> Vec<u8> {
        let mut out = Vec::new();
        key::encode_value(KeyForm::Integer, Value::Integer(number), &mut out).expect("a key");
        out
    }

    fn batch(numbers: &[i64]) -> RowBatch {
        let mut batch = RowBatch::new(2);
        for number in numbers {
            batch.push_row([Value::Integer(*number), Value::Text(number.to_string().as_bytes())]);
        }
        batch
    }

    fn found(numbers: &[i64], most_bytes: usize) -> Option<Vec<i64>> {
        let mut finder = Finder::new(most_bytes);
        let all =
            numbers.iter().all(|number| finder.next(&key_bytes(*number), number.to_string().as_bytes()));
        let rows = finder.displaced();
        all.then(|| rows.iter().map(|(number, _)| numbers[*number as usize]).collect())
    }

    fn interleaved(numbers: &[i64], at_once: usize) -> Option<Vec<i64>> {
        let mut finder = Finder::new(1 << 20);
        if !numbers.iter().all(|number| finder.next(&key_bytes(*number), number.to_string().as_bytes())) {
            return None;
        }
        let (places, rows): (Vec<u64>, Vec<i64>) = finder
            .displaced()
            .into_iter()
            .map(|(place, row)| (place, String::from_utf8_lossy(&row).parse::<i64>().expect("a number")))
            .unzip();
        let mut interleave = Interleave::new(&key_of_first(), places, batch(&rows)).expect("they have keys");
        let mut out = Vec::new();
        let mut take = |batch: RowBatch| {
            for row in 0..batch.rows() {
                let Value::Integer(number) = batch.value(row, 0) else { panic!("no integer") };
                assert_eq!(batch.value(row, 1), Value::Text(number.to_string().as_bytes()));
                out.push(number);
            }
        };
        for some in numbers.chunks(at_once) {
            take(interleave.next(batch(some)).expect("they have keys"));
        }
        take(interleave.rest());
        Some(out)
    }

    #[test]
    fn few_are_displaced_whichever_they_are() {
        assert_eq!(found(&[1, 2, 3, 4], 99), Some(vec![]));
        // A row that is too large to be remembered.
        assert_eq!(found(&[1, 2, 1_000_000], 99), None);
        // One that belongs later, one that belongs earlier, and some of each.
        assert_eq!(found(&[1, 900, 2, 3, 4], 99), Some(vec![900]));
        assert_eq!(found(&[900, 1, 2, 3, 4], 99), Some(vec![900]));
        assert_eq!(found(&[5, 6, 7, 1, 8, 9], 99), Some(vec![1]));
        assert_eq!(found(&[1, 900, 901, 2, 3, 4, 5, 6], 1000), Some(vec![900, 901, 2]));
        assert_eq!(found(&[5, 6, 7, 8, 1, 2, 3, 9], 1000), Some(vec![1, 2, 3]));
        assert_eq!(found(&[1, 2, 2], 99), None);
        let backwards: Vec<i64> = (0..100).rev().collect();
        assert_eq!(found(&backwards, 1000), None);
    }

    proptest! {
        #[test]
        fn rows_come_in_order_whatever_was_moved(
            length in 1usize..200,
            moves in prop::collection::vec((0usize..200, 0usize..200), 0..20),
            at_once in 1usize..60,
        ) {
            let mut numbers: Vec<i64> = (0..length as i64).map(|number| number * 3 - 100).collect();
            for (from, to) in moves {
                let number = numbers.remove(from % length);
                numbers.insert(to % length, number);
            }
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            prop_assert_eq!(interleaved(&numbers, at_once), Some(sorted));
        }

        #[test]
        fn rows_in_any_order_come_in_theirs(
            numbers in prop::collection::hash_set(-1000i64..1000, 0..200),
            at_once in 1usize..60,
        ) {
            let numbers: Vec<i64> = numbers.into_iter().collect();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            prop_assert_eq!(interleaved(&numbers, at_once), Some(sorted));
        }
    }
}
