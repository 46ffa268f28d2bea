use proptest::prelude::*;

use super::*;
use crate::{KeyForm, Value, schema::KeyColumn};

fn integer_key() -> Key {
    Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true }
}

fn rows(keys: impl IntoIterator<Item = i64>, text: impl Fn(i64) -> Vec<u8>) -> RowBatch {
    let mut batch = RowBatch::new(2);
    for key in keys {
        batch.push_row([Value::Integer(key), Value::Text(&text(key))]);
    }
    batch
}

fn cut(key: &Key, batch: &RowBatch, step: usize) -> Vec<Cut> {
    let keys = ContentKeys::derive(&[1; 32]);
    let mut cutter = Cutter::new(key, batch.columns().len(), &keys);
    let mut out = Vec::new();
    for start in (0..batch.rows()).step_by(step) {
        let mut part = RowBatch::new(batch.columns().len());
        part.extend(batch, start..batch.rows().min(start + step));
        cutter.push(&part, &mut out).expect("rows are in order");
    }
    out.extend(cutter.finish());
    out
}

fn text_of(key: i64) -> Vec<u8> {
    vec![b'x'; 100 + (key % 20) as usize]
}

#[test]
fn chunks_hold_all_rows_and_keep_to_their_sizes() {
    let key = integer_key();
    let all = rows(0..200_000, text_of);
    let chunks = cut(&key, &all, 1000);
    assert!(chunks.len() > 10 && chunks.len() < 60, "{} chunks", chunks.len());
    let mut joined = RowBatch::new(2);
    for chunk in &chunks {
        joined.extend(&chunk.rows, 0..chunk.rows.rows());
        assert!((chunk.rows.bytes() as u64) < MAX_WEIGHT);
    }
    assert!(joined == all);
    assert_eq!(cut(&key, &all, 7), chunks, "batches do not matter");
}

#[test]
fn an_update_changes_one_chunk_and_a_deletion_at_most_two() {
    let key = integer_key();
    let before = cut(&key, &rows(0..200_000, text_of), 1000);
    let updated = |key| if key == 77_777 { vec![b'y'; 117] } else { text_of(key) };
    let after = cut(&key, &rows(0..200_000, updated), 1000);
    assert_eq!(after.len(), before.len());
    assert_eq!(after.iter().filter(|chunk| !before.contains(chunk)).count(), 1);
    let without = cut(&key, &rows((0..200_000).filter(|key| *key != 77_777), text_of), 1000);
    assert!(without.iter().filter(|chunk| !before.contains(chunk)).count() <= 2);
}

#[test]
fn large_rows_are_alone() {
    let key = integer_key();
    let large = rows(0..4, |key| vec![b'z'; 5_000_000 + key as usize]);
    let chunks = cut(&key, &large, 4);
    assert_eq!(chunks.iter().map(|chunk| chunk.rows.rows()).collect::<Vec<_>>(), [1, 1, 1, 1]);
}

#[test]
fn disorder_is_noticed() {
    let keys = ContentKeys::derive(&[1; 32]);
    let unique = integer_key();
    let counted = Key { unique: false, ..integer_key() };
    for (key, order, row) in
        [(&unique, [1, 3, 2], Some(2)), (&unique, [1, 2, 2], Some(2)), (&counted, [1, 2, 2], None)]
    {
        let result = Cutter::new(key, 2, &keys).push(&rows(order, text_of), &mut Vec::new());
        assert_eq!(result, row.map_or(Ok(()), |row| Err(FormatError::OutOfOrder { row })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn cuts_depend_on_rows_alone(steps in prop::collection::vec(1i64..4, 3000..9000), step in 1usize..5000) {
        let key = integer_key();
        let mut at = 0;
        let batch = rows(steps.iter().map(|step| { at += step; at }), |key| vec![b'r'; 500 + (key % 700) as usize]);
        prop_assert_eq!(cut(&key, &batch, step), cut(&key, &batch, batch.rows()));
    }
}
