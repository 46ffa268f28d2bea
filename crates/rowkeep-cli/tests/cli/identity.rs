//! Which row is which, where SQLite's rowids tell something else than the keys.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// A row that SQLite gave another's rowid is no other row.
#[test]
fn rows_are_known_by_their_keys_and_not_by_rowids() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "u.db",
        "CREATE TABLE u (id TEXT PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('a', '1'), ('b', '2'), ('c', '3')",
    );
    sandbox.done(&["backup", "u.db"]);
    sandbox.sql("u.db", "DELETE FROM u WHERE id = 'c'; INSERT INTO u VALUES ('d', '4')");
    let rows = || sandbox.query("u.db", "SELECT group_concat(id || v) FROM (SELECT * FROM u ORDER BY id)");
    for how in [
        ["--mode", "update"].as_slice(),
        &["--mode", "merge"],
        &["--key", "u:c"],
        &["--where", "id = 'c'", "--tables", "u"],
    ] {
        let planned =
            sandbox.done(&[["restore", "latest", "--to", "u.db", "--dry-run"].as_slice(), how].concat());
        assert!(planned.out.contains("1       0       0"), "{how:?}: {planned:?}");
        let done = sandbox.done(&[["restore", "latest", "--to", "u.db", "--yes"].as_slice(), how].concat());
        assert!(done.out.contains("done: 1 inserted, 0 updated, 0 deleted"), "{how:?}: {done:?}");
        assert_eq!(rows(), "a1,b2,c3,d4", "{how:?}");
        sandbox.done(&["undo", "u.db", "--yes"]);
        assert_eq!(rows(), "a1,b2,d4", "{how:?}");
    }
    let found = lines(&sandbox.run(&["diff", "u.db", "latest", "--rows", "--json"]).expect(3).out);
    let told = |change: &Value| (change["change"].clone(), change["key"].clone());
    assert_eq!(told(&found[0]), (json!("insert"), json!({ "id": "c" })));
    assert_eq!(told(&found[1]), (json!("delete"), json!({ "id": "d" })));
    sandbox.done(&["restore", "latest", "--to", "u.db", "--yes"]);
    sandbox.done(&["verify", "latest", "--against", "u.db"]);
    sandbox.done(&["backup", "u.db"]);
    let history = sandbox.json(&["history", "u", "c", "u"]);
    assert_eq!(history["versions"][0]["what"], json!("was_there"), "{history}");
}

/// Tables as Django and Prisma make them: rows come back with those that refer to them, though their rowids are taken.
#[test]
fn related_rows_of_tables_with_uuids_come_back() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "app.db",
        "CREATE TABLE author (id char(32) NOT NULL PRIMARY KEY, name varchar(9) NOT NULL);
         CREATE TABLE book (id TEXT PRIMARY KEY, author_id char(32) NOT NULL REFERENCES author (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TABLE tag (book_id TEXT REFERENCES book (id), word TEXT, PRIMARY KEY (book_id, word));
         INSERT INTO author VALUES ('a1', 'Ada'), ('a2', 'Ben'); INSERT INTO book VALUES ('b1', 'a1'), ('b2', 'a2'), ('b3', 'a2');
         INSERT INTO tag VALUES ('b2', 'x'), ('b3', 'x'), ('b3', 'y')",
    );
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql(
        "app.db",
        "DELETE FROM tag; DELETE FROM book WHERE author_id = 'a2'; DELETE FROM author WHERE id = 'a2';
         INSERT INTO author VALUES ('a3', 'Cleo'); INSERT INTO book VALUES ('b4', 'a3'), ('b5', 'a1'); INSERT INTO tag VALUES ('b4', 'z')",
    );
    let done = sandbox.done(&[
        "restore",
        "latest",
        "--to",
        "app.db",
        "--key",
        "author:a2",
        "--with-related",
        "--yes",
    ]);
    assert!(done.out.contains("done: 6 inserted, 0 updated, 0 deleted"), "{done:?}");
    let rows = |sql| sandbox.query("app.db", sql);
    assert_eq!(rows("SELECT group_concat(id) FROM (SELECT id FROM author ORDER BY id)"), "a1,a2,a3");
    assert_eq!(rows("SELECT group_concat(id) FROM (SELECT id FROM book ORDER BY id)"), "b1,b2,b3,b4,b5");
    assert_eq!(
        rows("SELECT group_concat(t) FROM (SELECT book_id || word AS t FROM tag ORDER BY 1)"),
        "b2x,b3x,b3y,b4z"
    );
    sandbox.done(&["undo", "app.db", "--yes"]);
    assert_eq!(rows("SELECT group_concat(id) FROM (SELECT id FROM book ORDER BY id)"), "b1,b4,b5");
}
