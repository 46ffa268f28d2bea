//! Comparing states, restoring into a database that holds data, and taking it back.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE, cents INTEGER);
    CREATE TABLE audit (at TEXT, what TEXT);
    INSERT INTO customers VALUES (1, 'Ada', 'a@example.org'), (2, 'Ben', 'b@example.org'), (3, 'Cleo', NULL);
    INSERT INTO orders VALUES (10, 1, 500), (11, 2, 700), (12, 2, 900);
    INSERT INTO audit VALUES ('2026-01-01', 'opened');";

const HARM: &str = "
    PRAGMA foreign_keys = ON;
    DELETE FROM customers WHERE id = 2;
    UPDATE customers SET name = 'Adam' WHERE id = 1;
    INSERT INTO customers VALUES (4, 'Dan', '');
    INSERT INTO audit VALUES ('2026-02-01', 'harm')";

fn harmed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql("shop.db", HARM);
    sandbox
}

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

#[test]
fn differences_are_shown_as_lines_and_as_objects() {
    let sandbox = harmed();
    let rows = sandbox.run(&["diff", "latest", "shop.db", "--rows", "--exclude", "audit"]).expect(3).out;
    assert_eq!(
        rows.lines().collect::<Vec<_>>(),
        [
            "~ customers id=1 name: 'Ada' -> 'Adam'",
            "- customers id=2 name='Ben' email='b@example.org'",
            "+ customers id=4 name='Dan' email=''",
            "- orders id=11 customer=2 cents=700",
            "- orders id=12 customer=2 cents=900",
        ]
    );
    let objects = lines(&sandbox.run(&["diff", "latest", "shop.db", "--rows", "--json"]).expect(3).out);
    let update = objects.iter().find(|object| object["change"] == "update").expect("a row was updated");
    assert_eq!(update["key"], json!({ "id": 1 }));
    assert_eq!((&update["before"]["name"], &update["after"]["name"]), (&json!("Ada"), &json!("Adam")));
    let summary = objects.last().expect("a summary ends it");
    assert_eq!(summary["rows"], json!({ "inserted": 2, "updated": 1, "deleted": 3 }));
    assert_eq!(summary["equal"], json!(false));

    let filtered = sandbox.run(&[
        "diff",
        "latest",
        "shop.db",
        "--rows",
        "--tables",
        "customers",
        "--where",
        "name LIKE 'A%'",
    ]);
    assert_eq!(filtered.expect(3).out.lines().count(), 1);
    let equal = sandbox.done(&["diff", "latest", "latest"]).out;
    assert!(equal.starts_with("equal: "), "{equal}");
}

#[test]
fn two_databases_need_no_repository() {
    let sandbox = Sandbox::bare();
    sandbox.sql("a.db", SHOP);
    sandbox.sql("b.db", SHOP);
    sandbox.done(&["diff", "a.db", "b.db"]);
    sandbox.sql("b.db", "ALTER TABLE orders ADD COLUMN note TEXT; UPDATE orders SET cents = 1 WHERE id = 12; DROP TABLE audit");
    let differs = sandbox.run(&["diff", "a.db", "b.db"]).expect(3);
    for told in
        ["column orders.note is only in the second", "table audit is only in the first", "cents: 900 -> 1"]
    {
        assert!(differs.out.contains(told), "{differs:?}");
    }
    assert!(!sandbox.path("rowkeep-repository").exists());
}

#[test]
fn a_plan_changes_nothing_and_says_what_the_restore_then_does() {
    let sandbox = harmed();
    let harmed = sandbox.query("shop.db", "SELECT * FROM customers");
    let plan = sandbox.json(&["restore", "latest", "--to", "shop.db", "--dry-run"]);
    assert_eq!(plan["rows"], json!({ "inserted": 3, "updated": 1, "deleted": 2 }));
    assert_eq!(sandbox.query("shop.db", "SELECT * FROM customers"), harmed);
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
    let done = sandbox.json(&["restore", "latest", "--to", "shop.db", "--yes"]);
    assert_eq!(done["rows"], plan["rows"]);
    sandbox.done(&["verify", "latest", "--against", "shop.db"]);
    sandbox.done(&["undo", "shop.db", "--yes"]);
    assert_eq!(sandbox.query("shop.db", "SELECT * FROM customers"), harmed);
    sandbox.sql("other.db", SHOP);
    sandbox.run(&["undo", "other.db", "--yes"]).expect(2).says(&["no restore to undo"]);
}

#[test]
fn tables_rows_and_modes() {
    let sandbox = harmed();
    // A child alone cannot come without its parent; nothing changes.
    sandbox
        .run(&["restore", "latest", "--to", "shop.db", "--key", "orders:11", "--yes"])
        .expect(4)
        .says(&["FOREIGN KEY", "nothing was changed"]);
    sandbox.done(&[
        "restore",
        "latest",
        "--to",
        "shop.db",
        "--key",
        "customers:2",
        "--key",
        "orders:11",
        "--yes",
    ]);
    assert_eq!(sandbox.query("shop.db", "SELECT id FROM orders ORDER BY id").trim(), "10\n11");
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers WHERE id = 1").trim(), "Adam");

    sandbox.done(&["restore", "latest", "--to", "shop.db", "--mode", "merge", "--yes"]);
    assert_eq!(sandbox.query("shop.db", "SELECT id FROM orders ORDER BY id").trim(), "10\n11\n12");
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers WHERE id = 1").trim(), "Adam");

    sandbox.done(&[
        "restore",
        "latest",
        "--to",
        "shop.db",
        "--mode",
        "update",
        "--keep-tables",
        "audit",
        "--yes",
    ]);
    assert_eq!(
        sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id").trim(),
        "Ada\nBen\nCleo\nDan"
    );
    assert_eq!(sandbox.query("shop.db", "SELECT count(*) FROM audit").trim(), "2");

    let log = "INSERT INTO audit VALUES ('now', 'restored')";
    sandbox.done(&[
        "restore",
        "latest",
        "--to",
        "shop.db",
        "--keep-tables",
        "audit",
        "--also-run",
        log,
        "--yes",
    ]);
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id").trim(), "Ada\nBen\nCleo");
    assert_eq!(sandbox.query("shop.db", "SELECT what FROM audit").trim(), "opened\nharm\nrestored");
}

#[test]
fn undo_leaves_out_what_was_changed_again_when_that_is_wanted() {
    let sandbox = harmed();
    sandbox.done(&["restore", "latest", "--to", "shop.db", "--keep-tables", "audit", "--yes"]);
    sandbox.sql("shop.db", "UPDATE customers SET name = 'Later' WHERE id = 1");
    sandbox.run(&["undo", "shop.db", "--yes"]).expect(4).says(&["nothing was changed", "--skip-conflicts"]);
    assert_eq!(sandbox.query("shop.db", "SELECT count(*) FROM orders").trim(), "3");
    sandbox.done(&["undo", "shop.db", "--yes", "--skip-conflicts"]);
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id").trim(), "Later\nCleo\nDan");
    assert_eq!(sandbox.query("shop.db", "SELECT count(*) FROM orders").trim(), "1");
}

/// Which restore is taken back can be said, and whether that can be taken back in turn.
#[test]
fn an_earlier_restore_is_taken_back_alone() {
    let sandbox = harmed();
    let snapshots = || sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len);
    let restore = |key: &str| {
        let done = sandbox.json(&["restore", "latest", "--to", "shop.db", "--key", key, "--yes"]);
        done["safety"].as_str().expect("a safety snapshot was taken").to_owned()
    };
    let first = restore("customers:1");
    let second = restore("customers:2");
    let undo = ["undo", "shop.db", "--yes", "--snapshot", &first];
    sandbox.done(&["undo", "shop.db", "--dry-run", "--snapshot", &first]);
    assert_eq!(
        (sandbox.query("shop.db", "SELECT name FROM customers WHERE id < 3"), snapshots()),
        ("Ada\nBen".to_owned(), Some(3))
    );
    sandbox.done(&[&undo[..], &["--no-safety"]].concat());
    assert_eq!(
        (sandbox.query("shop.db", "SELECT name FROM customers WHERE id < 3"), snapshots()),
        ("Adam\nBen".to_owned(), Some(3))
    );
    sandbox.run(&["undo", "shop.db", "--yes"]).expect(4).says(&["without a safety snapshot"]);
    sandbox.done(&["undo", "shop.db", "--yes", "--snapshot", &second]);
    assert_eq!(
        (sandbox.query("shop.db", "SELECT name FROM customers WHERE id < 3"), snapshots()),
        ("Adam".to_owned(), Some(4))
    );
}

#[test]
fn what_cannot_be_meant_is_said() {
    let sandbox = harmed();
    for (arguments, status, says) in [
        (&["diff", "latest", "shop.db", "--where", "nme = 1"][..], 2, "no column nme"),
        (&["diff", "latest", "shop.db", "--where", "name = 'A"], 2, "condition"),
        (&["diff", "latest", "shop.db", "--tables", "customer"], 2, "there are"),
        (&["diff", "latest", "nowhere.db"], 1, "nowhere.db: there is no such file"),
        (&["diff", "live", "latest"], 2, "none is configured"),
        (&["restore", "latest", "--to", "shop.db", "--key", "nobody:1", "--yes"], 2, "no table nobody"),
        (&["restore", "latest", "--to", "shop.db", "--key", "customers", "--yes"], 2, "customers"),
        (&["restore", "latest", "--to", "shop.db", "--mask", "--yes"], 2, "mask"),
        (
            &[
                "restore",
                "latest",
                "--to",
                "shop.db",
                "--also-run",
                "INSERT INTO nothing VALUES (1)",
                "--yes",
            ],
            2,
            "nothing",
        ),
        (&["restore", "latest", "--to", "new.db", "--dry-run"], 2, "new or empty"),
        (&["restore", "latest"], 2, "--to"),
    ] {
        let refused = sandbox.run(arguments).expect(status);
        assert!(refused.err.contains(says), "{refused:?}");
    }
    let names = sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id");
    assert_eq!(names.trim(), "Adam\nCleo\nDan", "nothing was changed");
}

/// Tables and columns that came since or are gone, and rows that the database refuses.
#[test]
fn what_does_not_fit_any_more_is_said() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "all"]);
    sandbox.done(&["backup", "shop.db", "--schema-only", "--name", "bare"]);
    let restore =
        |more: &[&str]| sandbox.run(&[&["restore", "all", "--to", "shop.db", "--yes"], more].concat());

    sandbox.sql("shop.db", "DELETE FROM audit; ALTER TABLE audit ADD COLUMN who TEXT NOT NULL DEFAULT 'nobody'; ALTER TABLE audit DROP COLUMN at");
    let fits = restore(&[]).expect(0);
    for told in
        ["column audit.who is only in the first", "column audit.at is only in the second", "defaults: who"]
    {
        assert!(fits.err.contains(told) || fits.out.contains(told), "{told}: {fits:?}");
    }
    assert_eq!(sandbox.query("shop.db", "SELECT what, who FROM audit"), "opened|nobody");

    sandbox.sql(
        "shop.db",
        "DROP TABLE orders; DROP TABLE customers;
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name INTEGER, email TEXT) STRICT;
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER, why TEXT NOT NULL)",
    );
    restore(&["--tables", "customers"])
        .expect(4)
        .says(&["cannot store TEXT value in INTEGER column", "nothing was changed"]);
    restore(&["--tables", "orders"]).expect(4).says(&["orders.why", "nothing was changed", "--with-schema"]);
    sandbox.sql("shop.db", "DROP TABLE orders");
    restore(&[]).expect(2).says(&["has no table orders", "--with-schema", "--keep-tables"]);
    restore(&["--key", "orders:10"]).expect(2).says(&["orders"]);
    restore(&["--tables", "audit", "--keep-tables", "audit"]).expect(2).says(&["no tables are left"]);
    let nobody = restore(&["--tables", "audit", "--where", "what = 'nobody did that'"]).expect(0);
    assert!(nobody.out.contains("already up to date: "), "{nobody:?}");
    sandbox
        .run(&["restore", "bare", "--to", "shop.db", "--yes"])
        .expect(2)
        .says(&["holds no rows", "rowkeep show"]);
    sandbox
        .run(&["restore", "all", "--to", "postgres://postgres@127.0.0.1:1/shop", "--yes"])
        .expect(1)
        .says(&["127.0.0.1"]);
    assert_eq!(sandbox.query("shop.db", "SELECT count(*) FROM customers"), "0", "nothing was changed");

    restore(&["--with-schema"]).expect(0);
    sandbox.done(&["verify", "all", "--against", "shop.db"]);
}

/// What a copy changed since both were the same comes; what the database changed itself stays, and conflicts are decided.
#[test]
fn changes_of_two_sides_are_merged() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "common"]);
    std::fs::copy(sandbox.path("shop.db"), sandbox.path("laptop.db")).expect("it is copied");
    sandbox.sql("laptop.db", "UPDATE customers SET name = 'Bea' WHERE id = 2; DELETE FROM orders WHERE id = 12; UPDATE customers SET name = 'Cy' WHERE id = 3");
    sandbox.done(&["backup", "laptop.db", "--name", "laptop"]);
    sandbox.sql(
        "shop.db",
        "UPDATE customers SET name = 'Ann' WHERE id = 1; UPDATE customers SET name = 'Clio' WHERE id = 3",
    );
    let before = sandbox.query("shop.db", "SELECT * FROM customers ORDER BY id");
    let restore = |more: &[&str]| {
        sandbox.run(&[&["restore", "laptop", "--to", "shop.db", "--base", "common"], more].concat())
    };
    let conflict = r#"changed in both: customers (id 3): name was "Cleo", is "Clio", becomes "Cy""#;
    let planned = restore(&["--dry-run"]).expect(0);
    assert!(planned.out.contains(conflict) && planned.out.contains("--prefer database"), "{planned:?}");
    restore(&["--yes"])
        .expect(4)
        .says(&["1 row was changed both in the database and in snapshot", "--prefer snapshot"]);
    assert_eq!(sandbox.query("shop.db", "SELECT * FROM customers ORDER BY id"), before);
    let names = |wanted: &str| {
        assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id").trim(), wanted);
    };
    for (prefer, wanted) in [("database", "Ann\nBea\nClio"), ("snapshot", "Ann\nBea\nCy")] {
        restore(&["--prefer", prefer, "--yes"]).expect(0);
        names(wanted);
        assert_eq!(sandbox.query("shop.db", "SELECT id FROM orders ORDER BY id").trim(), "10\n11");
        sandbox.done(&["undo", "shop.db", "--yes"]);
        assert_eq!(sandbox.query("shop.db", "SELECT * FROM customers ORDER BY id"), before);
    }
    // The same of two snapshots, which become a third.
    sandbox.done(&["backup", "shop.db", "--name", "desk"]);
    let merge = |more: &[&str]| sandbox.run(&[&["merge", "laptop", "--into", "desk"], more].concat());
    let undecided = merge(&["--base", "common"]).expect(4);
    assert!(
        undecided.out.contains(conflict) && undecided.out.contains("no snapshot was made"),
        "{undecided:?}"
    );
    merge(&["--base", "common", "--prefer", "from", "--name", "both"]).expect(0);
    sandbox.done(&["restore", "both", "--to", "both.db"]);
    assert_eq!(sandbox.query("both.db", "SELECT name FROM customers ORDER BY id").trim(), "Ann\nBea\nCy");
    assert_eq!(sandbox.query("both.db", "SELECT id FROM orders ORDER BY id").trim(), "10\n11");
    merge(&[]).expect(2).says(&["nothing says which snapshot", "--base"]);
    // The merged one knows what it comes from.
    sandbox.done(&["merge", "laptop", "--into", "both"]);
    restore(&["--with-related", "--key", "customers:2"])
        .expect(2)
        .says(&["--with-related cannot be combined"]);
    sandbox
        .run(&["restore", "laptop", "--to", "shop.db", "--prefer", "snapshot"])
        .expect(2)
        .says(&["--base"]);
    restore(&["--with-schema", "--yes"]).expect(2).says(&["--base cannot be combined"]);
    sandbox
        .run(&["restore", "laptop", "--to", "new.db", "--base", "common"])
        .expect(2)
        .says(&["--base is for a database with data"]);
}
