//! Rows by the values of some columns.

use futures::TryStreamExt;
use rowkeep_engine::{View, ViewOptions};
use rowkeep_format::{RowBatch, Table, Value};

use super::changes::{Owned, table};
use super::server::{Server, chain};

super::on_every_server!(
    rows_are_found_once,
    null_equals_null,
    every_type_is_found,
    what_is_no_table_is_found,
    indexes_are_used
);

async fn found(view: &dyn View, table: &Table, columns: &[usize], values: &[&[Option<&str>]]) -> RowBatch {
    let mut wanted = RowBatch::new(columns.len());
    for row in values {
        wanted.push_row(row.iter().map(|text| text.map_or(Value::Null, |text| Value::Text(text.as_bytes()))));
    }
    let rows = view.find(table, columns, &wanted).await.expect("the rows are looked for");
    let batches: Vec<RowBatch> =
        rows.try_collect().await.unwrap_or_else(|error| panic!("{}: {}", table.name, chain(&error)));
    let mut all = RowBatch::new(table.columns.len());
    for batch in &batches {
        all.extend(batch, 0..batch.rows());
    }
    all
}

fn first_column(rows: &RowBatch) -> Vec<String> {
    let mut texts: Vec<String> = (0..rows.rows())
        .map(|row| String::from_utf8_lossy(rows.columns()[0].bytes(row)).into_owned())
        .collect();
    texts.sort();
    texts
}

async fn rows_are_found_once(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, n numeric UNIQUE, a integer, b text);
         INSERT INTO t SELECT n, n + 0.50, n % 3, 'b' || n % 2 FROM generate_series(1, 12) n;",
    )
    .await;
    let view = owned.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let table = table(view.schema(), "t");
    owned.run("DELETE FROM t").await;
    let rows = found(&*view, &table, &[0], &[&[Some("3")], &[Some("3")], &[Some("77")], &[Some("12")]]).await;
    assert_eq!(first_column(&rows), ["12", "3"]);
    let rows = found(&*view, &table, &[1], &[&[Some("1.5")], &[Some("1.500")], &[Some("NaN")]]).await;
    assert_eq!(first_column(&rows), ["1"]);
    let rows = found(&*view, &table, &[3, 2], &[&[Some("b0"), Some("0")], &[Some("b1"), Some("1")]]).await;
    assert_eq!(first_column(&rows), ["1", "12", "6", "7"]);
    assert_eq!(found(&*view, &table, &[3], &[]).await.rows(), 0);
}

async fn null_equals_null(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TYPE pair AS (a integer, b integer); CREATE TABLE t (id integer, a integer, p pair);
         INSERT INTO t VALUES (1, NULL, NULL), (2, 1, NULL), (3, NULL, ROW(NULL, NULL)), (4, NULL, ROW(1, NULL)), (5, 1, ROW(1, NULL));",
    )
    .await;
    let view = owned.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let table = table(view.schema(), "t");
    let rows = found(&*view, &table, &[1, 2], &[&[None, None], &[Some("1"), Some("(1,)")]]).await;
    assert_eq!(first_column(&rows), ["1", "5"]);
    let rows = found(&*view, &table, &[2], &[&[Some("(,)")], &[None]]).await;
    assert_eq!(first_column(&rows), ["1", "2", "3"]);
}

async fn every_type_is_found(server: Server) {
    let setup = super::apply::all_types();
    let owned = Owned::new(&server, &setup).await;
    let view = owned.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let table = table(view.schema(), "t");
    let rows: Vec<RowBatch> =
        view.rows(&table).await.expect("the rows are read").try_collect().await.expect("the rows are read");
    let last = rows[0].rows() - 1;
    for column in 0..table.columns.len() {
        let value = rows[0].columns()[column].bytes(last);
        let text = std::str::from_utf8(value).expect("it is UTF-8");
        let rows = found(&*view, &table, &[column], &[&[Some(text)]]).await;
        assert!(first_column(&rows).contains(&"10".to_owned()), "{}: {text}", table.columns[column].name);
    }
}

async fn what_is_no_table_is_found(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE SEQUENCE a; CREATE SEQUENCE b; SELECT lo_from_bytea(7, 'x'); SELECT lo_from_bytea(8, 'y');",
    )
    .await;
    let view = owned.engine().open(&ViewOptions::default()).await.expect("the database opens");
    let rows = found(&*view, &table(view.schema(), "sequences"), &[1], &[&[Some("b")]]).await;
    assert_eq!(rows.rows(), 1);
    for name in ["large_objects", "large_object_data"] {
        let rows = found(&*view, &table(view.schema(), name), &[0], &[&[Some("8")], &[Some("9")]]).await;
        assert_eq!(first_column(&rows), ["8"], "{name}");
    }
}

/// Rows of a large table are found without reading it, as the server's own counters tell.
async fn indexes_are_used(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v citext UNIQUE);
         INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 20000) n; ANALYZE t;",
    )
    .await;
    let other = if owned.has_citext { "V777" } else { "v777" };
    for (column, value, index) in [(0, "777", "t_pkey"), (1, other, "t_v_key")] {
        let view = owned.engine().open(&ViewOptions::default()).await.expect("the database opens");
        let rows = found(&*view, &table(view.schema(), "t"), &[column], &[&[Some(value)]]).await;
        assert_eq!(first_column(&rows), ["777"]);
        // Sessions tell what they did when they end.
        drop(view);
        let scans = format!("SELECT idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
        owned.database.until(&scans, |count| count != "0").await;
    }
}
