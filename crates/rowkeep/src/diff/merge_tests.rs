use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Change, KeyForm, Value};

use super::*;

fn shape(unique: bool) -> Shape {
    let key = match unique {
        true => Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique },
        false => Key::whole_row(2),
    };
    Shape { key, columns: 2, compared: vec![0, 1], stays: Vec::new(), repeats: false }
}

fn rows(rows: &[(i64, &str)]) -> Vec<Arc<RowBatch>> {
    rows.chunks(2)
        .map(|rows| {
            let mut batch = RowBatch::new(2);
            rows.iter().for_each(|(id, name)| {
                batch.push_row([Value::Integer(*id), Value::Text(name.as_bytes())]);
            });
            Arc::new(batch)
        })
        .collect()
}

fn told(runs: &[Changes]) -> Vec<String> {
    let mut told = Vec::new();
    for run in runs {
        let row = |batch: &RowBatch, row: usize| match (batch.value(row, 0), batch.value(row, 1)) {
            (Value::Integer(id), Value::Text(name)) => format!("{id}{}", String::from_utf8_lossy(name)),
            other => format!("{other:?}"),
        };
        told.extend(run.iter().map(|change| match change {
            Change::Insert { after } => format!("+{}", row(run.after(), after)),
            Change::Update { before, after } => {
                format!("{}>{}", row(run.before(), before), row(run.after(), after))
            }
            Change::Delete { before } => format!("-{}", row(run.before(), before)),
        }));
    }
    told
}

#[test]
fn rows_of_one_key_are_one_row() {
    let runs = changes(
        &shape(true),
        &Bounds::default(),
        rows(&[(1, "a"), (2, "b"), (3, "c")]),
        rows(&[(2, "x"), (3, "c"), (4, "d")]),
    );
    assert_eq!(told(&runs.expect("in order")), ["-1a", "2b>2x", "+4d"]);
}

#[test]
fn rows_without_key_are_counted() {
    let runs = changes(
        &shape(false),
        &Bounds::default(),
        rows(&[(1, "a"), (1, "a"), (1, "a"), (2, "b")]),
        rows(&[(1, "a"), (2, "b"), (2, "b")]),
    );
    assert_eq!(told(&runs.expect("in order")), ["-1a", "-1a", "+2b"]);
}

#[test]
fn rows_beyond_the_bounds_do_not_count() {
    let bound = |id: i64| {
        let mut key = Vec::new();
        key::encode(&shape(true).key, &rows(&[(id, "")])[0], 0, &mut key).expect("a key");
        Some(key)
    };
    let bounds = Bounds { lower: bound(2), upper: bound(4) };
    let runs = changes(&shape(true), &bounds, rows(&[(1, "a"), (2, "b")]), rows(&[(3, "c"), (4, "d")]));
    assert_eq!(told(&runs.expect("in order")), ["-2b", "+3c"]);
}

#[test]
fn columns_that_do_not_count_change_nothing() {
    let shape = Shape { compared: vec![0], ..shape(true) };
    let runs = changes(&shape, &Bounds::default(), rows(&[(1, "a")]), rows(&[(1, "b")]));
    assert_eq!(runs, Ok(Vec::new()));
}

#[test]
fn values_stay_of_columns_that_the_other_state_lacks() {
    let key = Key { columns: Vec::new(), unique: true };
    let shape = Shape { key, compared: vec![1], stays: vec![0], ..shape(true) };
    let runs = changes(&shape, &Bounds::default(), rows(&[(1, "a")]), rows(&[(2, "b")]));
    assert_eq!(told(&runs.expect("in order")), ["1a>1b"]);
}

#[test]
fn the_others_of_a_key_come_and_go_where_it_may_repeat() {
    let shape = Shape { repeats: true, ..shape(true) };
    let runs = changes(
        &shape,
        &Bounds::default(),
        rows(&[(1, "a"), (2, "b"), (2, "c")]),
        rows(&[(1, "x"), (1, "y"), (2, "b")]),
    );
    assert_eq!(told(&runs.expect("in order")), ["1a>1x", "+1y", "-2c"]);
}

#[test]
fn two_rows_of_one_key_are_refused() {
    let runs = changes(&shape(true), &Bounds::default(), rows(&[(1, "a")]), rows(&[(2, "b"), (2, "c")]));
    assert_eq!(runs, Err(FormatError::OutOfOrder { row: 1 }));
}
