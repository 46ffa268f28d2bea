//! Tables that are read as they lie: which are chosen, and what comes then.

use std::time::Duration;

use futures::TryStreamExt;
use rowkeep_engine::conformance::read;
use rowkeep_engine::{View, ViewOptions};
use rowkeep_format::{RowBatch, Table, key};

use super::server::{Database, Server};

super::on_every_server!(
    rows_that_lie_in_order_are_read_as_they_lie,
    others_are_not,
    changed_tables_are_not,
    stale_statistics_are_believed_and_found_out,
);

const ROWS: u32 = 120_000;

/// A table that nobody but the test changes or analyses, and its rows.
fn table(name: &str, columns: &str, rows: &str) -> String {
    format!(
        "CREATE TABLE {name} ({columns}, filler text DEFAULT repeat('x', 40)) WITH (autovacuum_enabled = off);
         INSERT INTO {name} {rows}; ANALYZE {name};"
    )
}

fn numbers(value: &str, order: &str) -> String {
    format!("SELECT {value} FROM generate_series(1, {ROWS}) n ORDER BY {order}")
}

/// Reads the table as it lies, where that is offered, and says whether it came in key order.
async fn as_it_lies(view: &dyn View, table: &Table) -> Option<(RowBatch, bool)> {
    let mut rows = view.rows_in_physical_order(table).await.expect("the reading begins")?;
    let mut all = RowBatch::new(table.columns.len());
    let (mut last, mut in_order) = (Vec::new(), true);
    while let Some(batch) = rows.try_next().await.expect("the rows are read") {
        for row in 0..batch.rows() {
            let mut this = Vec::new();
            key::encode(&table.key, &batch, row, &mut this).expect("keys have their form");
            in_order &= last < this;
            last = this;
        }
        all.extend(&batch, 0..batch.rows());
    }
    Some((all, in_order))
}

async fn offered(database: &Database) -> Vec<String> {
    let view = database.server.engine(&database.name).open(&ViewOptions::default()).await.expect("it opens");
    let mut offered = Vec::new();
    for table in &view.schema().tables {
        if view.rows_in_physical_order(table).await.expect("the reading begins").is_some() {
            offered.push(table.name.to_string());
        }
    }
    offered
}

async fn rows_that_lie_in_order_are_read_as_they_lie(server: Server) {
    let database = server.database().await;
    for sql in [
        table("a", "id bigint PRIMARY KEY", &numbers("n", "n")),
        table("b", "x integer, y integer, PRIMARY KEY (x, y)", &numbers("n / 4, n % 4", "n")),
        table(
            "c",
            "at timestamptz PRIMARY KEY",
            &numbers("'2001-01-01'::timestamptz + n * '1 day'::interval", "n"),
        ),
        table("d", "id numeric PRIMARY KEY", &numbers("n / 7.0 - 500", "n")),
        "CREATE TABLE e (id integer PRIMARY KEY, filler text) PARTITION BY RANGE (id);
         CREATE TABLE e0 PARTITION OF e FOR VALUES FROM (0) TO (100000);
         CREATE TABLE e1 PARTITION OF e FOR VALUES FROM (100000) TO (1000000);"
            .to_owned(),
        format!("INSERT INTO e {}; ANALYZE e0; ANALYZE e1; ANALYZE e", numbers("n, repeat('y', 70)", "n")),
        "CREATE TABLE parent (id integer PRIMARY KEY, filler text); CREATE TABLE child () INHERITS (parent);"
            .to_owned(),
        format!(
            "INSERT INTO parent {}; INSERT INTO child VALUES (7, ''); ANALYZE",
            numbers("n, repeat('y', 70)", "n")
        ),
    ] {
        database.run(&sql).await;
    }
    assert_eq!(offered(&database).await, ["a", "b", "c", "d", "e0", "parent"]);
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    for table in &view.schema().tables {
        if let Some((rows, in_order)) = as_it_lies(&*view, table).await {
            assert!(in_order, "{} lies in order", table.name);
            assert!(rows == read(&*view, table).await, "{}: the same rows both ways", table.name);
        }
    }
}

async fn others_are_not(server: Server) {
    let database = server.database().await;
    for sql in [
        table("shuffled", "id bigint PRIMARY KEY", &numbers("n", "(n * 7919) % 120001")),
        table("descending", "id bigint PRIMARY KEY", &numbers("n", "-n")),
        table(
            "by_another_column",
            "x integer, id bigint PRIMARY KEY",
            &numbers("n, (n * 7919) % 120001", "n"),
        ),
        table("texts", "id text COLLATE \"en_US\" PRIMARY KEY", &numbers("lpad(n::text, 9, '0')", "n")),
        table("no_key", "id integer", &numbers("n", "n")),
        table("small", "id bigint PRIMARY KEY", "SELECT n FROM generate_series(1, 100) n"),
        table("unknown", "id bigint PRIMARY KEY", &numbers("n", "n")).replace("ANALYZE unknown;", ""),
    ] {
        database.run(&sql).await;
    }
    assert_eq!(offered(&database).await, Vec::<String>::new());
}

/// The server's counters tell that rows may have moved since the statistics were taken.
async fn changed_tables_are_not(server: Server) {
    let database = server.database().await;
    for name in ["kept", "updated", "deleted"] {
        database.run(&table(name, "id bigint PRIMARY KEY", &numbers("n", "n"))).await;
    }
    assert_eq!(offered(&database).await, ["deleted", "kept", "updated"]);
    database.run("UPDATE updated SET filler = 'y' WHERE id = 5; DELETE FROM deleted WHERE id = 5").await;
    // Counters come when a session has nothing to do, and at the latest when it ends.
    for _ in 0..300 {
        if offered(&database).await == ["kept"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?} are offered", offered(&database).await);
}

async fn stale_statistics_are_believed_and_found_out(server: Server) {
    let database = server.database().await;
    for name in ["updated", "refilled", "composite"] {
        let columns = "x integer, id bigint, PRIMARY KEY (x, id)";
        database.run(&table(name, columns, &numbers("n / 10, n", "n"))).await;
    }
    database.run("UPDATE updated SET filler = 'y' WHERE id = 5").await;
    database.run("DELETE FROM refilled WHERE id BETWEEN 500 AND 900").await;
    database.run("VACUUM (INDEX_CLEANUP ON) refilled").await;
    database.run("INSERT INTO refilled SELECT 1000000, n FROM generate_series(1, 100) n").await;
    database.run("DELETE FROM composite WHERE id = 57; INSERT INTO composite VALUES (5, 57)").await;
    // What a crash of the server does to its counters. Those of sessions that are still ending may come after it.
    for _ in 0..300 {
        database.run("SELECT pg_stat_reset()").await;
        if offered(&database).await == ["composite", "refilled", "updated"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    assert_eq!(view.schema().tables.len(), 3);
    for table in &view.schema().tables {
        let (rows, in_order) =
            as_it_lies(&*view, table).await.expect("the statistics say that it is in order");
        assert!(!in_order, "{} is not in order any more", table.name);
        let read = read(&*view, table).await;
        assert!(rows != read && rows.rows() == read.rows(), "{}: `rows` sorts", table.name);
    }
}
