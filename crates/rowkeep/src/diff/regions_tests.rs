use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use proptest::prelude::*;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Change, ContentKeys, Key, KeyForm, RowBatch, Value, chunk, key};

use super::super::merge::{Shape, changes};
use super::*;

const COLUMNS: usize = 2;

fn keyed(unique: bool) -> Key {
    match unique {
        true => Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique },
        false => Key::whole_row(COLUMNS),
    }
}

/// Chunks that end after some rows, as `ends` decides by the row's first value: as on both sides of a comparison.
fn side(rows: &[(Vec<u8>, i64)], key: &Key, ends: u8) -> Side {
    let keys = ContentKeys::derive(&[1; 32]);
    let mut entries = Vec::new();
    let mut batch = RowBatch::new(COLUMNS);
    for (name, value) in rows {
        batch.push_row([Value::Text(name), Value::Integer(*value)]);
        let sum: u8 = name.iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
        if sum.is_multiple_of(ends) || batch.rows() == 9 {
            entries.push(entry(&keys, key, std::mem::replace(&mut batch, RowBatch::new(COLUMNS))));
        }
    }
    if !batch.is_empty() {
        entries.push(entry(&keys, key, batch));
    }
    let entries = futures::stream::iter(entries.into_iter().map(Ok)).boxed();
    Side::Stream { entries, head: None, ended: false }
}

fn entry(keys: &ContentKeys, key: &Key, batch: RowBatch) -> Entry {
    let mut first_key = Vec::new();
    key::encode(key, &batch, 0, &mut first_key).expect("any value is a key");
    first_key.truncate(MAX_KEY_BYTES);
    Entry::of(Some(keys.chunk_id(&chunk::encode_rows(&batch))), first_key, batch)
}

type Bag = BTreeMap<(Vec<u8>, i64), i64>;

fn bag(rows: &[(Vec<u8>, i64)]) -> Bag {
    let mut bag = Bag::new();
    rows.iter().for_each(|row| *bag.entry(row.clone()).or_default() += 1);
    bag
}

fn row(batch: &RowBatch, row: usize) -> (Vec<u8>, i64) {
    match (batch.value(row, 0), batch.value(row, 1)) {
        (Value::Text(name), Value::Integer(value)) => (name.to_vec(), value),
        other => panic!("{other:?}"),
    }
}

/// What the rows of `before` become by the changes that are found, how many changes that took, and chunks compared.
fn changed(
    before: &[(Vec<u8>, i64)],
    after: &[(Vec<u8>, i64)],
    unique: bool,
    ends: (u8, u8),
) -> (Bag, u64, usize) {
    let key = keyed(unique);
    let shape =
        Shape { key: key.clone(), columns: COLUMNS, compared: vec![0, 1], stays: Vec::new(), repeats: false };
    let mut regions = Regions::new(side(before, &key, ends.0), side(after, &key, ends.1), unique);
    let (mut bag, mut count, mut compared) = (bag(before), 0, 0);
    futures::executor::block_on(async {
        while let Some(region) = regions.next().await.expect("nothing fails") {
            let entries = region.before.iter().chain(&region.after);
            let distinct: std::collections::BTreeSet<_> = entries.map(|entry| &entry.first_key).collect();
            assert!(distinct.len() <= MAX_ENTRIES + 2, "a region is bounded");
            compared += region.before.len() + region.after.len();
            let rows = |entries: &[Entry]| entries.iter().map(Entry::rows).collect::<Vec<Arc<RowBatch>>>();
            let runs = changes(&shape, &region.bounds, rows(&region.before), rows(&region.after))
                .expect("the rows are in order");
            for run in runs {
                for change in run.iter() {
                    count += 1;
                    let (old, new) = match change {
                        Change::Insert { after } => (None, Some(after)),
                        Change::Update { before, after } => (Some(before), Some(after)),
                        Change::Delete { before } => (Some(before), None),
                    };
                    if let Some(old) = old {
                        *bag.entry(row(run.before(), old)).or_default() -= 1;
                    }
                    if let Some(new) = new {
                        *bag.entry(row(run.after(), new)).or_default() += 1;
                    }
                }
            }
        }
    });
    bag.retain(|_, count| *count != 0);
    (bag, count, compared)
}

fn name(number: u16, long: bool) -> Vec<u8> {
    // Beyond what is kept of a first key, so that only the rest of the name tells rows apart.
    let head = if long { "x".repeat(MAX_KEY_BYTES) } else { String::new() };
    format!("{head}{number:05}").into_bytes()
}

#[test]
fn equal_tables_are_not_compared() {
    let rows: Vec<_> = (0..500).map(|number| (name(number, false), 1)).collect();
    assert_eq!(changed(&rows, &rows, true, (5, 5)).2, 0);
    assert_eq!(changed(&rows, &rows, false, (5, 5)).2, 0);
}

#[test]
fn one_changed_row_compares_one_chunk() {
    let before: Vec<_> = (0..500).map(|number| (name(number, false), 1)).collect();
    let mut after = before.clone();
    after[250].1 = 2;
    let (_, count, compared) = changed(&before, &after, true, (5, 5));
    assert_eq!((count, compared), (1, 2));
}

#[test]
fn a_table_that_came_and_one_that_went() {
    let rows: Vec<_> = (0..500).map(|number| (name(number, false), 1)).collect();
    assert_eq!(changed(&[], &rows, true, (5, 5)).1, 500);
    assert_eq!(changed(&rows, &[], true, (5, 5)).1, 500);
    assert_eq!(changed(&[], &[], true, (5, 5)), (Bag::new(), 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn changes_make_one_table_the_other(
        before in proptest::collection::btree_map(0u16..400, 0i64..3, 0..250),
        edits in proptest::collection::btree_map(0u16..400, proptest::option::of(0i64..3), 0..60),
        unique: bool,
        long: bool,
        repeated in 1u16..4,
        same_ends: bool,
    ) {
        let mut edited = before.clone();
        for (number, value) in edits {
            match value {
                Some(value) => drop(edited.insert(number, value)),
                None => drop(edited.remove(&number)),
            }
        }
        // Without a unique key, rows repeat: several of one name and value, across the ends of chunks.
        let rows = |table: &BTreeMap<u16, i64>| -> Vec<(Vec<u8>, i64)> {
            let mut rows = Vec::new();
            for (number, value) in table {
                match unique {
                    true => rows.push((name(*number, long), *value)),
                    false => (0..=*value * 7 % 12).for_each(|_| rows.push((name(number / repeated, long), value % 2))),
                }
            }
            rows.sort();
            rows
        };
        let (before, after) = (rows(&before), rows(&edited));
        let ends = if same_ends { (5, 5) } else { (5, 3) };
        let (bag_after, count, _) = changed(&before, &after, unique, ends);
        prop_assert_eq!(&bag_after, &bag(&after));
        let (mut old, new) = (bag(&before), bag(&after));
        for (row, count) in new {
            *old.entry(row).or_default() -= count;
        }
        let least: i64 = old.values().map(|count| count.abs()).sum();
        // No row is touched that need not be: an update stands for one row that goes and one that comes.
        prop_assert!(count as i64 <= least && (unique || count as i64 == least), "{count} changes, {least} rows differ");
    }
}
