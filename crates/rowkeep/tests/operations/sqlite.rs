use proptest::prelude::*;
use rowkeep::state::snapshots::Snapshot;
use rusqlite::{Connection, params};

use crate::apply::hashes;
use crate::hashes::{Rows, any_edits, any_rows, edited, shuffled};
use crate::world::World;

const TABLES: [&str; 3] = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
    "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, v TEXT) WITHOUT ROWID",
    "CREATE TABLE t (v TEXT, id INTEGER NOT NULL, PRIMARY KEY (id)) STRICT",
];

fn fill(database: &mut Connection, rows: &[(i64, Option<String>)]) {
    let transaction = database.transaction().expect("a transaction begins");
    for (key, value) in rows {
        transaction
            .execute("INSERT INTO t (id, v) VALUES (?, ?)", params![key, value])
            .expect("a row goes in");
    }
    transaction.commit().expect("it commits");
}

/// Makes the table hold other rows by changing only what differs.
fn change(database: &mut Connection, from: &Rows, to: &Rows) {
    let transaction = database.transaction().expect("a transaction begins");
    for key in from.keys().filter(|key| !to.contains_key(key)) {
        transaction.execute("DELETE FROM t WHERE id = ?", [key]).expect("a row goes out");
    }
    for (key, value) in to.iter().filter(|(key, value)| from.get(key) != Some(value)) {
        if from.contains_key(key) {
            transaction
                .execute("UPDATE t SET v = ? WHERE id = ?", params![value, key])
                .expect("a row changes");
        } else {
            transaction
                .execute("INSERT INTO t (id, v) VALUES (?, ?)", params![key, value])
                .expect("a row goes in");
        }
    }
    transaction.commit().expect("it commits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_gives_the_same_hash(rows in any_rows(), seed: u64, table in 0usize..TABLES.len()) {
        let world = World::new();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let hashes: Vec<String> = [shuffled(&rows, 0), shuffled(&rows, seed)].iter().enumerate().map(|(n, rows)| {
            let path = folder.path().join(format!("{n}.db"));
            let mut database = Connection::open(&path).expect("it opens");
            database.execute_batch(TABLES[table]).expect("the table is made");
            fill(&mut database, rows);
            world.hash(&path.to_string_lossy(), "t")
        }).collect();
        prop_assert_eq!(&hashes[0], &hashes[1]);
    }

    #[test]
    fn edits_and_their_reversal_give_the_first_hash(rows in any_rows(), edits in any_edits(), table in 0usize..TABLES.len()) {
        let world = World::new();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("t.db");
        let mut database = Connection::open(&path).expect("it opens");
        database.execute_batch(TABLES[table]).expect("the table is made");
        fill(&mut database, &shuffled(&rows, 7));
        let url = path.to_string_lossy();
        let first = world.hash(&url, "t");
        let other = edited(&rows, &edits);
        change(&mut database, &rows, &other);
        prop_assert_eq!(world.hash(&url, "t") == first, rows == other);
        change(&mut database, &other, &rows);
        prop_assert_eq!(world.hash(&url, "t"), first);
    }
}

/// A table whose pages stayed as they were is not read, once a backup has found its rows to be those of the one before, and taken
/// note of its pages.
#[test]
fn tables_whose_pages_stayed_are_not_read() {
    for mode in ["wal", "delete"] {
        let world = World::new();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("t.db");
        let database = Connection::open(&path).expect("it opens");
        database.pragma_update(None, "journal_mode", mode).expect("it is set");
        let make = |table: &str, rest: &str| {
            let rows = format!(
                "CREATE TABLE {table} (id INTEGER PRIMARY KEY, v TEXT) {rest};
                 WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
                 INSERT INTO {table} SELECT n, printf('%.100c', 'x') || n FROM n"
            );
            database.execute_batch(&rows).expect("it is filled");
        };
        make("a", "");
        make("b", "WITHOUT ROWID");
        database
            .execute_batch("CREATE TABLE few (id INTEGER PRIMARY KEY); INSERT INTO few VALUES (1)")
            .expect("it is made");
        let url = path.to_string_lossy();
        let read = |all: bool| {
            let taken =
                if all { world.capture_all(&url) } else { world.capture(&url) }.expect("it is captured");
            assert!(world.verify(&taken, &url).expect("the database is read"));
            let bytes = taken.manifest.cost.read_bytes;
            (taken, bytes)
        };
        let (first, all) = read(false);
        assert!(all > 6_000_000 && first.manifest.tables.iter().all(|entry| entry.pages.is_none()), "{all}");
        assert_eq!(read(false).1, all, "nothing was noted of the pages");
        let (third, few) = read(false);
        assert!(few < 1000, "{few} bytes for a small table and the settings");
        assert_eq!(hashes(&third), hashes(&first));

        database.execute_batch("UPDATE a SET v = 'changed' WHERE id = 7").expect("it is changed");
        let (changed, bytes) = read(false);
        assert!(bytes > all / 3 && bytes < all * 2 / 3, "{bytes} of {all}");
        let (whole, every) = read(true);
        assert!(every > bytes, "all are read when all are to be");
        assert_eq!(hashes(&whole), hashes(&changed));
        assert!(read(false).1 < 1000, "what was noted then counts");

        // A table that changes is not noted, and is again when it stays.
        database.execute_batch("UPDATE a SET v = 'again' WHERE id = 8").expect("it is changed");
        let noted = |taken: &Snapshot| {
            let of =
                |name: &str| taken.manifest.tables.iter().any(|e| e.name.name == name && e.pages.is_some());
            (of("a"), of("b"), of("few"))
        };
        assert_eq!(noted(&read(false).0), (false, true, false));
        let (taken, bytes) = read(false);
        assert!(bytes > all / 3 && noted(&taken) == (true, true, false), "{bytes}");
        assert!(read(false).1 < 1000);

        // The same rows in other pages, and other rows.
        database.execute_batch("VACUUM").expect("it is vacuumed");
        database.execute_batch("DELETE FROM b WHERE id > 29990").expect("some go");
        let (shorter, _) = read(false);
        assert_eq!(hashes(&shorter), hashes(&read(true).0));
    }
}

/// What is done to tables and to their file comes to the same as reading all rows.
#[test]
fn what_is_altered_beside_rows_counts() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("t.db");
    let open = || Connection::open(&path).expect("it opens");
    let rows = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
                INSERT INTO";
    open()
        .execute_batch(&format!(
            "PRAGMA auto_vacuum = incremental;
             CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, w TEXT);
             CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT, w TEXT);
             {rows} a SELECT n, printf('%.100c', 'x') || n, 'w' FROM n;
             {rows} b SELECT n, printf('%.100c', 'y') || n, 'w' FROM n"
        ))
        .expect("it is filled");
    let url = path.to_string_lossy();
    let other = folder.path().join("other.db");
    let alterations = [
        "ALTER TABLE a RENAME v TO x; ALTER TABLE a RENAME w TO v; ALTER TABLE a RENAME x TO w",
        "ALTER TABLE a RENAME TO other; ALTER TABLE b RENAME TO a; ALTER TABLE other RENAME TO b",
        "ALTER TABLE a ADD COLUMN d INTEGER DEFAULT 7",
        "ALTER TABLE a DROP COLUMN d; ALTER TABLE a ADD COLUMN d INTEGER DEFAULT 8",
        "ALTER TABLE a ADD COLUMN g AS (id * 2); ALTER TABLE a DROP COLUMN w",
        "CREATE TABLE c AS SELECT * FROM b; DROP TABLE b; ALTER TABLE c RENAME TO b",
        "DELETE FROM b WHERE id % 3 = 0; PRAGMA incremental_vacuum",
        "another file",
    ];
    for alteration in alterations {
        // The second of them takes note of the pages.
        for _ in 0..2 {
            world.capture(&url).expect("it is captured");
        }
        match alteration {
            "another file" => {
                std::fs::copy(&path, &other).expect("it is copied");
                let copy = Connection::open(&other).expect("it opens");
                copy.execute_batch("UPDATE a SET v = 'changed' WHERE id = 7").expect("it is changed");
                drop(copy);
                std::fs::rename(&other, &path).expect("it takes its place");
            }
            sql => open().execute_batch(sql).expect("it is altered"),
        }
        let taken = world.capture(&url).expect("it is captured");
        let read = world.capture_all(&url).expect("it is captured");
        assert_eq!(hashes(&taken), hashes(&read), "{alteration}");
        assert!(world.verify(&taken, &url).expect("the database is read"), "{alteration}");
    }
}
