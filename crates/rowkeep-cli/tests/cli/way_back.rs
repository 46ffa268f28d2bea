//! What "undo reverts this" promises: the state before comes back, also where rows referred to nothing in it.

use crate::postgres::{Database, servers};
use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), note TEXT);
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben'), (3, 'Cy');
    INSERT INTO orders VALUES (10, 1, 'a'), (11, 2, 'b'), (12, 2, 'c'), (13, 3, 'd');";

/// A shop in a database of either engine, and a repository beside it.
struct Shop<'a> {
    sandbox: Sandbox,
    database: Option<Database<'a>>,
    url: String,
}

impl Shop<'_> {
    fn sql(&self, sql: &str) {
        match &self.database {
            Some(database) => drop(database.sql(sql)),
            None => self.sandbox.sql(&self.url, sql),
        }
    }

    /// Runs statements while nobody sees to references.
    fn unseen(&self, sql: &str) {
        let off = match self.database {
            Some(_) => "SET session_replication_role = replica",
            None => "PRAGMA foreign_keys = OFF",
        };
        self.sql(&format!("{off}; {sql}"));
    }

    fn rows(&self) -> String {
        let query = |sql: &str| match &self.database {
            Some(database) => database.sql(sql).trim_end().to_owned(),
            None => self.sandbox.query(&self.url, sql),
        };
        let customers = query("SELECT id, name FROM customers ORDER BY id");
        customers + "/" + &query("SELECT id, customer, note FROM orders ORDER BY id")
    }

    fn done(&self, args: &[&str]) -> crate::sandbox::Ran {
        self.sandbox.done(&self.arguments(args))
    }

    fn run(&self, args: &[&str]) -> crate::sandbox::Ran {
        self.sandbox.run(&self.arguments(args))
    }

    /// Arguments with the database for `DB`.
    fn arguments<'t>(&'t self, args: &[&'t str]) -> Vec<&'t str> {
        args.iter().map(|arg| if *arg == "DB" { &self.url } else { *arg }).collect()
    }
}

/// Does the same with SQLite and with every server.
fn everywhere(name: &str, work: impl Fn(&Shop<'_>)) {
    let shop = |database: Option<Database<'_>>| {
        let url = database.as_ref().map_or_else(|| "shop.db".to_owned(), Database::url);
        let shop = Shop { sandbox: Sandbox::new(), database, url };
        shop.sql(SHOP);
        work(&shop);
    };
    shop(None);
    for server in servers() {
        shop(Some(server.database(&format!("rowkeep_cli_back_{name}"))));
    }
}

/// SQLite sees to references only for connections that ask for it, and PostgreSQL not for roles that replicate.
#[test]
fn what_dangled_before_dangles_again() {
    let restores: [&[&str]; 5] = [
        &["--mode", "replace"],
        &["--mode", "merge"],
        &["--key", "customers:2"],
        &["--key", "customers:2", "--with-related"],
        &["--tables", "customers"],
    ];
    for (number, options) in restores.into_iter().enumerate() {
        everywhere(&format!("again{number}"), |shop| {
            shop.done(&["backup", "DB", "--name", "good"]);
            let good = shop.rows();
            shop.unseen("DELETE FROM customers WHERE id = 2; UPDATE orders SET note = 'x' WHERE id = 13");
            let before = shop.rows();
            let restored = shop.done(&[&["restore", "good", "--to", "DB", "--yes"], options].concat());
            assert!(restored.out.contains("references from 2 rows of "), "{restored:#?}");
            let after = shop.rows();
            assert!(after.contains("2|Ben"), "{options:?}: {after}");
            let undone = shop.done(&["undo", "DB", "--yes"]);
            assert!(
                undone.out.contains("2 rows of ") && undone.out.contains("will refer to rows of "),
                "{undone:#?}"
            );
            assert_eq!(shop.rows(), before, "{options:?}");
            // And again, back and forth.
            shop.done(&["undo", "DB", "--yes"]);
            assert_eq!(shop.rows(), after, "{options:?}");
            shop.done(&["undo", "DB", "--yes"]);
            assert_eq!(shop.rows(), before, "{options:?}");
            shop.done(&["restore", "good", "--to", "DB", "--yes"]);
            assert_eq!(shop.rows(), good, "{options:?}");
        });
    }
}

/// A plan that is kept knows it as well.
#[test]
fn a_kept_plan_remembers_what_dangled() {
    everywhere("plan", |shop| {
        shop.done(&["backup", "DB", "--name", "good"]);
        shop.unseen("DELETE FROM customers WHERE id = 2");
        let before = shop.rows();
        let kept = shop.sandbox.json(&shop.arguments(&["restore", "good", "--to", "DB", "--dry-run"]));
        let id = kept["plan"].as_str().expect("the plan has an id").to_owned();
        shop.done(&["apply", &id, "--yes"]);
        let kept = shop.sandbox.json(&shop.arguments(&["undo", "DB", "--dry-run"]));
        let id = kept["plan"].as_str().expect("the plan has an id").to_owned();
        shop.done(&["apply", &id, "--yes"]);
        assert_eq!(shop.rows(), before);
    });
}

/// A state with rows that refer to nothing comes back whole, and goes again.
#[test]
fn a_state_that_dangles_comes_back() {
    everywhere("state", |shop| {
        shop.unseen("DELETE FROM customers WHERE id = 3");
        shop.done(&["backup", "DB", "--name", "dangling"]);
        let dangling = shop.rows();
        shop.unseen("DELETE FROM orders WHERE id = 13; INSERT INTO customers VALUES (4, 'Di')");
        let clean = shop.rows();
        shop.done(&["restore", "dangling", "--to", "DB", "--yes"]);
        assert_eq!(shop.rows(), dangling);
        shop.done(&["verify", "dangling", "--against", "DB"]);
        shop.done(&["undo", "DB", "--yes"]);
        assert_eq!(shop.rows(), clean);
        shop.done(&["undo", "DB", "--yes"]);
        assert_eq!(shop.rows(), dangling);
    });
}

/// What others have come to refer to since is not taken away.
#[test]
fn what_did_not_dangle_is_not_left_dangling() {
    everywhere("other", |shop| {
        shop.done(&["backup", "DB", "--name", "good"]);
        shop.unseen("DELETE FROM customers WHERE id = 2");
        shop.done(&["restore", "good", "--to", "DB", "--yes"]);
        shop.sql("INSERT INTO orders VALUES (14, 2, 'new')");
        let now = shop.rows();
        shop.run(&["undo", "DB", "--yes"]).expect(4).says(&["orders", "customers", "not there"]);
        assert_eq!(shop.rows(), now);
        shop.unseen("DELETE FROM orders WHERE id = 14");
        shop.done(&["undo", "DB", "--yes"]);
    });
}

/// Triggers of foreign keys that somebody switched off stay off, and the others on.
#[test]
fn triggers_of_references_stay_as_they_were() {
    for server in servers() {
        let database = server.database("rowkeep_cli_back_triggers");
        let (sandbox, url) = (Sandbox::new(), database.url());
        database.sql(SHOP);
        database.sql("ALTER TABLE orders DISABLE TRIGGER ALL");
        let triggers = || database.sql("SELECT tgrelid::regclass, tgenabled FROM pg_trigger ORDER BY oid");
        let (before, rows) = (triggers(), "SELECT * FROM customers ORDER BY id");
        assert!(before.contains("|D") && before.contains("|O"), "{before}");
        sandbox.done(&["backup", &url, "--name", "good"]);
        database.sql("SET session_replication_role = replica; DELETE FROM customers WHERE id = 2");
        let lost = database.sql(rows);
        sandbox.done(&["restore", "good", "--to", &url, "--yes"]);
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!((database.sql(rows), triggers()), (lost, before));
    }
}
