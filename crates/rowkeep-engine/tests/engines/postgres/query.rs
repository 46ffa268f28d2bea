//! Statements of others that only read.

use rowkeep_engine::{ErrorKind, QueryRows};
use rowkeep_format::Value;

use super::changes::Owned;
use super::server::{Server, chain};

super::on_every_server!(rows_are_as_views_give_them, only_reading_is_allowed, dropped_queries_end);

fn texts(rows: &QueryRows) -> Vec<Vec<Option<String>>> {
    let text = |value| match value {
        Value::Null => None,
        Value::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        other => unreachable!("PostgreSQL gives text, not {other:?}"),
    };
    (0..rows.rows.rows()).map(|row| rows.rows.row(row).map(text).collect()).collect()
}

async fn rows_are_as_views_give_them(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, d timestamptz, b bytea, f float8);
         INSERT INTO t SELECT n, '2026-01-01 00:00+00', '\\x00ff', 1.0 / n FROM generate_series(1, 7) n;",
    )
    .await;
    let engine = owned.engine();
    let rows = engine.query("SELECT *, NULL, E'a\\tb' AS \"A b\" FROM t ORDER BY id DESC; -- all", 2).await;
    let rows = rows.expect("the query is answered");
    assert_eq!(rows.columns, ["id", "d", "b", "f", "?column?", "A b"]);
    assert!(rows.more);
    let first =
        ["7", "2026-01-01 00:00:00+00", "\\x00ff", "0.14285714285714285"].map(|text| Some(text.to_owned()));
    assert_eq!(texts(&rows)[0][..4], first);
    assert_eq!(texts(&rows)[1][4..], [None, Some("a\tb".to_owned())]);
    for (sql, limit, count, more) in [
        ("TABLE t", 7, 7, false),
        ("(VALUES (1), (2))", 1, 1, true),
        ("WITH x AS (SELECT 1) SELECT * FROM x /* ; */", 10, 1, false),
        ("SELECT FROM t", 10, 7, false),
        ("SELECT 1 WHERE false", 10, 0, false),
        ("SELECT 1", 0, 0, true),
        ("SHOW server_version", 10, 1, false),
        ("EXPLAIN ANALYZE SELECT count(*) FROM t", 1, 1, true),
    ] {
        let rows = engine.query(sql, limit).await.unwrap_or_else(|error| panic!("{sql}: {}", chain(&error)));
        assert_eq!((rows.rows.rows(), rows.more), (count, more), "{sql}");
    }
}

async fn only_reading_is_allowed(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE SEQUENCE s; INSERT INTO t VALUES (1)",
    )
    .await;
    let dump = owned.database.dump().await;
    for engine in [owned.engine(), server.engine(&owned.database.name)] {
        for (sql, words) in [
            ("SELEC 1", "syntax error at or near \"SELEC\""),
            ("SELECT * FROM nowhere", "relation \"nowhere\" does not exist"),
            ("SELECT 1; SELECT 2", "one statement"),
            ("", "one statement"),
            ("SELECT $1::int", "parameter"),
            ("SELECT 1 / 0", "division by zero"),
            ("DELETE FROM t", "DELETE"),
            ("WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", "WITH"),
            ("SELECT nextval('s')", "read-only"),
            ("SELECT setval('s', 5)", "read-only"),
            ("EXPLAIN ANALYZE DELETE FROM t", "read-only"),
            ("COMMIT", "COMMIT"),
            ("SET TRANSACTION READ WRITE", "SET"),
            ("SELECT set_config('transaction_read_only', 'off', false), nextval('s')", "read-write mode"),
            ("COPY t TO PROGRAM 'true'", "COPY"),
            ("DO 'BEGIN END'", "DO"),
        ] {
            let error = engine.query(sql, 10).await.expect_err(sql);
            assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {}", chain(&error));
            assert!(chain(&error).contains(words), "{sql}: {}", chain(&error));
        }
    }
    // Older servers let it be created, and it is gone with the transaction.
    let _ = owned.engine().query("SELECT lo_create(0)", 10).await;
    assert_eq!(owned.database.dump().await, dump);
}

async fn dropped_queries_end(server: Server) {
    let owned = Owned::new(&server, "").await;
    let engine = owned.engine();
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(1000)%' \
                   AND pid <> pg_backend_pid() AND state = 'active'";
    let query = tokio::spawn(async move { engine.query("SELECT pg_sleep(1000)", 1).await.map(|_| ()) });
    owned.database.until(running, |count| count != "0").await;
    query.abort();
    owned.database.until(running, |count| count == "0").await;
}
