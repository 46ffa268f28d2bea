//! Finding rows, and running statements that read.

use futures::TryStreamExt;
use rowkeep_format::{RowBatch, Table, Value};

use super::fixture::Fixture;
use super::refusals::with_causes;
use super::sandbox::{numbers, read, table};
use crate::{Consistency, ErrorKind, View, ViewOptions};

/// Where rows between two others can be read, they are those that all rows have between them.
pub async fn rows_lie_between_others(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    let numbers = numbers(300);
    sandbox
        .run(&format!(
            "CREATE TABLE i (id integer PRIMARY KEY, v text);
             {numbers} INSERT INTO i SELECT (n * 7919) % 5003 - 2000, 'v' FROM numbers;
             CREATE TABLE t (k text NOT NULL PRIMARY KEY, v integer);
             INSERT INTO t VALUES ('b', 1), ('B', 2), ('a', 3), ('ä', 4), ('', 5), ('a b', 6), ('a-b', 7), ('10', 8), ('9', 9);
             CREATE TABLE c (v text, b text NOT NULL, a integer NOT NULL, PRIMARY KEY (a, b));
             {numbers} INSERT INTO c SELECT NULL, CAST(n AS text), n % 7 FROM numbers;
             CREATE TABLE none (v integer);
             INSERT INTO none VALUES (1), (2), (2), (3)"
        ))
        .await;
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let mut told = 0;
    for name in ["i", "t", "c", "none"] {
        let table = table(view.schema(), name);
        let rows = read(&*view, table).await;
        let one = |row: usize| {
            let mut one = RowBatch::new(rows.columns().len());
            one.extend(&rows, row..row + 1);
            one
        };
        let last = rows.rows() - 1;
        for (after, before) in [
            (None, None),
            (Some(0), Some(last)),
            (Some(2), Some(3)),
            (None, Some(2)),
            (Some(last / 2), None),
            (None, Some(0)),
            (Some(last), None),
            (Some(last / 3), Some(last / 2 + 1)),
        ] {
            let (above, below) = (after.map(one), before.map(one));
            let between =
                view.rows_between(table, above.as_ref(), below.as_ref()).await.expect("nothing fails");
            let Some(between) = between else { continue };
            told += 1;
            let batches: Vec<RowBatch> = between.try_collect().await.expect("rows are read");
            let found: Vec<_> = batches.iter().flat_map(words).collect();
            let expected = after.map_or(0, |row: usize| row + 1)..before.unwrap_or(rows.rows());
            assert!(found == words(&rows)[expected], "{name}: {after:?} to {before:?}");
        }
    }
    assert!(told >= 8 || !fixture.abilities().reads_between, "that of integers can be read");
}

async fn found(view: &dyn View, table: &Table, columns: &[&str], values: &RowBatch) -> Vec<Vec<String>> {
    let columns: Vec<_> = columns.iter().map(|name| place(table, name)).collect();
    let batches: Vec<_> = view
        .find(table, &columns, values)
        .await
        .expect("rows are looked for")
        .try_collect()
        .await
        .expect("rows are found");
    let mut rows: Vec<_> = batches.iter().flat_map(words).collect();
    rows.sort();
    rows
}

fn words(batch: &RowBatch) -> Vec<Vec<String>> {
    (0..batch.rows()).map(|row| batch.row(row).map(|value| format!("{value:?}")).collect()).collect()
}

fn place(table: &Table, name: &str) -> usize {
    table.columns.iter().position(|column| column.name == name).unwrap_or_else(|| panic!("a column {name}"))
}

/// The rows of a batch that are wanted, in some columns.
fn values(table: &Table, rows: &RowBatch, columns: &[&str], wanted: &[usize]) -> RowBatch {
    let mut out = RowBatch::new(columns.len());
    for row in wanted {
        out.push_row(columns.iter().map(|name| rows.value(*row, place(table, name))));
    }
    out
}

/// Rows are found by what some columns have, each once, wherever there is an index and where there is none.
pub async fn rows_are_found_by_their_values(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    let numbers = numbers(2_000);
    sandbox
        .run(&format!(
            "CREATE TABLE t (id integer PRIMARY KEY, a integer, b text, c text); CREATE INDEX i ON t (a, b);
             {numbers} INSERT INTO t SELECT n, n % 50, CASE WHEN n % 3 = 0 THEN NULL ELSE 'x' END, 'c' || CAST(n % 4 AS text) FROM numbers;
             CREATE TABLE k (v text); INSERT INTO k VALUES ('same'), ('same'), (NULL), (NULL), ('other')"
        ))
        .await;
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let (t, k) = (table(view.schema(), "t"), table(view.schema(), "k"));
    let rows = read(&*view, t).await;
    for columns in [&["id"][..], &["a"], &["b"], &["c"], &["a", "b"], &["c", "a"], &["b", "id", "c"]] {
        // Some are wanted twice.
        let wanted = values(t, &rows, columns, &[0, 2, 5, 2, 777, 52]);
        let has = |row: &usize| {
            let this: Vec<_> = columns.iter().map(|name| rows.value(*row, place(t, name))).collect();
            (0..wanted.rows()).any(|other| wanted.row(other).collect::<Vec<_>>() == this)
        };
        let all = words(&rows);
        let mut expected: Vec<_> = (0..rows.rows()).filter(has).map(|row| all[row].clone()).collect();
        expected.sort();
        assert!(found(&*view, t, columns, &wanted).await == expected, "by {columns:?}");
    }
    let nothing = RowBatch::new(1);
    assert!(found(&*view, t, &["a"], &nothing).await.is_empty());
    let mut absent = RowBatch::new(1);
    absent.push_row([Value::Null]);
    assert!(found(&*view, t, &["a"], &absent).await.is_empty());

    let rows = read(&*view, k).await;
    let all: Vec<usize> = (0..rows.rows()).collect();
    let wanted = values(k, &rows, &["v"], &all);
    assert_eq!(found(&*view, k, &["v"], &wanted).await.len(), 5, "rows that are the same are all found");
    let mut null = RowBatch::new(1);
    null.push_row([Value::Null]);
    assert_eq!(found(&*view, k, &["v"], &null).await.len(), 2, "NULL is NULL here");
}

/// Rows are found in the view's own state, many of them, and by many values at once.
pub async fn rows_are_found_in_the_state_of_the_view(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    let numbers = numbers(20_000);
    sandbox
        .run(&format!(
            "CREATE TABLE t (id integer PRIMARY KEY, v text); {numbers} INSERT INTO t SELECT n, 'value ' || CAST(n % 10 AS text) FROM numbers;"
        ))
        .await;
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    if view.consistency() == Consistency::Moving {
        return;
    }
    let t = table(view.schema(), "t");
    let rows = read(&*view, t).await;
    let write = sandbox.run("DELETE FROM t WHERE id % 2 = 0");
    tokio::time::timeout(std::time::Duration::from_secs(60), write).await.expect("writers are not held up");
    let every_other: Vec<usize> = (0..rows.rows()).step_by(2).collect();
    let wanted = values(t, &rows, &["id"], &every_other);
    assert_eq!(found(&*view, t, &["id"], &wanted).await.len(), 10_000);
    let wanted = values(t, &rows, &["v"], &[0, 1]);
    assert_eq!(found(&*view, t, &["v"], &wanted).await.len(), 4_000);
}

/// A statement gives its columns and its first rows.
pub async fn statements_that_read(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    sandbox
        .run("CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, '')")
        .await;
    let engine = sandbox.engine();
    let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
    let rows = read(&*view, table(view.schema(), "t")).await;
    drop(view);
    let all =
        engine.query("SELECT id, v AS \"the value\" FROM t ORDER BY id; -- all", 3).await.expect("rows");
    assert_eq!(all.columns, ["id", "the value"]);
    assert!(all.rows == rows && !all.more, "as the view gives them: {all:?}");
    let some = engine.query("SELECT id, v FROM t ORDER BY id", 2).await.expect("rows");
    assert!(some.rows.rows() == 2 && some.more);
    let none = engine.query("SELECT id FROM t WHERE id > 5", 10).await.expect("no rows");
    assert!(none.rows.is_empty() && !none.more && none.columns == ["id"]);
    let none = engine.query("SELECT id FROM t", 0).await.expect("no rows");
    assert!(none.rows.is_empty() && none.more);
}

/// Whatever writes, or is no statement, is refused and has no effect.
pub async fn statements_that_do_more_are_refused(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    sandbox.run("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let (engine, before) = (sandbox.engine(), sandbox.dump().await);
    for sql in [
        "INSERT INTO t VALUES (2)",
        "UPDATE t SET id = 5",
        "DELETE FROM t",
        "CREATE TABLE u (id integer)",
        "DROP TABLE t",
        "SELECT 1; DELETE FROM t",
        "SELECT 1; SELECT 2",
        "COMMIT",
        "BEGIN",
        "SELEKT",
        "SELECT nothing_of_the_sort FROM t",
        "SELECT 1 FROM",
        "",
        "  -- nothing",
    ] {
        let error = engine.query(sql, 10).await.expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {error:?}");
    }
    let error = engine.query("SELECT nothing_of_the_sort FROM t", 10).await.expect_err("no such column");
    assert!(with_causes(&error).contains("nothing_of_the_sort"), "in the database's own words: {error:?}");
    assert!(before == sandbox.dump().await, "nothing has changed");
}
