//! Changing rows of databases with everything that SQLite allows.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use rowkeep_engine::conformance::{ListedChanges, State, applied};
use rowkeep_engine::{
    Applied, ApplyOptions, ChangeSource, ChangeStream, Engine, EngineError, ErrorKind, OnConflict,
    ViewOptions,
};
use rowkeep_format::{Changes, RowBatch, TableChanges, TableKind, Value};
use rusqlite::functions::FunctionFlags;

use super::{TestFile, integrity, print_exactly};

const EVERYTHING: [TableKind; 3] = [TableKind::Table, TableKind::Shadow, TableKind::Settings];

/// The same as of an application that does not ask for foreign keys to be enforced.
fn unbound(sql: &str) -> String {
    format!("PRAGMA foreign_keys = OFF; {sql}")
}

/// Makes a database by some SQL and changes it by other; gives what leads from one state to the other.
async fn two_states(first: &str, second: &str) -> (TestFile, ListedChanges) {
    let file = TestFile::new();
    let (first, second) = (&unbound(first), &unbound(second));
    file.execute(first);
    let before = State::of_kinds(&file.sqlite(), &EVERYTHING).await;
    file.execute(second);
    let after = State::of_kinds(&file.sqlite(), &EVERYTHING).await;
    (file, before.to(&after))
}

async fn apply(file: &TestFile, changes: &ListedChanges) -> Result<Applied, EngineError> {
    changes.apply(&file.sqlite(), &ApplyOptions::default()).await
}

/// Goes back and forth between two states, which are the same to the byte again.
async fn there_and_back(first: &str, second: &str) -> TestFile {
    let file = TestFile::new();
    let (first, second) = (&unbound(first), &unbound(second));
    file.execute(first);
    let (before, was) = (State::of_kinds(&file.sqlite(), &EVERYTHING).await, print_exactly(&file.connect()));
    file.execute(second);
    let (after, is) = (State::of_kinds(&file.sqlite(), &EVERYTHING).await, print_exactly(&file.connect()));
    let changes = before.to(&after);
    for (changes, expected, when) in [(changes.clone().reversed(), was, "back"), (changes, is, "forth")] {
        let done = apply(&file, &changes).await.unwrap_or_else(|error| panic!("{when}: {error:?}"));
        assert_eq!(done.notes, Vec::<String>::new(), "{when}");
        let now = print_exactly(&file.connect());
        let difference = now.lines().zip(expected.lines()).find(|(now, expected)| now != expected);
        assert!(now == expected, "{when}; first difference: {difference:#?}");
    }
    assert_eq!(integrity(&file.connect()), "ok");
    file
}

const VALUES: &str = "(NULL), (0), (1), (-1), (9007199254740993), (9223372036854775807), (-9223372036854775808),
    (0.0), (-0.0), (1.0), (0.1), (1e308), (9e999), (5e-324), (9007199254740992.0), (''), ('text'),
    (CAST(x'610062' AS TEXT)), (CAST(x'ff00fe80c3' AS TEXT)), ('1'), ('1.0'), ('é日本🦀'), (x''), (x'00'), (x'ff00'),
    (zeroblob(100000)), (x'31')";

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_kind() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let (mut first, mut second) = (format!("PRAGMA encoding = '{encoding}';"), String::new());
        for (number, of) in ["", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB"].iter().enumerate() {
            first +=
                &format!("CREATE TABLE t{number} (v {of}, w); INSERT INTO t{number} (v) VALUES {VALUES};");
            second += &format!(
                "UPDATE t{number} SET w = v; UPDATE t{number} SET v = (SELECT o.v FROM t{number} AS o WHERE o.rowid = t{number}.rowid % 27 + 1)
                     WHERE rowid % 2; DELETE FROM t{number} WHERE rowid % 5 = 0; INSERT INTO t{number} SELECT w, v FROM t{number};"
            );
        }
        first +=
            &format!("CREATE TABLE s (a ANY, i INT DEFAULT 5) STRICT; INSERT INTO s (a) VALUES {VALUES};");
        second += "UPDATE s SET a = i, i = rowid WHERE rowid % 2; DELETE FROM s WHERE rowid % 3 = 0;";
        there_and_back(&first, &second).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_every_sort() {
    there_and_back(
        "CREATE TABLE nocase (k TEXT PRIMARY KEY COLLATE NOCASE, v) WITHOUT ROWID; INSERT INTO nocase VALUES ('A', 1), ('b', 2);
         CREATE TABLE rtrim (k TEXT NOT NULL, v, UNIQUE (k COLLATE RTRIM)); INSERT INTO rtrim VALUES ('a', 1), ('b ', 2), ('c', 3);
         CREATE TABLE descending (k1, k2, v, PRIMARY KEY (k1 DESC, k2)) WITHOUT ROWID; INSERT INTO descending VALUES (1, 'x', 1), (1.5, 'x', 2);
         CREATE TABLE made (a INTEGER PRIMARY KEY, b, c AS (b * 2) STORED UNIQUE, d AS (b + 1)); INSERT INTO made (a, b) VALUES (1, 1), (2, 2), (3, 3);
         CREATE TABLE partly (a, b); CREATE UNIQUE INDEX partly_a ON partly (a) WHERE b; INSERT INTO partly VALUES (1, 0), (1, 1), (2, 1);
         CREATE TABLE lowered (a); CREATE UNIQUE INDEX lowered_a ON lowered (lower(a)); INSERT INTO lowered VALUES ('X'), ('y');
         CREATE TABLE \"an \"\"odd\"\" name\" (\"a b\" PRIMARY KEY, \"select\"); INSERT INTO \"an \"\"odd\"\" name\" VALUES (1, 2), (NULL, 3);
         CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO numbered VALUES (5, 'x'), (7, 'y');
         CREATE TABLE later (id INTEGER PRIMARY KEY AUTOINCREMENT, v); PRAGMA user_version = 3;",
        "DELETE FROM nocase WHERE k = 'A'; INSERT INTO nocase VALUES ('a', 9); UPDATE nocase SET v = 5 WHERE k = 'b';
         DELETE FROM rtrim WHERE v = 1; INSERT INTO rtrim VALUES ('a  ', 1); UPDATE rtrim SET v = 0 WHERE k = 'c';
         UPDATE descending SET v = 3 WHERE k1 = 1; INSERT INTO descending VALUES (1, 'y', 4); DELETE FROM descending WHERE k1 = 1.5;
         UPDATE made SET b = -b; UPDATE made SET b = 1 WHERE a = 2; UPDATE made SET b = 2 WHERE a = 1; DELETE FROM made WHERE a = 3;
         UPDATE partly SET b = 0 WHERE a = 1; UPDATE partly SET b = 1 WHERE rowid = 1; DELETE FROM partly WHERE a = 2;
         UPDATE lowered SET a = 'z' WHERE a = 'y'; UPDATE lowered SET a = 'Y' WHERE a = 'X'; UPDATE lowered SET a = 'x' WHERE a = 'z';
         UPDATE \"an \"\"odd\"\" name\" SET \"select\" = 'changed'; INSERT INTO \"an \"\"odd\"\" name\" VALUES (NULL, 4);
         DELETE FROM numbered WHERE id = 7; INSERT INTO numbered (v) VALUES ('z'), ('zz'); INSERT INTO later (v) VALUES ('first');
         PRAGMA user_version = 4; PRAGMA application_id = -9;",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nothing_tells_apart() {
    let file = TestFile::new();
    file.execute("CREATE TABLE t (rowid, _rowid_, oid COLLATE NOCASE); INSERT INTO t VALUES (1, 2, 'a'), (1, 2, 'A'), (1, 2, 'a'), (0.0, 1, 2), (-0.0, 1, 2);");
    let first = State::of(&file.sqlite()).await;
    file.execute(
        "DELETE FROM t; INSERT INTO t VALUES (1, 2, 'a'), (-0.0, 1, 2), (-0.0, 1, 2), (5, 5, 'new');",
    );
    let second = State::of(&file.sqlite()).await;
    let changes = first.to(&second);
    let sorted = |state: &State| {
        let rows = &state.rows[&state.tables[0].name];
        let mut rows: Vec<_> =
            (0..rows.rows()).map(|row| format!("{:?}", rows.row(row).collect::<Vec<_>>())).collect();
        rows.sort();
        rows
    };
    apply(&file, &changes.clone().reversed()).await.expect("back");
    assert_eq!(sorted(&State::of(&file.sqlite()).await), sorted(&first));
    apply(&file, &changes).await.expect("forth");
    assert_eq!(sorted(&State::of(&file.sqlite()).await), sorted(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn full_text_and_spatial_indexes() {
    let file = there_and_back(
        "CREATE TABLE article (id INTEGER PRIMARY KEY, body TEXT);
         CREATE VIRTUAL TABLE search USING fts5 (body, content = article, content_rowid = id);
         CREATE TRIGGER ai AFTER INSERT ON article BEGIN INSERT INTO search (rowid, body) VALUES (new.id, new.body); END;
         CREATE TRIGGER ad AFTER DELETE ON article BEGIN INSERT INTO search (search, rowid, body) VALUES ('delete', old.id, old.body); END;
         INSERT INTO article VALUES (1, 'one day'), (2, 'another day'), (3, 'a night');
         CREATE VIRTUAL TABLE box USING rtree (id, x0, x1); INSERT INTO box VALUES (1, 0, 1), (2, 5, 6);",
        "DELETE FROM article WHERE id = 2; INSERT INTO article VALUES (4, 'the day after'), (5, 'nothing');
         INSERT INTO box VALUES (3, 10, 11); DELETE FROM box WHERE id = 1;",
    )
    .await;
    let connection = file.connect();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("an answer");
    assert_eq!(count("SELECT count(*) FROM search WHERE search MATCH 'day'"), 2);
    assert_eq!(count("SELECT id FROM box WHERE x0 > 9"), 3);
    connection
        .execute_batch("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
        .expect("whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_of_every_sort() {
    there_and_back(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES b ON DELETE CASCADE);
         CREATE TABLE b (id TEXT COLLATE NOCASE PRIMARY KEY, a REFERENCES a (id) ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO b VALUES ('X', 1), ('y', NULL); INSERT INTO a VALUES (1, 'x'), (2, 'Y');
         CREATE TABLE made (id INTEGER PRIMARY KEY, n, twice AS (n * 2) UNIQUE); INSERT INTO made VALUES (1, 10), (2, 20);
         CREATE TABLE of_made (n, twice AS (n) REFERENCES made (twice) ON DELETE SET NULL); INSERT INTO of_made VALUES (20), (40);
         CREATE TABLE orphan (id, up REFERENCES nowhere (id), a REFERENCES a); INSERT INTO orphan VALUES (1, 5, 99), (2, NULL, 1);",
        "DELETE FROM b WHERE id = 'y'; DELETE FROM a WHERE id = 2; INSERT INTO a VALUES (3, 'Z'); INSERT INTO b VALUES ('z', 3);
         DELETE FROM of_made WHERE n = 40; UPDATE made SET n = 11 WHERE id = 2; UPDATE orphan SET id = 7; INSERT INTO orphan VALUES (3, NULL, 3);",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_nothing_are_named() {
    let (file, changes) = two_states(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2); CREATE TABLE c (k TEXT PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
         INSERT INTO c VALUES ('x', 1), ('was an orphan before', 77);",
        "DELETE FROM p WHERE id = 1; UPDATE c SET k = 'is one still' WHERE p = 77;",
    )
    .await;
    let back = changes.clone().reversed();
    apply(&file, &back).await.expect("back");
    let before = print_exactly(&file.connect());
    let error = apply(&file, &changes).await.expect_err("x would be an orphan");
    assert_eq!(error.kind(), ErrorKind::Dangling);
    for said in ["k = 'x' of table c", "FOREIGN KEY (p) REFERENCES p (id)"] {
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(print_exactly(&file.connect()) == before);
    // With triggers, the whole database is looked at; what was broken before is no matter even so.
    let options = ApplyOptions { fire_triggers: true, ..ApplyOptions::default() };
    let error = changes.apply(&file.sqlite(), &options).await.expect_err("x would be an orphan");
    assert_eq!(error.kind(), ErrorKind::Dangling, "{error}");
    changes.clone().only(&["c"]).apply(&file.sqlite(), &options).await.expect("the orphan is none of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_only_go_on() {
    let (file, changes) = two_states(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t VALUES (5, 'x');",
        "INSERT INTO t VALUES (9, 'y');",
    )
    .await;
    let seq = || {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 't'";
        file.connect().query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number")
    };
    // Somebody was given 10 meanwhile.
    file.execute("INSERT INTO t (v) VALUES ('theirs')");
    let done = apply(&file, &changes.clone().reversed()).await.expect("back");
    assert_eq!(seq(), 10);
    assert!(done.notes.iter().any(|note| note.contains("counter of table t")), "{:?}", done.notes);
    // Without the counter's own row, it is past what comes.
    file.execute("DELETE FROM t; DELETE FROM sqlite_sequence;");
    apply(&file, &changes.only(&["t"])).await.expect("forth");
    assert_eq!(seq(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_an_application_has() {
    let file = TestFile::new();
    let theirs = file.connect();
    theirs
        .create_scalar_function(
            "theirs",
            1,
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
            |_| Ok(true),
        )
        .expect("a function");
    theirs.create_collation("their_order", |a: &str, b: &str| b.cmp(a)).expect("a collation");
    theirs
        .execute_batch(
            "CREATE TABLE checked (a INTEGER PRIMARY KEY, b CHECK (theirs(b))); INSERT INTO checked VALUES (1, 2);
             CREATE TABLE sorted (a INTEGER PRIMARY KEY, b COLLATE their_order); CREATE INDEX i ON sorted (b); INSERT INTO sorted VALUES (1, 2);",
        )
        .expect("tables");
    let before = State::of(&file.sqlite()).await;
    theirs
        .execute_batch("INSERT INTO checked VALUES (2, 3); INSERT INTO sorted VALUES (2, 3);")
        .expect("rows");
    let changes = before.to(&State::of(&file.sqlite()).await);
    theirs.execute_batch("DELETE FROM checked WHERE a = 2").expect("a row goes");
    let done = apply(&file, &changes.clone().only(&["checked"])).await.expect("the check is passed over");
    assert!(
        done.notes.iter().any(|note| note.contains("CHECK") && note.contains("checked")),
        "{:?}",
        done.notes
    );
    let error = apply(&file, &changes.reversed().only(&["sorted"]))
        .await
        .expect_err("the index cannot be kept right");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("their_order"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_and_a_writer_is_waited_for() {
    for journal in ["wal", "delete"] {
        let (file, changes) = two_states(
            &format!("PRAGMA journal_mode = {journal}; CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);"),
            "INSERT INTO t VALUES (2);",
        )
        .await;
        let engine = file.sqlite().with_patience(Duration::from_millis(100));
        let back = changes.reversed();
        let other = file.connect();
        other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
        let error = back.apply(&engine, &ApplyOptions::default()).await.expect_err("another writes");
        assert_eq!(error.kind(), ErrorKind::FileBusy, "{journal}: {error}");
        other.execute_batch("ROLLBACK; BEGIN; SELECT count(*) FROM t;").expect("a reader");
        let count =
            || other.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).expect("a count");
        let done = back.apply(&engine, &ApplyOptions::default()).await;
        assert_eq!(count(), 2, "{journal}: a reader reads what it read before");
        other.execute_batch("COMMIT").expect("no reader");
        if journal == "wal" {
            done.expect("readers are not in the way");
        } else {
            assert_eq!(done.expect_err("a reader is in the way").kind(), ErrorKind::FileBusy);
            assert_eq!(count(), 2);
            back.apply(&engine, &ApplyOptions::default()).await.expect("nobody is in the way");
        }
        assert_eq!(count(), 1, "{journal}");
    }
}

/// Gives its first batch, and then nothing for ever.
struct Endless(ListedChanges);

impl ChangeSource for Endless {
    fn tables(&self) -> &[TableChanges] {
        self.0.tables()
    }

    fn read(&self, table: usize) -> ChangeStream {
        self.0.read(table).chain(stream::pending::<Result<Changes, EngineError>>()).boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_future_that_is_dropped_undoes_everything() {
    let (file, changes) = two_states(
        "CREATE TABLE t (a INTEGER PRIMARY KEY); CREATE TABLE endless (n); INSERT INTO t VALUES (1);",
        "INSERT INTO t VALUES (2);",
    )
    .await;
    let before = print_exactly(&file.connect());
    let forever = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let engine = file.sqlite();
    let (none, options) = (
        ApplyOptions::default(),
        ApplyOptions { statements: vec![forever.into()], ..ApplyOptions::default() },
    );
    let back = changes.reversed();
    let apply_endless = engine.apply(Arc::new(Endless(back.clone())), &none);
    assert!(tokio::time::timeout(Duration::from_millis(300), apply_endless).await.is_err());
    let apply_forever = back.apply(&engine, &options);
    assert!(tokio::time::timeout(Duration::from_millis(300), apply_forever).await.is_err());
    assert!(tokio::time::timeout(Duration::from_millis(300), engine.query(forever, 1)).await.is_err());
    // Waits until nobody holds a lock.
    file.execute("BEGIN EXCLUSIVE; COMMIT;");
    assert!(print_exactly(&file.connect()) == before);
}

/// Unlike a future that is dropped, one that is stopped returns when it holds no lock any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_is_undone_before_it_returns() {
    let (file, changes) = two_states(
        "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);",
        "INSERT INTO t VALUES (2);",
    )
    .await;
    let before = print_exactly(&file.connect());
    let back = changes.reversed();
    let forever = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let options = ApplyOptions { statements: vec![forever.into()], ..ApplyOptions::default() };
    let (stop, engine) = (options.stop.clone(), file.sqlite());
    let (stopped, ()) = tokio::join!(back.apply(&engine, &options), async {
        // Until it has begun to write.
        while file.connect().execute_batch("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
    });
    assert_eq!(stopped.expect_err("it was stopped").kind(), ErrorKind::Stopped);
    file.connect()
        .execute_batch("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; COMMIT")
        .expect("nothing is locked");
    assert!(print_exactly(&file.connect()) == before);

    let done = ApplyOptions::default();
    back.apply(&engine, &done).await.expect("it is done");
    done.stop.cancel();
    let error = back.apply(&engine, &done).await.expect_err("it was stopped before it began");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_do_not_fit_the_database() {
    let (file, changes) = two_states(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b);",
        "INSERT INTO t VALUES (1, 2); PRAGMA user_version = 5;",
    )
    .await;
    file.execute("PRAGMA user_version = 6");
    let error = apply(&file, &changes.clone().reversed()).await.expect_err("the version was changed");
    assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains("user_version"), "{error}");
    let skip = ApplyOptions { on_conflict: OnConflict::Skip, ..ApplyOptions::default() };
    let done = changes.clone().reversed().apply(&file.sqlite(), &skip).await.expect("the row goes");
    assert_eq!((applied(&done, "sqlite_settings").skipped, applied(&done, "t").done.deleted), (1, 1));
    assert!(applied(&done, "sqlite_settings").left.has(0) && applied(&done, "t").left.is_empty(), "{done:?}");
    let ending = ApplyOptions { statements: vec!["COMMIT".into()], ..ApplyOptions::default() };
    let error = changes.clone().only(&["t"]).apply(&file.sqlite(), &ending).await.expect_err("not a part");
    assert_eq!(error.kind(), ErrorKind::Statement);

    file.execute("ALTER TABLE t ADD COLUMN c");
    assert_eq!(apply(&file, &changes).await.expect_err("other columns").kind(), ErrorKind::Conflict);
    file.execute("DROP TABLE t");
    let error = apply(&file, &changes).await.expect_err("no table");
    assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains("table t"), "{error}");
    std::fs::remove_file(file.path()).expect("a file");
    assert_eq!(apply(&file, &changes).await.expect_err("no file").kind(), ErrorKind::NotFound);
    assert!(!file.path().exists(), "nothing is created");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_do_more_than_read() {
    let file = TestFile::new();
    file.execute("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIRTUAL TABLE f USING fts5 (x); INSERT INTO f VALUES ('word'); CREATE VIRTUAL TABLE r USING rtree (id, a, b);");
    let other = file.path().with_file_name("other.db");
    for sql in [
        format!("ATTACH '{}' AS other", other.display()),
        "PRAGMA query_only = OFF".into(),
        "PRAGMA journal_mode = wal".into(),
        "PRAGMA wal_checkpoint".into(),
        "SAVEPOINT s".into(),
        "VACUUM".into(),
        format!("VACUUM INTO '{}'", other.display()),
        "CREATE TEMP TABLE x (y)".into(),
    ] {
        let error = file.sqlite().query(&sql, 1).await.expect_err(&sql);
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {error}");
    }
    assert!(!other.exists());
    for sql in [
        "SELECT * FROM f WHERE f MATCH 'word'",
        "PRAGMA table_info(t)",
        "PRAGMA foreign_key_check",
        "EXPLAIN QUERY PLAN SELECT * FROM t",
        "SELECT * FROM pragma_table_info('t')",
    ] {
        file.sqlite().query(sql, 5).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    file.sqlite().query("SELECT count(*) FROM r", 5).await.expect("virtual tables can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_sqlite_holds_to_be_equal_find_each_row_once() {
    let file = TestFile::new();
    file.execute(
        "CREATE TABLE t (k TEXT COLLATE NOCASE, n); CREATE INDEX i ON t (k); CREATE INDEX j ON t (n);
         INSERT INTO t VALUES ('a', 1), ('A', 1.0), ('a', '1'), ('b', 2);",
    );
    let view = file.sqlite().open(&ViewOptions::default()).await.expect("the database opens");
    let table = &view.schema().tables[0];
    let found = async |column: usize, wanted: &[Value<'_>]| {
        let mut values = RowBatch::new(1);
        wanted.iter().for_each(|value| values.push_row([*value]));
        let rows = view.find(table, &[column], &values).await.expect("rows are looked for");
        let rows: Vec<_> = rows.try_collect().await.expect("rows are found");
        rows.iter().map(RowBatch::rows).sum::<usize>()
    };
    // The rowid is the first column.
    assert_eq!(found(1, &[Value::Text(b"a"), Value::Text(b"A")]).await, 3);
    assert_eq!(found(1, &[Value::Text(b"A"), Value::Text(b"B")]).await, 4);
    assert_eq!(found(2, &[Value::Integer(1), Value::Real(1f64.to_bits())]).await, 2);
    assert_eq!(found(2, &[Value::Text(b"1"), Value::Real(2f64.to_bits())]).await, 2);
}
