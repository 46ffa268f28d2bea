//! Restoring a whole database with its schema, and taking that back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::postgres::{servers, unique};
use crate::sandbox::Sandbox;
use crate::subjects::on_each;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id), cents INTEGER);
    CREATE TABLE audit (at TEXT, what TEXT);
    CREATE INDEX orders_by_customer ON orders (customer);
    CREATE VIEW spent AS SELECT customer, sum(cents) AS cents FROM orders GROUP BY customer;
    INSERT INTO customers VALUES (1, 'Ada', 'a@example.org'), (2, 'Ben', NULL);
    INSERT INTO orders VALUES (10, 1, 500), (11, 2, 700);
    INSERT INTO audit VALUES ('2026-01-01', 'opened'), ('2026-01-01', 'opened');";

/// Tables and columns that went, came and changed, and rows with them.
const CHANGED: &str = "
    DROP VIEW spent; DROP INDEX orders_by_customer; DROP TABLE audit;
    ALTER TABLE customers RENAME COLUMN name TO called; ALTER TABLE orders ADD COLUMN note TEXT DEFAULT 'x';
    CREATE TABLE parcels (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders (id));
    CREATE INDEX customers_by_name ON customers (called);
    INSERT INTO parcels VALUES (1, 10); DELETE FROM orders WHERE id = 11; UPDATE customers SET called = 'Adam' WHERE id = 1;";

#[test]
fn the_whole_database_comes_back_and_goes_again() {
    on_each("rowkeep_cli_replace", SHOP, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url, "--name", "first"]);
        let before = subject.schema();
        subject.sql(CHANGED);
        sandbox.done(&["backup", &url, "--name", "changed"]);
        let changed = subject.schema();

        let restore = ["restore", "first", "--to", &url, "--with-schema"];
        let dry = sandbox.done(&[&restore[..], &["--dry-run"]].concat()).out;
        for word in [
            "audit is only in the second",
            "parcels is only in the first",
            "CREATE INDEX customers_by_name",
            "ROWS THEN",
        ] {
            assert!(dry.contains(word), "{word}: {dry}");
        }
        let line = |name: &str| {
            dry.lines()
                .find(|line| line.starts_with(name))
                .map(|line| line.split_whitespace().skip(1).collect())
        };
        assert_eq!(line("orders"), Some(vec!["1", "2"]), "{dry}");
        assert_eq!(line("parcels"), Some(vec!["1", "-"]), "{dry}");
        assert_eq!(subject.schema(), changed, "a dry run changes nothing");
        sandbox.run(&restore).expect(4).says(&["no terminal to ask"]);
        assert_eq!(subject.schema(), changed);

        let restored = sandbox.done(&[&restore[..], &["--yes"]].concat());
        assert!(restored.out.contains("equal: ") && restored.out.contains("rowkeep undo"), "{restored:?}");
        assert_eq!(subject.schema(), before);
        sandbox.done(&["verify", "first", "--against", &url]);
        assert_eq!(subject.query("SELECT cents FROM spent ORDER BY customer"), "500\n700");
        let again = sandbox.done(&[&restore[..], &["--yes"]].concat());
        assert!(again.out.contains("already up to date"), "{again:?}");
        // As many rows, or the same tables, are not the same.
        for sql in ["UPDATE orders SET cents = 501 WHERE id = 10", "DROP INDEX orders_by_customer"] {
            subject.sql(sql);
            sandbox.done(&[&restore[..], &["--yes", "--no-safety"]].concat());
            assert_eq!(subject.schema(), before, "{sql}");
            sandbox.done(&["verify", "first", "--against", &url]);
        }

        // What was written since is in the safety snapshot of the undo.
        subject.sql("INSERT INTO audit VALUES ('2026-02-01', 'later')");
        sandbox.run(&["undo", &url, "--yes"]).expect(4).says(&["without a safety snapshot"]);
        let list = sandbox.json(&["snapshots"]);
        let mut listed = list["snapshots"].as_array().expect("a list").iter();
        let safety = listed.rfind(|one| one.get("before").is_some()).expect("there is one");
        let safety = safety["id"].as_str().expect("it has an id");
        sandbox.done(&["undo", &url, "--yes", "--snapshot", safety]);
        assert_eq!(subject.schema(), changed);
        sandbox.done(&["verify", "changed", "--against", &url]);
        let list = sandbox.done(&["snapshots"]).out;
        assert!(list.contains("(before restore)") && list.contains("(before undo)"), "{list}");
        // The next undo takes this one back: with what was written before it.
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM audit WHERE what = 'later'"), "1");
        assert_eq!(subject.schema(), before);
    });
}

#[test]
fn parts_have_no_schema_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "first"]);
    sandbox.done(&["backup", "shop.db", "--name", "some", "--tables", "audit"]);
    sandbox.sql("shop.db", CHANGED);
    sandbox.done(&["backup", "shop.db", "--name", "bare", "--schema-only"]);
    let before = sandbox.query("shop.db", "SELECT sql FROM sqlite_schema");
    for options in [
        &["--tables", "orders"][..],
        &["--keep-tables", "audit"],
        &["--where", "id = 1"],
        &["--mode", "merge"],
    ] {
        let arguments =
            [&["restore", "first", "--to", "shop.db", "--with-schema", "--yes"][..], options].concat();
        sandbox.run(&arguments).expect(2).says(&["--with-schema", options[0]]);
    }
    for part in ["some", "bare"] {
        let some = sandbox.run(&["restore", part, "--to", "shop.db", "--with-schema", "--yes"]).expect(2);
        assert!(some.err.contains("does not hold the rows of all tables"), "{some:?}");
    }
    assert_eq!(sandbox.query("shop.db", "SELECT sql FROM sqlite_schema"), before);
    // Into nothing the schema comes in any case.
    sandbox.done(&["restore", "first", "--to", "new.db", "--with-schema"]);
}

#[test]
fn what_may_not_be_dropped_stays_with_all_else() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_owned");
        let role = unique("rowkeep_owner");
        shop.sql(&format!("DROP ROLE IF EXISTS {role}"));
        shop.sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'right'; GRANT CREATE ON SCHEMA public TO {role}"
        ));
        let url = shop.url().replace("postgres@", &format!("{role}:right@"));
        shop.sql(&format!("SET ROLE {role}; {SHOP}"));
        sandbox.done(&["backup", &url, "--name", "first"]);
        let before = shop.schema();
        shop.sql(&format!("SET ROLE {role}; {CHANGED}"));
        sandbox.done(&["restore", "first", "--to", &url, "--with-schema", "--yes"]);
        assert_eq!(shop.schema(), before, "who owns the tables needs no more");

        shop.sql(&format!("CREATE TABLE of_another (id integer); GRANT SELECT ON of_another TO {role}"));
        let before = shop.schema();
        let snapshots = sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len);
        let refused = sandbox.run(&["restore", "first", "--to", &url, "--with-schema", "--yes"]).expect(4);
        assert!(refused.err.contains("of_another"), "{refused:?}");
        assert_eq!(shop.schema(), before);
        assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), snapshots);
        shop.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

/// What was restored is read again: a trigger that the schema brings may write more.
#[test]
fn what_is_not_as_it_was_in_the_end_is_told() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_differs");
        shop.sql(
            "CREATE TABLE log (t text);
             CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (1); RETURN 1; END';
             CREATE MATERIALIZED VIEW noted AS SELECT public.note()",
        );
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        shop.sql("CREATE TABLE more (id integer)");
        let restored =
            sandbox.json_of(3, &["restore", "first", "--to", &shop.url(), "--with-schema", "--yes"]);
        assert_eq!(restored["equal"], false, "{restored}");
        let other = server.database("rowkeep_cli_differs_new");
        let restored = sandbox.json_of(3, &["restore", "first", "--to", &other.url()]);
        assert_eq!(restored["equal"], false, "{restored}");
    }
}

/// Rows enough that there is time to be killed in.
const MANY: &str = "
    CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX many_by_value ON many (v);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO many SELECT i, 'value number ' || i * 7919 % 50000 FROM n;";

#[test]
fn a_killed_restore_leaves_the_old_or_the_new() {
    const KILLS: u32 = 6;
    on_each("rowkeep_cli_cut", &format!("{SHOP}{MANY}"), |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url, "--name", "new"]);
        let new = subject.schema();
        subject.sql(&format!(
            "{CHANGED} ALTER TABLE many ADD COLUMN more TEXT; DELETE FROM many WHERE id % 3 = 0;"
        ));
        sandbox.done(&["backup", &url, "--name", "old"]);
        let old = subject.schema();
        let started = Instant::now();
        sandbox.done(&["restore", "new", "--to", &url, "--with-schema", "--yes", "--no-verify"]);
        let whole = started.elapsed();
        let mut stayed = 0;
        for kill in 0..KILLS {
            sandbox.done(&["restore", "old", "--to", &url, "--with-schema", "--yes", "--no-verify"]);
            let mut child = sandbox
                .command(&["restore", "new", "--to", &url, "--with-schema", "--yes", "--no-verify"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it can be run");
            let (began, moment) = (Instant::now(), whole * (2 * kill + 1) / (2 * KILLS));
            while began.elapsed() < moment && child.try_wait().expect("its state is known").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = child.kill();
            child.wait().expect("it ends");
            let schema = subject.schema();
            assert!(schema == old || schema == new, "{schema}");
            let state = if schema == old { "old" } else { "new" };
            stayed += u32::from(schema == old);
            sandbox.done(&["verify", state, "--against", &url]);
        }
        assert!(stayed > 0, "it was killed before its end");
        sandbox.done(&["check"]);
    });
}
