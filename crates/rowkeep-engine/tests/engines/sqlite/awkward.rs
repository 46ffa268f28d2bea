//! Databases with everything that SQLite allows, copied to the byte.

use std::fmt::Write;

use rowkeep_engine::conformance::read_all;
use rowkeep_engine::{Engine, ErrorKind, Finished, ViewOptions};
use rowkeep_format::{TableKind, Value};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::{TestFile, copied, copied_in_part};

async fn copied_exactly(sql: &str) -> TestFile {
    let original = TestFile::new();
    original.execute(sql);
    let (copy, notes) = copied(&original).await;
    assert_eq!(notes, Vec::<String>::new());
    copy
}

/// Values of every kind, to be put into a column that takes them as they are.
const VALUES: &str = "(NULL), (0), (1), (-1), (9007199254740993), (9223372036854775807), (-9223372036854775808),
    (0.0), (-0.0), (1.0), (0.1), (1e308), (-1e-308), (9e999), (-9e999), (5e-324), (9007199254740992.0), (1e18),
    (''), ('text'), (CAST(x'610062' AS TEXT)), (CAST(x'ff00fe80c3' AS TEXT)), ('1'), ('1.0'), ('é日本🦀'),
    (x''), (x'00'), (x'ff00'), (zeroblob(100000)), (x'31')";

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_kind_in_columns_of_every_type() {
    let mut sql = String::new();
    for (number, type_name) in
        ["", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "any", "VARCHAR(3)", "BOOLEAN"].iter().enumerate()
    {
        let _ =
            writeln!(sql, "CREATE TABLE t{number} (v {type_name}); INSERT INTO t{number} VALUES {VALUES};");
    }
    let _ = writeln!(
        sql,
        "CREATE TABLE s (a ANY, i INT, r REAL, t TEXT, b BLOB) STRICT; INSERT INTO s (a) VALUES {VALUES};"
    );
    let _ = writeln!(sql, "INSERT INTO s VALUES (1.0, 2, 3, '4', x'05'), ('1', -2, 1e300, '', x'');");
    copied_exactly(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rowids_are_kept() {
    let copy = copied_exactly(
        "CREATE TABLE t (a); INSERT INTO t (rowid, a) VALUES (-9223372036854775808, 'low'), (5, 'x'), (9223372036854775807, 'high');
         CREATE TABLE one (rowid TEXT); INSERT INTO one (_rowid_, rowid) VALUES (7, 'seven');
         CREATE TABLE two (rowid, _ROWID_); INSERT INTO two (oid, rowid) VALUES (8, 'eight');
         CREATE TABLE d (x INTEGER PRIMARY KEY DESC, y); INSERT INTO d VALUES (1, 'not the rowid'), (3, 'b'), (2, 'c');
         CREATE TABLE e (x INT PRIMARY KEY, y); INSERT INTO e VALUES (1, 'nor this'), (NULL, 'twice'), (NULL, 'twice');
         CREATE TABLE f (y, x INTEGER, PRIMARY KEY (x)); INSERT INTO f VALUES ('this is', 3), ('so', -3);",
    )
    .await;
    let (schema, _) = read_all(&copy.sqlite()).await;
    let key = |name: &str| {
        let table = schema.tables.iter().find(|table| table.name.name == name).expect("a table");
        assert_eq!(table.key.columns.len(), 1);
        let column = &table.columns[table.key.columns[0].column];
        (column.name.as_str(), column.hidden)
    };
    assert_eq!(key("t"), ("rowid", true));
    assert_eq!(key("one"), ("_rowid_", true));
    assert_eq!(key("two"), ("oid", true));
    assert_eq!(key("d"), ("rowid", true));
    assert_eq!(key("e"), ("rowid", true));
    assert_eq!(key("f"), ("x", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_columns_hide_the_rowid_is_kept_by_its_rows() {
    let original = TestFile::new();
    original.execute(
        "CREATE TABLE t (rowid, _rowid_, oid); INSERT INTO t VALUES (2, 'b', NULL), (1, 'a', NULL), (2, 'b', NULL), (0.0, 1, 2), (-0.0, 1, 2);",
    );
    let copy = TestFile::new();
    rowkeep_engine::conformance::copy(&original.sqlite(), &copy.sqlite()).await;
    let (_, rows) = read_all(&original.sqlite()).await;
    let (_, copied) = read_all(&copy.sqlite()).await;
    rowkeep_engine::conformance::assert_same_rows(&rows, &copied);
    assert!(rows.iter().any(|(table, rows)| table.name == "t" && rows.rows() == 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_every_order() {
    copied_exactly(
        "CREATE TABLE a (k TEXT PRIMARY KEY COLLATE NOCASE, v) WITHOUT ROWID;
         INSERT INTO a VALUES ('b', 1), ('A', 2), ('a b', 3), ('Z', 4), ('_', 5), (3, 6);
         CREATE TABLE b (k1, k2 TEXT, v, PRIMARY KEY (k1 DESC, k2)) WITHOUT ROWID;
         INSERT INTO b VALUES (1, 'b', 1), (1.0, 'a', 2), ('x', 'y', 3), (x'00', 'z', 4), (2, 'q', 5), (1.5, 'b', 6);
         CREATE TABLE c (k1, k2, v, PRIMARY KEY (k1, k2)) WITHOUT ROWID;
         INSERT INTO c VALUES (1, 'b', 1), (1.0, 'a', 2), (1, 'c', 3), (2, 'q', 5);
         CREATE TABLE d (k BLOB NOT NULL UNIQUE, v); INSERT INTO d VALUES ('b', 1), (2.5, 2), (x'61', 3), (2, 4), ('a', 5);
         CREATE TABLE e (k TEXT NOT NULL, v, UNIQUE (k COLLATE RTRIM)); INSERT INTO e VALUES ('b', 1), ('a ', 2), ('a!', 3), (' ', 4);
         CREATE TABLE f (x, y NOT NULL, z NOT NULL); CREATE UNIQUE INDEX fu ON f (z DESC, y);
         INSERT INTO f VALUES (1, 2, 3), (1, 3, 3), (2, 2, 4);
         CREATE TABLE g (x NOT NULL, y); CREATE UNIQUE INDEX gp ON g (x) WHERE y; CREATE UNIQUE INDEX ge ON g (x + 1);
         INSERT INTO g VALUES (1, 0), (3, 1), (2, NULL);
         CREATE TABLE h (k INTEGER NOT NULL, n INTEGER NOT NULL, t, PRIMARY KEY (k, n));
         INSERT INTO h VALUES (1, 1, 'in'), (1, 2, 'order'), (2, 1, 'of'), (3, 0, 'rowids');
         CREATE TABLE i (k REAL NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (k, n)) WITHOUT ROWID;
         INSERT INTO i VALUES (1, 2), (1.0, 1), (-0.0, 3), (0.0, 2), (9e999, 1), (1e300, 1), (0.1, 1);
         CREATE TABLE j (n INT NOT NULL, k TEXT NOT NULL, PRIMARY KEY (k)) WITHOUT ROWID; CREATE INDEX jn ON j (n, k);
         INSERT INTO j VALUES (3, 'a'), (2, 'b'), (1, 'c');",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_every_kind() {
    let original = TestFile::new();
    original.execute(
        "PRAGMA user_version = -7; PRAGMA application_id = 252006673;
         CREATE VIEW early AS SELECT * FROM later;
         CREATE TABLE   later (
             id INTEGER PRIMARY KEY AUTOINCREMENT, -- with a comment
             price REAL CHECK (price >= 0),
             twice REAL AS (price * 2) STORED, thrice AS (price * 3) VIRTUAL,
             \"quoted \"\"name\"\"\" TEXT DEFAULT ('a;b'), [bracketed] DEFAULT CURRENT_TIMESTAMP, `ticked` COLLATE NOCASE
         );
         INSERT INTO later (id, price, bracketed) VALUES (10, 1.5, 'then'), (3, 0, 'now'), (99, NULL, '');
         DELETE FROM later WHERE id = 99;
         CREATE UNIQUE INDEX i1 ON later (thrice, lower(ticked)) WHERE price > 0;
         CREATE INDEX \"i 2\" ON later (\"quoted \"\"name\"\"\" COLLATE RTRIM DESC);
         CREATE TRIGGER guard BEFORE INSERT ON later BEGIN SELECT RAISE(ABORT, 'no; more'); END;
         CREATE TRIGGER instead INSTEAD OF INSERT ON early BEGIN SELECT 1; END;
         CREATE TABLE log (a); CREATE TRIGGER logs AFTER DELETE ON log BEGIN INSERT INTO log VALUES (old.a); END;
         CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO gone VALUES (500); DROP TABLE gone;
         CREATE TABLE parent (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE child (x, y, z REFERENCES later, FOREIGN KEY (y, x) REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
         PRAGMA foreign_keys = OFF; INSERT INTO child VALUES (1, 2, 77);
         ALTER TABLE child RENAME COLUMN x TO \"ex\"; ALTER TABLE child ADD COLUMN added TEXT NOT NULL DEFAULT 'd';
         ALTER TABLE parent RENAME TO \"the parent\";
         CREATE TABLE made AS SELECT id, price AS p FROM later;
         CREATE TABLE conflict (a UNIQUE ON CONFLICT REPLACE, b NOT NULL ON CONFLICT IGNORE); INSERT INTO conflict VALUES (1, 2);
         CREATE TABLE dqs (a CHECK (a <> \"not a column\"));
         ANALYZE;
         CREATE TABLE after_analyze (a); DROP TABLE log;",
    );
    // What was allowed once: a definition that no statement would give now.
    original.execute(
        "CREATE TABLE odd (a, b); INSERT INTO odd VALUES (1, 2);
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE   TABLE odd(a /* here */, b )' WHERE name = 'odd';",
    );
    let (copy, notes) = copied(&original).await;
    assert_eq!(notes, Vec::<String>::new());

    let (schema, rows) = read_all(&original.sqlite()).await;
    let kind =
        |name: &str| schema.tables.iter().find(|table| table.name.name == name).map(|table| table.kind);
    assert_eq!(kind("later"), Some(TableKind::Table));
    assert_eq!(kind("sqlite_sequence"), Some(TableKind::Settings));
    assert_eq!(kind("sqlite_stat1"), Some(TableKind::Settings));
    assert_eq!(kind("early"), None);
    let (_, settings) = rows.iter().find(|(table, _)| table.name == "sqlite_settings").expect("settings");
    assert_eq!(settings.value(0, 1), Value::Integer(252_006_673));
    assert_eq!(settings.value(1, 1), Value::Integer(-7));
    let child = schema.tables.iter().find(|table| table.name.name == "child").expect("a child");
    let references: Vec<_> = child
        .foreign_keys
        .iter()
        .map(|key| (key.references.name.as_str(), &key.referenced_columns[..]))
        .collect();
    assert_eq!(
        references,
        [("later", &["id".to_owned()][..]), ("the parent", &["b".to_owned(), "a".to_owned()][..])]
    );

    let connection = copy.connect();
    let refused =
        connection.execute("INSERT INTO later (price) VALUES (3)", []).expect_err("the trigger is there");
    assert!(refused.to_string().contains("no; more"));
    connection.execute_batch("DROP TRIGGER guard; INSERT INTO later (price) VALUES (3)").expect("a row");
    assert_eq!(connection.last_insert_rowid(), 100, "numbers are not given twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_of_the_file() {
    for page_size in [512, 1024, 4096, 16_384, 65_536] {
        for auto_vacuum in ["none", "full", "incremental"] {
            let journal = if page_size % 3 == 1 { "wal" } else { "delete" };
            copied_exactly(&format!(
                "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum}; PRAGMA journal_mode = {journal};
                 CREATE TABLE t (a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t (b);
                 INSERT INTO t VALUES (1, zeroblob(200000)), (2, 'x'), (3, NULL); DELETE FROM t WHERE a = 1;"
            ))
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_utf16_survives() {
    for (encoding, half, mark, swapped) in
        [("UTF-16le", "00d86100", "fffe", "feff61"), ("UTF-16be", "d8000061", "feff", "fffe61")]
    {
        let copy = copied_exactly(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v) WITHOUT ROWID;
             INSERT INTO t VALUES ('a', 'é日本🦀'), ('ä', x'00d8'), ('日', 1), ('🦀', 2.5), ('ﬀ', NULL), ('', ''), ('Z', 'z'), ('aa', zeroblob(9));
             CREATE TABLE \"näme 日\" (\"cölumn\" DEFAULT 'dé');
             INSERT INTO \"näme 日\" VALUES (CAST(x'{half}' AS TEXT)), (CAST(x'{mark}{half}{half}' AS TEXT)),
                 (CAST(x'{swapped}00' AS TEXT)), (CAST(x'{mark}{mark}' AS TEXT)), (CAST(x'61000000' AS TEXT)), ('123');
             CREATE INDEX i ON \"näme 日\" (\"cölumn\"); CREATE TABLE u (v INTEGER); INSERT INTO u VALUES ('12x'), ('7'), ('é');"
        ))
        .await;
        let (_, rows) = read_all(&copy.sqlite()).await;
        let (_, rows) = rows.iter().find(|(table, _)| table.name == "näme 日").expect("a table");
        assert_eq!(rows.value(0, 1), Value::Text(b"\xed\xa0\x80a"), "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_utf8_are_refused_by_name() {
    let original = TestFile::new();
    original.execute("CREATE TABLE t (a); PRAGMA writable_schema = ON;");
    original.execute("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = CAST('CREATE TABLE t (a DEFAULT ''' || x'ff' || ''')' AS TEXT);");
    let error =
        original.sqlite().open(&ViewOptions { with_ddl: true }).await.err().expect("nothing is opened");
    assert_eq!(error.kind(), ErrorKind::Unstorable);
    assert!(error.to_string().contains("DEFAULT"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_sqlite_has_in_most_places() {
    copied_exactly(
        "CREATE TABLE t (a REAL, b AS (round(sqrt(a), 3)) STORED, c AS (json_extract(a, '$')), CHECK (pow(a, 2) >= 0));
         INSERT INTO t VALUES (2), (3), (1e10); CREATE INDEX i ON t (floor(a), log(a), strftime('%Y', '2026-01-01'));",
    )
    .await;
}

fn with_functions(file: &TestFile) -> Connection {
    let connection = file.connect();
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection
        .create_scalar_function("own", 1, flags, |context| context.get::<i64>(0).map(|n| n + 1))
        .expect("a function");
    connection.create_collation("backwards", |a: &str, b: &str| b.cmp(a)).expect("a collation");
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_and_collations_of_the_application() {
    let original = TestFile::new();
    with_functions(&original)
        .execute_batch(
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b CHECK (own(b) > 0), c COLLATE backwards);
             INSERT INTO t VALUES (1, 5, 'x'), (2, 6, 'y'), (3, 0, 'z');
             CREATE INDEX by_function ON t (own(a)); CREATE INDEX by_collation ON t (c); CREATE INDEX plain ON t (b);
             CREATE VIEW v AS SELECT own(a) FROM t; CREATE TRIGGER r AFTER DELETE ON t BEGIN SELECT own(1); END;",
        )
        .expect("the application makes its tables");
    let (copy, Finished { left_out, .. }) = copied_in_part(&original).await;
    let [function, collation] = &left_out[..] else { panic!("{left_out:?}") };
    assert!(function.statement.contains("by_function") && function.why.contains("own"), "{left_out:?}");
    assert!(
        collation.statement.contains("by_collation") && collation.why.contains("backwards"),
        "{left_out:?}"
    );
    let (_, rows) = read_all(&original.sqlite()).await;
    let (_, copied) = read_all(&copy.sqlite()).await;
    rowkeep_engine::conformance::assert_same_rows(&rows, &copied);
    let connection = with_functions(&copy);
    for index in [function, collation] {
        connection.execute_batch(&index.later).expect("the application makes what is missing");
    }
    assert_eq!(super::integrity(&connection), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_the_application_computes_are_read_but_not_made_strictly() {
    let original = TestFile::new();
    with_functions(&original)
        .execute_batch(
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b AS (own(a)) STORED); INSERT INTO t VALUES (1), (2);",
        )
        .expect("the application makes its table");
    let view = original.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let table = &view.schema().tables[0];
    let copy = TestFile::new();
    let target = copy.sqlite().create(view.schema(), &Default::default()).await.expect("the table is made");
    let rows = view.rows(table).await.expect("the rows are read");
    let error = target.load(table, rows).await.expect_err("the rows cannot be put back");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("table t, row 1") && error.to_string().contains("own"), "{error}");
    target.finish().await.expect_err("what is not whole is not finished");
    assert!(!copy.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_the_applications_order_are_read_but_not_made_strictly() {
    let original = TestFile::new();
    with_functions(&original)
        .execute_batch(
            "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE backwards, v) WITHOUT ROWID;
             INSERT INTO t VALUES ('a', 1), ('c', 2), ('b', 3);",
        )
        .expect("the application makes its table");
    let (schema, rows) = read_all(&original.sqlite()).await;
    let (_, t) = rows.iter().find(|(table, _)| table.name == "t").expect("a table");
    assert_eq!(
        (0..3).map(|row| t.value(row, 0)).collect::<Vec<_>>(),
        [b"a", b"b", b"c"].map(|text| Value::Text(text))
    );
    let view = original.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let table = &view.schema().tables[0];
    let copy = TestFile::new();
    let target =
        copy.sqlite().create(&schema, &Default::default()).await.expect("an empty table is in any order");
    let error =
        target.load(table, view.rows(table).await.expect("rows")).await.expect_err("the rows are not");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("backwards"), "{error}");
    drop(target);
    assert!(
        !copy.path().exists()
            && std::fs::read_dir(copy.path().parent().expect("a folder")).expect("a list").count() == 0
    );
    let examination = original.sqlite().examine().await.expect("the database is examined");
    assert!(examination.findings.iter().any(|finding| finding.detail.contains("backwards")));
}
