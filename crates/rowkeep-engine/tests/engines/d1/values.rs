//! What is read is what is there, to the bit: compared with the file in which workerd keeps the database.

use rowkeep_engine::Surroundings;
use rowkeep_engine::conformance::{Rows, Sandbox, assert_same_rows, copy, read_all};
use rowkeep_engine::sqlite::Sqlite;
use rowkeep_format::{RowBatch, Schema};

use super::server::Database;
use crate::sqlite::TestFile;

/// A file as the SQLite engine reads it, without what D1 keeps in it for itself.
async fn read_file(database: &Database, table: &str) -> (Schema, Rows) {
    let file = Sqlite::new(database.file(table), &Surroundings::default());
    let (mut schema, mut rows) = read_all(&file).await;
    schema.tables.retain(|table| !table.name.name.starts_with("_cf_"));
    rows.retain(|name, _| !name.name.starts_with("_cf_"));
    (schema, rows)
}

/// Compares what both ways read with the file, and restores into another file.
async fn assert_exact(database: &Database, table: &str) {
    let (expected, expected_rows) = read_file(database, table).await;
    let (read, rows) = read_all(&*database.over_api()).await;
    assert_eq!(read.tables, expected.tables, "over the API");
    assert_same_rows(&rows, &expected_rows);
    let (over_worker, rows) = read_all(&*database.over_worker()).await;
    assert_eq!(over_worker, read, "over the Worker");
    assert_same_rows(&rows, &expected_rows);
    let restored = TestFile::new();
    let notes = copy(&*database.over_worker(), &restored.sqlite()).await;
    assert_eq!(notes, Vec::<String>::new(), "nothing is left out");
    let (schema, rows) = read_all(&restored.sqlite()).await;
    assert_eq!(schema, read, "definitions included");
    assert_same_rows(&rows, &expected_rows);
}

/// Every kind of value, where JavaScript and JSON change it and where not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_arrive_to_the_bit() {
    let database = Database::new();
    let mut sql = String::from(
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, v, t TEXT, r REAL);
         INSERT INTO odd (v) VALUES (9007199254740991), (9007199254740992), (9007199254740993), (-9007199254740993),
           (9223372036854775807), (-9223372036854775808), (0), (-1), (NULL), (1.0), (-0.0), (0.0), (9e999), (-9e999),
           (5e-324), (2.2250738585072014e-308), (1.7976931348623157e308), (0.1), (1e23), (9007199254740994.0), (1e15),
           (x''), (x'00ff10'), (CAST(x'61ff62' AS TEXT)), (CAST(x'e282' AS TEXT)), (CAST(x'f09f98' AS TEXT)),
           (CAST(x'eda080' AS TEXT)), (CAST(x'efbbbf61' AS TEXT)), (CAST(x'efbfbd' AS TEXT)), (CAST(x'610062' AS TEXT)),
           (''), ('[0,255]'), ('it''s \"quoted\" \\ back'), ('é🦀' || char(8232, 127, 31)), ('9007199254740993'),
           (zeroblob(70000)), (zeroblob(1900000)), (replace(hex(zeroblob(30000)), '0', 'é')), (CAST(randomblob(120000) AS TEXT));
         UPDATE odd SET t = v, r = v WHERE typeof(v) <> 'blob' AND id % 2 = 0;
         CREATE TABLE strict (a ANY, b INTEGER, c TEXT, d BLOB, e REAL) STRICT;
         INSERT INTO strict VALUES (1, 1, '1', x'01', 1), (1.0, NULL, NULL, NULL, 0.5), ('1', 2, '', x'', -0.0), (x'01', 3, 'x', x'02', 9e999);",
    );
    for seed in 1..40 {
        // Reals of all magnitudes, as SQLite computes them.
        sql +=
            &format!("INSERT INTO odd (v) VALUES ({seed}.7 / {}.0 * 1e{});", seed * 7 + 3, seed * 15 - 300);
    }
    database.run(&sql).await;
    assert_exact(&database, "odd").await;
}

/// Tables of every sort, and what else a schema has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_arrive_to_the_letter() {
    let database = Database::new();
    let wide: Vec<String> =
        (0..100).map(|number| format!("\"column \"\"{number}\" TEXT DEFAULT '{number}'")).collect();
    let sql = format!(
        "CREATE TABLE every (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, half AS (id / 2), twice INTEGER AS (id * 2) STORED);
         INSERT INTO every (body) VALUES ('one; two'), ('three'); DELETE FROM every WHERE id = 2;
         CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);
         INSERT INTO d1_migrations (name) VALUES ('0001_init.sql');
         CREATE TABLE wide ({});
         INSERT INTO wide DEFAULT VALUES;
         CREATE TABLE \"odd \"\"name; -- x\" (\"a b\" TEXT, PRIMARY KEY (\"a b\" COLLATE NOCASE DESC)) WITHOUT ROWID;
         INSERT INTO \"odd \"\"name; -- x\" VALUES ('a'), ('B'), ('ß'), ('');
         CREATE TABLE hidden (rowid TEXT, oid TEXT, _rowid_ TEXT); INSERT INTO hidden VALUES ('x', 'y', 'z'), ('x', 'y', 'z');
         CREATE TABLE gaps (v TEXT UNIQUE NOT NULL); INSERT INTO gaps (rowid, v) VALUES (10, 'z'), (-4, 'y'), (9007199254740993, 'x');
         CREATE TABLE child (id INTEGER PRIMARY KEY, every INTEGER REFERENCES every ON DELETE CASCADE CHECK (every > 0));
         INSERT INTO child VALUES (1, 1);
         CREATE INDEX by_body ON every (lower(body)) WHERE id > 0;
         CREATE VIEW later AS SELECT id FROM every;
         CREATE TRIGGER logs AFTER UPDATE ON every BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; INSERT INTO child VALUES (NULL, new.id); END;
         CREATE VIRTUAL TABLE notes USING fts5 (title, body); INSERT INTO notes VALUES ('the fox', 'is quick'), ('the dog', 'is lazy');
         CREATE VIRTUAL TABLE found USING fts5 (body, content='every', content_rowid='id'); INSERT INTO found (found) VALUES ('rebuild');
         CREATE VIRTUAL TABLE alone USING fts5 (body, content=''); INSERT INTO alone (rowid, body) VALUES (1, 'gone');
         ANALYZE;",
        wide.join(", ")
    );
    database.run(&sql).await;
    assert_exact(&database, "every").await;
    let restored = TestFile::new();
    copy(&*database.over_api(), &restored.sqlite()).await;
    let matched = "SELECT group_concat(rowid) FROM notes WHERE notes MATCH 'lazy OR quick'";
    let matched: String = restored.connect().query_row(matched, [], |row| row.get(0)).expect("it is whole");
    assert_eq!(matched, "1,2", "the full-text index works without being built again");
}

/// Tables of many pages, whatever these go by; and answers that fail on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_miss_nothing() {
    let database = Database::new();
    let numbers =
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 6000)";
    let sql = format!(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, v TEXT);
         {numbers} INSERT INTO pages SELECT n * 3 - 9000, 'value ' || n FROM numbers;
         CREATE TABLE composite (a, b TEXT COLLATE NOCASE, c REAL, v TEXT, PRIMARY KEY (a DESC, b, c)) WITHOUT ROWID;
         {numbers} INSERT INTO composite SELECT CASE n % 4 WHEN 0 THEN n % 7 WHEN 1 THEN 'k' || n % 5 WHEN 2 THEN x'00' ELSE 0.5 END,
           char(65 + n % 50), n / 3.0, n FROM numbers WHERE n < 3000;
         CREATE TABLE counted (rowid, oid, _rowid_); {numbers} INSERT INTO counted SELECT n, n % 3, NULL FROM numbers WHERE n < 1200;
         CREATE TABLE long (a TEXT, b TEXT, c TEXT, PRIMARY KEY (a, b, c)) WITHOUT ROWID;
         {numbers} INSERT INTO long SELECT printf('%05d', n) || CASE n WHEN 500 THEN hex(zeroblob(5000)) WHEN 550 THEN hex(zeroblob(30000)) ELSE '' END,
           CASE n WHEN 500 THEN hex(zeroblob(5001)) ELSE n END, CASE n WHEN 500 THEN hex(zeroblob(5002)) ELSE n END FROM numbers WHERE n < 700;
         CREATE TABLE big (id INTEGER PRIMARY KEY, v BLOB); {numbers} INSERT INTO big SELECT n, randomblob(n * 100) FROM numbers WHERE n < 250;"
    );
    database.run(&sql).await;
    assert_exact(&database, "pages").await;

    let (_, expected) = read_file(&database, "pages").await;
    let faults = serde_json::json!(["cut", null, 503, 429, null, null, "gone", null, "cut", 429]);
    for url in [database.faulty_worker_url(), database.api_url()] {
        database.fail(faults.clone()).await;
        let (_, rows) = read_all(&*super::server::engine(&url).expect("an engine")).await;
        assert_same_rows(&rows, &expected);
    }
    let counted: Vec<&RowBatch> =
        expected.iter().filter(|(name, _)| name.name == "counted").map(|(_, rows)| rows).collect();
    assert_eq!(counted[0].rows(), 1199, "the comparison is of what was meant");
}
