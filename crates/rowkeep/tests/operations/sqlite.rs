use proptest::prelude::*;
use rusqlite::{Connection, params};

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
