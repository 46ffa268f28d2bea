//! The versions of one row.

use serde_json::{Value, json};

use crate::postgres::servers;
use crate::sandbox::{Sandbox, filled};

/// What happened, and which columns it is about.
fn told(history: &Value) -> Vec<(String, Vec<String>)> {
    let names = |version: &Value| {
        let columns = version["columns"].as_array().expect("a list").iter();
        columns.map(|column| column["column"].as_str().expect("a name").to_owned()).collect()
    };
    let versions = history["versions"].as_array().expect("a list").iter();
    versions.map(|version| (version["what"].as_str().expect("a word").to_owned(), names(version))).collect()
}

fn notes(history: &Value) -> String {
    let notes = history["notes"].as_array().expect("a list").iter();
    notes.map(|note| format!("{}*{} ", note["snapshots"], note["note"].as_str().expect("text"))).collect()
}

fn version(what: &str, columns: &[&str]) -> (String, Vec<String>) {
    (what.to_owned(), columns.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_row_appears_changes_vanishes_and_comes_back() {
    let sandbox = Sandbox::new();
    let steps = [
        "SELECT 1",
        "INSERT INTO people VALUES ('new@example.org', 'New', 1.5)",
        "UPDATE people SET balance = 2.5, name = NULL WHERE email = 'new@example.org'",
        "UPDATE people SET balance = 7 WHERE email = 'p4000@example.org'",
        "DELETE FROM people WHERE email = 'new@example.org'",
        "INSERT INTO people VALUES ('new@example.org', 'Again', 2.5)",
        "ALTER TABLE people ADD COLUMN age INTEGER; UPDATE people SET age = 30 WHERE name = 'Again'",
        "ALTER TABLE people RENAME TO persons",
    ];
    sandbox.sql("app.db", &filled(5000));
    for sql in steps {
        sandbox.sql("app.db", sql);
        sandbox.done(&["backup", "app.db", "--quiet"]);
    }
    sandbox.done(&["backup", "app.db", "--quiet", "--schema-only"]);
    let history = sandbox.json(&["history", "people", "new@example.org"]);
    assert_eq!(
        told(&history),
        [
            version("appeared", &["email", "name", "balance"]),
            version("changed", &["name", "balance"]),
            version("vanished", &["email", "name", "balance"]),
            version("came_back", &["email", "name", "balance"]),
            version("changed", &["age"]),
            version("vanished", &["email", "name", "balance", "age"]),
        ]
    );
    assert_eq!(
        history["versions"][1]["columns"][0],
        json!({"column": "name", "before": "New", "after": null})
    );
    assert_eq!(history["versions"][1]["columns"][1]["after"], json!(2.5));
    assert_eq!(notes(&history), "1*column age is new 2*it has no such table ");

    let other = sandbox.json(&["history", "people", "p4000@example.org", "app"]);
    assert_eq!(
        told(&other)[..2],
        [version("was_there", &["email", "name", "balance"]), version("changed", &["balance"]),]
    );
    let text = sandbox.done(&["history", "people", "new@example.org"]);
    assert!(text.out.contains("came back") && text.out.contains("note: "), "{text:?}");
    let none = sandbox.done(&["history", "people", "nobody"]);
    assert!(none.out.starts_with("people nobody is not in any of 9 snapshots of app"), "{none:?}");
}

#[test]
fn what_cannot_be_looked_for_is_said() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(5));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    sandbox.run(&["history", "nobody", "1"]).expect(2).says(&["no table nobody", "events, people"]);
    sandbox.run(&["history", "events", "1,2"]).expect(2).says(&["(id)", "1 value, not 2"]);
    sandbox.run(&["history", "events", "'1"]).expect(2).says(&["no ' that ends", "^"]);
    sandbox.run(&["history", "events", "1", "other"]).expect(2).says(&["no database other", "app"]);
    sandbox.done(&["backup", "app.db", "--quiet", "--exclude", "events"]);
    let partial = sandbox.json(&["history", "events", "1"]);
    assert_eq!(told(&partial), [version("was_there", &["id", "at", "what", "payload"])]);
    assert_eq!(notes(&partial), "1*it does not hold the rows of table events ");
    sandbox.sql("two.db", &filled(5));
    sandbox.done(&["backup", "two.db", "--quiet"]);
    sandbox.run(&["history", "events", "1"]).expect(2).says(&["several databases: app, two"]);
}

#[test]
fn keys_with_one_long_beginning_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "app.db",
        "CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v INTEGER, filler TEXT) WITHOUT ROWID;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO t SELECT printf('%.*c', 300, 'k') || printf('%06d', i), i, hex(randomblob(40)) FROM n;",
    );
    sandbox.done(&["backup", "app.db", "--quiet"]);
    sandbox.sql("app.db", "DELETE FROM t WHERE v = 10000; UPDATE t SET filler = 'x' WHERE v = 5000");
    sandbox.done(&["backup", "app.db", "--quiet"]);
    let key = |number: u32| format!("{}{number:06}", "k".repeat(300));
    for (number, expected) in [
        (1, vec!["was_there"]),
        (5000, vec!["was_there", "changed"]),
        (10_000, vec!["was_there", "vanished"]),
        (20_000, vec!["was_there"]),
        (20_001, vec![]),
        (0, vec![]),
    ] {
        let found = told(&sandbox.json(&["history", "t", &key(number)]));
        assert_eq!(found.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), expected, "{number}");
    }
}

#[test]
fn rows_of_postgres() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_history");
        shop.sql(
            "CREATE TABLE items (\"order\" int, line text, price numeric(12,2), PRIMARY KEY (\"order\", line));
             INSERT INTO items SELECT i, 'a,' || i % 3, i FROM generate_series(1, 3000) i",
        );
        sandbox.done(&["backup", &shop.url(), "--quiet"]);
        shop.sql("UPDATE items SET price = price + 0.5 WHERE \"order\" = 1500");
        sandbox.done(&["backup", &shop.url(), "--quiet"]);
        let history = sandbox.json(&["history", "public.items", "01500,'a,0'"]);
        assert_eq!(told(&history)[1], version("changed", &["price"]));
        assert_eq!(
            history["versions"][1]["columns"][0],
            json!({"column": "price", "before": "1500.00", "after": "1500.50"})
        );
    }
}
