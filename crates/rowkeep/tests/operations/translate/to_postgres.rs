use rowkeep::Error;
use rowkeep::engine::ErrorKind;
use rowkeep::engine::translate::NoteKind;
use rowkeep::state::selection::Selection;

use super::sqlite;
use crate::postgres::{Database, servers};

const SHOP: &str = "
    PRAGMA foreign_keys = OFF;
    PRAGMA user_version = 7;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name VARCHAR(20) NOT NULL,
        email TEXT UNIQUE COLLATE NOCASE,
        active BOOLEAN DEFAULT 1,
        balance DECIMAL(10,2) DEFAULT 0,
        score REAL,
        born DATE,
        created DATETIME DEFAULT CURRENT_TIMESTAMP,
        photo BLOB,
        settings JSON DEFAULT '{}',
        token UUID,
        at TIME,
        initial TEXT AS (substr(name, 1, 1)),
        kind TEXT DEFAULT ('a' || 'b'),
        CHECK (score >= 0)
    );
    INSERT INTO users (id, name, email, active, balance, score, born, created, photo, settings, token, at)
        VALUES (3, 'Ömer', 'o@example.org', 1, 19.9, 0.1, '1999-12-31', '2024-02-29 10:11:12', x'00ff',
                '{\"a\": [1, null]}', '123e4567-e89b-12d3-a456-426614174000', '10:11:12'),
               (4, 'it''s \\', NULL, 0, 5, 1e300, NULL, '2024-02-29 10:11:12.5', x'', NULL, NULL, NULL);
    DELETE FROM users WHERE id = 4 AND name = 'nobody';
    UPDATE sqlite_sequence SET seq = 41;
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        at TIMESTAMP, placed TIMESTAMP, note
    );
    INSERT INTO orders VALUES (1, 3, '2024-02-29T10:00:00.000Z', 1700000000, 'x'),
                              (2, 4, '2024-02-29 12:00:00+02:00', NULL, 5);
    CREATE INDEX by_user ON orders (user, at DESC);
    CREATE INDEX by_note ON orders (lower(note));
    CREATE INDEX by_some ON orders (at) WHERE user > 3;
    CREATE TABLE tags (name TEXT PRIMARY KEY NOT NULL, weight REAL) WITHOUT ROWID;
    INSERT INTO tags VALUES ('b', 1.5), ('a', 0.0), ('ä', 9e999);
    CREATE TABLE \"Odd \"\"names\" (\"select\" INTEGER, \"ü\" TEXT, ctid TEXT, PRIMARY KEY (\"ü\", \"select\"));
    INSERT INTO \"Odd \"\"names\" VALUES (1, 'z', 'c'), (NULL, 'y', 'c');
    CREATE TABLE mixed (a INTEGER, b TEXT, c BLOB, d NUMERIC, e, f INTEGER);
    INSERT INTO mixed VALUES (1, 'a' || char(0) || 'b', 'text', 1.25, x'01', 1), ('one', CAST(x'ff' AS TEXT), 'more', 2, 'x', 1.5),
                             (1, 'a', 'text', 3, 2.5, 2), (1, 'a', 'text', 3, 2.5, 2);
    CREATE TABLE orphans (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users, other INTEGER REFERENCES nowhere,
                          tag INTEGER REFERENCES tags);
    INSERT INTO orphans VALUES (1, 3, 1, NULL), (2, 99, 1, NULL), (3, 98, 1, NULL), (4, NULL, 1, NULL);
    CREATE VIEW rich AS SELECT * FROM users WHERE balance > 10;
    CREATE TRIGGER log AFTER INSERT ON orders BEGIN SELECT 1; END;
    CREATE VIRTUAL TABLE search USING fts5(words);
    INSERT INTO search VALUES ('some words');
    ANALYZE;
";

#[test]
fn everything_that_maps_comes_over_and_the_rest_is_noted() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_across");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("shop.db");
        drop(sqlite(&path, SHOP));
        let snapshot = database.world.capture_whole(&path.to_string_lossy()).expect("it is captured");
        let crossing = database.world.translate(&snapshot, &database.url);
        let crossing = crossing.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(crossing.proof.is_equal(), "{:#?}", crossing.proof);
        assert_eq!(crossing.restored.notes, Vec::<String>::new());
        assert_eq!(
            crossing.types("users"),
            [
                "bigint",
                "character varying(20)",
                "text",
                "boolean",
                "numeric(10,2)",
                "double precision",
                "date",
                "timestamp without time zone",
                "bytea",
                "json",
                "uuid",
                "time without time zone",
                "text"
            ]
        );
        assert_eq!(
            crossing.types("orders"),
            ["bigint", "bigint", "timestamp with time zone", "bigint", "text"]
        );
        assert_eq!(crossing.types("mixed"), ["text", "bytea", "text", "numeric", "bytea", "numeric"]);
        for words in [
            &["user_version 7"][..],
            &["users.email", "NOCASE"],
            &["users.initial", "computed"],
            &["users.kind", "DEFAULT 'a' || 'b'"],
            &["users", "CHECK (score >= 0)"],
            &["orders.placed", "becomes bigint"],
            &["orders.at", "written as PostgreSQL does"],
            &["orders.note", "cannot be told apart"],
            &["orders", "by_note", "expression"],
            &["orders", "by_some", "some of the rows"],
            &["trigger log"],
            &["view rich"],
            &["search", "virtual table"],
            &["Odd \"names.ctid", "ctid_2"],
            &["Odd \"names", "becomes UNIQUE"],
            &["capitals", "Odd \"names"],
            &["mixed", "no primary key"],
            &["mixed.b", "NUL or are not UTF-8", "becomes bytea"],
            &["orphans", "user to users is NOT VALID: 2 rows"],
            &["orphans", "other to nowhere is left out"],
            &["orphans", "tag to tags is left out", "bigint cannot be compared with text"],
        ] {
            crossing.notes(words);
        }
        use NoteKind::*;
        let kinds = [
            Type, Default, Check, Collation, Index, Reference, Generated, Table, View, Trigger, Name,
            Settings, Other,
        ];
        assert_eq!(crossing.kinds(), kinds.into_iter().collect());

        database.sql("SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; SET TimeZone = 'UTC'");
        let values = "SELECT id, name, email, active, balance, score, born, created, photo, settings, token, at FROM users ORDER BY id";
        assert_eq!(
            database.query(values),
            "3|Ömer|o@example.org|t|19.90|0.1|1999-12-31|2024-02-29 10:11:12|\\x00ff|{\"a\": [1, null]}|\
             123e4567-e89b-12d3-a456-426614174000|10:11:12\n\
             4|it's \\|NULL|f|5.00|1e+300|NULL|2024-02-29 10:11:12.5|\\x|NULL|NULL|NULL"
        );
        assert_eq!(
            database.query("SELECT at, placed, note FROM orders ORDER BY id"),
            "2024-02-29 10:00:00+00|1700000000|x\n2024-02-29 10:00:00+00|NULL|5"
        );
        assert_eq!(database.query("SELECT b FROM mixed ORDER BY b"), "\\x61\n\\x61\n\\x610062\n\\xff");
        assert_eq!(
            database.query("SELECT name, weight FROM tags ORDER BY name COLLATE \"C\""),
            "a|0\nb|1.5\nä|Infinity"
        );

        // Fresh numbers come after all that were ever given; defaults are there.
        let inserted = "INSERT INTO users (name) VALUES ('new') RETURNING id, active, balance, settings, created > '2025-01-01'";
        assert_eq!(database.query(inserted), "42|t|0.00|{}|t");
        assert_eq!(database.query("INSERT INTO orders (\"user\") VALUES (42) RETURNING id"), "3");
        // References hold, with their actions, and keys are unique.
        assert_eq!(database.refusal("INSERT INTO orders (\"user\") VALUES (1000)").as_deref(), Some("23503"));
        assert_eq!(database.refusal("INSERT INTO orphans VALUES (9, 1000)").as_deref(), Some("23503"));
        database.sql("DELETE FROM users WHERE id = 42");
        assert_eq!(database.query("SELECT count(*) FROM orders"), "2");
        assert_eq!(database.refusal("INSERT INTO tags VALUES ('a')").as_deref(), Some("23505"));
        assert_eq!(database.refusal("INSERT INTO users (name) VALUES (NULL)").as_deref(), Some("23502"));
        assert_eq!(
            database.refusal("INSERT INTO users (name, email) VALUES ('x', 'o@example.org')").as_deref(),
            Some("23505")
        );
        let index = database.query("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_user'");
        assert!(index.contains("(\"user\" NULLS FIRST, at DESC NULLS LAST)"), "{index}");

        // The proof sees a single changed value, and a row that is gone.
        let plan = &crossing.plan;
        database.sql("UPDATE tags SET weight = 1.25 WHERE name = 'b'; DELETE FROM orders WHERE id = 1");
        let proof = database.world.prove(plan, &database.url);
        let unequal: Vec<_> = proof.tables.iter().filter(|table| !table.equal).collect();
        assert_eq!(unequal.len(), 2, "{unequal:?}");
        assert_eq!((unequal[0].snapshot_rows, unequal[0].database_rows), (2, Some(1)));
        assert_eq!((unequal[1].snapshot_rows, unequal[1].database_rows), (3, Some(3)));
        assert!(!proof.is_equal());
        // Other columns are not compared, whatever they hold.
        database.sql("UPDATE tags SET weight = NULL; ALTER TABLE tags RENAME weight TO size");
        let proof = database.world.prove(plan, &database.url);
        let tags = proof.tables.iter().find(|table| table.table.name == "tags");
        assert_eq!(tags.map(|table| (table.equal, table.database_rows)), Some((false, None)));
    }
}

#[test]
fn a_database_that_holds_data_is_left_as_it_is() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_across_held");
        database.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.db");
        drop(sqlite(&path, "CREATE TABLE t (id INTEGER PRIMARY KEY)"));
        let snapshot = database.world.capture_whole(&path.to_string_lossy()).expect("it is captured");
        let refused = database.world.translate(&snapshot, &database.url).err();
        assert!(
            matches!(&refused, Some(Error::Engine(error)) if error.kind() == ErrorKind::NotEmpty),
            "{refused:?}"
        );
        assert_eq!(database.query("SELECT id FROM t"), "1");
    }
}

/// Two values that PostgreSQL takes for one fail the restore, and nothing is left of it.
#[test]
fn a_failed_restore_leaves_nothing() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_across_failed");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.db");
        let sql = "CREATE TABLE t (id BLOB PRIMARY KEY NOT NULL); INSERT INTO t VALUES (5), ('5'); CREATE TABLE u (a TEXT)";
        drop(sqlite(&path, sql));
        let snapshot = database.world.capture_whole(&path.to_string_lossy()).expect("it is captured");
        let failed = database.world.translate(&snapshot, &database.url).err().expect("5 is 5");
        assert!(format!("{failed:?}").contains("t_pkey"), "{failed:?}");
        assert_eq!(
            database.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
            "0"
        );
    }
}

/// What only the application has, PostgreSQL need not have.
#[test]
fn orders_that_only_the_application_knows_are_no_hindrance() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_across_own");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.db");
        let file = rusqlite::Connection::open(&path).expect("it opens");
        file.create_collation("own", |a, b| b.cmp(a)).expect("it is made");
        let sql = "CREATE TABLE t (name TEXT NOT NULL PRIMARY KEY COLLATE own, n INTEGER);
                   CREATE INDEX i ON t (n, name); INSERT INTO t VALUES ('a', 1), ('b', 2)";
        file.execute_batch(sql).expect("the table is made");
        drop(file);
        let snapshot = database.world.capture_whole(&path.to_string_lossy()).expect("it is captured");
        let crossing = database.world.translate(&snapshot, &database.url);
        let crossing = crossing.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(crossing.proof.is_equal(), "{:?}", crossing.proof);
        crossing.notes(&["t.name", "own"]);
        crossing.notes(&["index i", "left out", "own"]);
        assert_eq!(database.query("SELECT name, n FROM t ORDER BY n"), "a|1\nb|2");
    }
}

#[test]
fn tables_can_be_chosen() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_across_chosen");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.db");
        let sql = "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);
                   CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a, at DATETIME); INSERT INTO b VALUES (1, 1, 5);
                   CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b); INSERT INTO c VALUES (1, 1);";
        drop(sqlite(&path, sql));
        let snapshot = database.world.capture_whole(&path.to_string_lossy()).expect("it is captured");
        let selection = Selection { include: vec!["a".to_owned(), "c".to_owned()], ..Selection::default() };
        let crossing = database.world.translate_some(&snapshot, &database.url, &selection);
        let crossing = crossing.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(crossing.proof.is_equal() && crossing.proof.tables.len() == 2, "{:?}", crossing.proof);
        assert!(
            crossing.restored.notes.iter().any(|note| note.contains("NOT VALID")),
            "{:?}",
            crossing.restored
        );
        assert_eq!(
            database
                .query("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c)"),
            "1|0|1"
        );
    }
}
