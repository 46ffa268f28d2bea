//! What "undo reverts this" promises: the state before comes back, also where rows referred to nothing in it.

use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), note TEXT);
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben'), (3, 'Cy');
    INSERT INTO orders VALUES (10, 1, 'a'), (11, 2, 'b'), (12, 2, 'c'), (13, 3, 'd');";

fn rows(sandbox: &Sandbox) -> String {
    let customers = sandbox.query("shop.db", "SELECT id, name FROM customers ORDER BY id");
    customers + "/" + &sandbox.query("shop.db", "SELECT id, customer, note FROM orders ORDER BY id")
}

/// SQLite sees to references only for connections that ask for it, and `sqlite3` does not.
#[test]
fn what_dangled_before_dangles_again() {
    let restores: [&[&str]; 5] = [
        &["--mode", "replace"],
        &["--mode", "merge"],
        &["--key", "customers:2"],
        &["--key", "customers:2", "--with-related"],
        &["--tables", "customers"],
    ];
    for options in restores {
        let sandbox = Sandbox::new();
        sandbox.sql("shop.db", SHOP);
        sandbox.done(&["backup", "shop.db", "--name", "good"]);
        let good = rows(&sandbox);
        sandbox
            .sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM customers WHERE id = 2; UPDATE orders SET note = 'x' WHERE id = 13");
        let before = rows(&sandbox);
        let restored = sandbox.done(&[&["restore", "good", "--to", "shop.db", "--yes"], options].concat());
        assert!(restored.out.contains("references from 2 rows of orders to customers"), "{restored:#?}");
        let after = rows(&sandbox);
        assert!(after.contains("2|Ben"), "{options:?}: {after}");
        let undone = sandbox.done(&["undo", "shop.db", "--yes"]);
        assert!(
            undone.out.contains("2 rows of orders will refer to rows of customers that are not there"),
            "{undone:#?}"
        );
        assert_eq!(rows(&sandbox), before, "{options:?}");
        // And again, back and forth.
        sandbox.done(&["undo", "shop.db", "--yes"]);
        assert_eq!(rows(&sandbox), after, "{options:?}");
        sandbox.done(&["undo", "shop.db", "--yes"]);
        assert_eq!(rows(&sandbox), before, "{options:?}");
        sandbox.done(&["restore", "good", "--to", "shop.db", "--yes"]);
        assert_eq!(rows(&sandbox), good, "{options:?}");
    }
}

/// A plan that is kept knows it as well.
#[test]
fn a_kept_plan_remembers_what_dangled() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "good"]);
    sandbox.sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM customers WHERE id = 2");
    let before = rows(&sandbox);
    let kept = sandbox.json(&["restore", "good", "--to", "shop.db", "--dry-run"]);
    let id = kept["plan"].as_str().expect("the plan has an id").to_owned();
    sandbox.done(&["apply", &id, "--yes"]);
    let kept = sandbox.json(&["undo", "shop.db", "--dry-run"]);
    let id = kept["plan"].as_str().expect("the plan has an id").to_owned();
    sandbox.done(&["apply", &id, "--yes"]);
    assert_eq!(rows(&sandbox), before);
}

/// A state with rows that refer to nothing comes back whole, and goes again.
#[test]
fn a_state_that_dangles_comes_back() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM customers WHERE id = 3");
    sandbox.done(&["backup", "shop.db", "--name", "dangling"]);
    let dangling = rows(&sandbox);
    sandbox.sql(
        "shop.db",
        "PRAGMA foreign_keys = OFF; DELETE FROM orders WHERE id = 13; INSERT INTO customers VALUES (4, 'Di')",
    );
    let clean = rows(&sandbox);
    sandbox.done(&["restore", "dangling", "--to", "shop.db", "--yes"]);
    assert_eq!(rows(&sandbox), dangling);
    sandbox.done(&["verify", "dangling", "--against", "shop.db"]);
    sandbox.done(&["undo", "shop.db", "--yes"]);
    assert_eq!(rows(&sandbox), clean);
    sandbox.done(&["undo", "shop.db", "--yes"]);
    assert_eq!(rows(&sandbox), dangling);
}

/// What others have come to refer to since is not taken away.
#[test]
fn what_did_not_dangle_is_not_left_dangling() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "good"]);
    sandbox.sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM customers WHERE id = 2");
    sandbox.done(&["restore", "good", "--to", "shop.db", "--yes"]);
    sandbox.sql("shop.db", "INSERT INTO orders VALUES (14, 2, 'new')");
    let now = rows(&sandbox);
    sandbox.run(&["undo", "shop.db", "--yes"]).expect(4).says(&["orders", "customers", "not there"]);
    assert_eq!(rows(&sandbox), now);
    sandbox.sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM orders WHERE id = 14");
    sandbox.done(&["undo", "shop.db", "--yes"]);
}
