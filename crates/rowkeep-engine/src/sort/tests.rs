use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value, key};

use super::{SortOptions, sort};
use crate::{EngineError, ErrorKind, RowStream};

fn table(columns: usize, key: Key) -> Table {
    let column = |number: usize| Column {
        name: format!("c{number}"),
        type_name: String::new(),
        not_null: false,
        hidden: false,
    };
    Table {
        name: TableName::plain("t"),
        kind: TableKind::Table,
        columns: (0..columns).map(column).collect(),
        key,
        identity: None,
        foreign_keys: Vec::new(),
    }
}

fn first_column() -> Key {
    Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true }
}

fn batches(rows: &[Vec<Value<'_>>], rows_per_batch: usize) -> Vec<RowBatch> {
    let batch = |rows: &[Vec<Value<'_>>]| {
        let mut batch = RowBatch::new(rows[0].len());
        rows.iter().for_each(|row| batch.push_row(row.iter().copied()));
        batch
    };
    rows.chunks(rows_per_batch).map(batch).collect()
}

fn stream_of(batches: Vec<RowBatch>) -> RowStream {
    stream::iter(batches.into_iter().map(Ok)).boxed()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn sorted(batches: Vec<RowBatch>, table: &Table, memory_bytes: usize) -> Vec<RowBatch> {
    let options = SortOptions { memory_bytes, folder: None };
    run(sort(stream_of(batches), table, &options).try_collect()).expect("the rows are sorted")
}

fn keys(table: &Table, batches: &[RowBatch]) -> Vec<Vec<u8>> {
    let rows = batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| {
        let mut out = Vec::new();
        key::encode(&table.key, batch, row, &mut out).expect("keys of the native form");
        out
    })
    .collect()
}

/// Rows as text, for comparing sets of them.
fn printed(batches: &[RowBatch]) -> Vec<String> {
    let rows = batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| format!("{:?}", batch.row(row).collect::<Vec<_>>())).collect()
}

/// Numbers that look shuffled, each with some bytes beside it.
fn shuffled(count: i64) -> Vec<RowBatch> {
    let filler = [b'x'; 100];
    let rows: Vec<_> = (0..count)
        .map(|number| vec![Value::Integer(number.wrapping_mul(7919) % count), Value::Blob(&filler)])
        .collect();
    batches(&rows, 100)
}

#[test]
fn many_runs_are_merged_in_several_passes() {
    let table = table(2, first_column());
    // About 30 rows a run and two runs at once: ten passes.
    let out = sorted(shuffled(20_011), &table, 4_000);
    let numbers: Vec<_> =
        out.iter().flat_map(|batch| (0..batch.rows()).map(|row| batch.value(row, 0))).collect();
    assert_eq!(numbers, (0..20_011).map(Value::Integer).collect::<Vec<_>>());
}

#[test]
fn batches_are_cut_at_the_target_size() {
    let table = table(2, first_column());
    for memory_bytes in [1 << 30, 1 << 20] {
        let out = sorted(shuffled(50_000), &table, memory_bytes);
        let (last, others) = out.split_last().expect("there are batches");
        assert!(!last.is_empty());
        let size = |batch: &RowBatch| batch.bytes() + batch.rows() * 10;
        assert!(others.iter().all(|batch| size(batch).abs_diff(RowBatch::TARGET_BYTES) < 200));
    }
}

#[test]
fn no_rows_give_no_batch() {
    let table = table(2, first_column());
    assert!(sorted(Vec::new(), &table, 1_000).is_empty());
    assert!(sorted(vec![RowBatch::new(2)], &table, 1_000).is_empty());
}

#[test]
fn an_error_of_the_input_ends_the_output() {
    let table = table(2, first_column());
    let mut input: Vec<_> = shuffled(1_000).into_iter().map(Ok).collect();
    input.push(Err(EngineError::new(ErrorKind::Unreachable, "gone")));
    let out: Vec<_> = run(sort(stream::iter(input).boxed(), &table, &SortOptions::default()).collect());
    assert!(matches!(&out[..], [Err(error)] if error.kind() == ErrorKind::Unreachable));
}

#[test]
fn a_value_without_the_keys_form_is_an_error() {
    let key = Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Integer }], unique: true };
    let input = stream_of(batches(&[vec![Value::Text(b"seven")]], 1));
    let out: Vec<_> = run(sort(input, &table(1, key), &SortOptions::default()).collect());
    assert!(matches!(&out[..], [Err(error)] if error.kind() == ErrorKind::Unstorable));
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let options = SortOptions { memory_bytes: 1_000, folder: Some("/nowhere/at all".into()) };
    let out: Vec<_> = run(sort(stream_of(shuffled(1_000)), &table(2, first_column()), &options).collect());
    assert!(matches!(&out[..], [Err(error)] if error.to_string().contains("/nowhere/at all")));
}

#[test]
fn dropping_the_stream_stops_reading() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let endless = stream::iter(shuffled(1_000).into_iter().cycle().map(Ok));
    let input = endless.inspect(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    run(async {
        let mut out = sort(
            input.boxed(),
            &table(2, first_column()),
            &SortOptions { memory_bytes: 10_000, folder: None },
        );
        let bound = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(bound, out.next()).await.is_err(), "endless rows are never sorted");
    });
    // The runtime has waited for the sorting thread.
    assert!(taken.load(Ordering::Relaxed) > 0);
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        Just(OwnedValue::Null),
        (-3i64..3).prop_map(OwnedValue::Integer),
        prop_oneof![Just(0.0f64), Just(-0.0), Just(1.5), Just(2.0)]
            .prop_map(|real| OwnedValue::Real(real.to_bits())),
        prop::collection::vec(0u8..3, 0..20).prop_map(OwnedValue::Text),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(OwnedValue::Blob),
    ]
}

#[derive(Debug, Clone)]
enum OwnedValue {
    Null,
    Integer(i64),
    Real(u64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl OwnedValue {
    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Real(bits) => Value::Real(*bits),
            Self::Text(bytes) => Value::Text(bytes),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_come_out_sorted_and_complete(
        rows in prop::collection::vec(prop::collection::vec(any_value(), 3), 0..200),
        rows_per_batch in 1usize..50,
        memory_bytes in 100usize..20_000,
    ) {
        let table = table(3, Key::whole_row(3));
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(OwnedValue::borrow).collect()).collect();
        let input = batches(&rows, rows_per_batch);
        let spilled = sorted(input.clone(), &table, memory_bytes);
        let keys = keys(&table, &spilled);
        prop_assert!(keys.is_sorted());

        let in_memory = sorted(input.clone(), &table, 1 << 30);
        prop_assert_eq!(printed(&spilled), printed(&in_memory));
        let (mut before, mut after) = (printed(&input), printed(&spilled));
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
    }
}
