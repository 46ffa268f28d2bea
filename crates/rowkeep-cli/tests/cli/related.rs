//! Restoring rows with what hangs together with them, and what is said of references that would dangle.

use serde_json::json;

use crate::postgres::servers;
use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, \"order\" INTEGER REFERENCES orders (id) ON DELETE CASCADE, what TEXT);
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben');
    INSERT INTO orders VALUES (10, 1), (11, 2), (12, 2);
    INSERT INTO lines VALUES (100, 10, 'tea'), (101, 11, 'jam'), (102, 12, 'ham'), (103, NULL, 'none');";

fn without_ben() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql(
        "shop.db",
        "PRAGMA foreign_keys = ON; DELETE FROM customers WHERE id = 2; UPDATE customers SET name = 'Adam'",
    );
    sandbox
}

const ALL: &str =
    "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT count(*) FROM lines)";

#[test]
fn a_row_comes_back_with_what_was_its_own() {
    let sandbox = without_ben();
    let arguments = ["restore", "latest", "--to", "shop.db", "--key", "customers:2", "--with-related"];
    let shown = sandbox.done(&[&arguments[..], &["--dry-run"]].concat());
    assert!(shown.out.contains("RELATED"), "{shown:?}");
    let plan = sandbox.json(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(plan["rows"], json!({ "inserted": 5, "updated": 0, "deleted": 0 }));
    let related = |table: usize| (&plan["tables"][table]["name"], &plan["tables"][table]["related"]);
    assert_eq!(related(0), (&json!("customers"), &json!(0)));
    let all: u64 = (0..3).filter_map(|table| plan["tables"][table]["related"].as_u64()).sum();
    assert_eq!(all, 4);
    let differs =
        sandbox.run(&["diff", "shop.db", "latest", "--key", "customers:2", "--with-related"]).expect(3);
    assert!(differs.out.contains("RELATED") && differs.out.contains("+ lines"), "{differs:?}");

    sandbox.done(&[&arguments[..], &["--yes"]].concat());
    assert_eq!(sandbox.query("shop.db", ALL), "2|3|4");
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers WHERE id = 1"), "Adam");
    // Only what was changed was kept; it is shown as that, found whole, and taken back.
    let snapshots = sandbox.json(&["snapshots"]);
    let safety = snapshots["snapshots"][1]["id"].as_str().expect("there are two").to_owned();
    assert_eq!(snapshots["snapshots"][1]["rows"], json!(0));
    assert!(sandbox.done(&["show", &safety]).out.contains("changes made after it"));
    sandbox.done(&["check", "--read-data"]);
    sandbox.done(&["undo", "shop.db", "--yes"]);
    assert_eq!(sandbox.query("shop.db", ALL), "1|1|2");
    sandbox.done(&["delete", &safety, "--yes"]);
    sandbox.done(&["check"]);
    sandbox.run(&["diff", "latest", "shop.db", "--with-related"]).expect(2).says(&["--key or --where"]);
}

#[test]
fn references_that_would_dangle_stop_a_restore() {
    let sandbox = without_ben();
    let arguments = ["restore", "latest", "--to", "shop.db", "--key", "lines:101"];
    let with = |more: &[&'static str]| [&arguments[..], more].concat();
    let refused = sandbox.run(&with(&["--yes"])).expect(4);
    assert!(refused.out.contains("dangling: 1 row of lines (101)"), "{refused:?}");
    refused.says(&[
        "rows of orders that are not there",
        "nothing was changed",
        "--dangling bring",
        "--dangling leave-out",
    ]);
    assert_eq!(sandbox.query("shop.db", ALL), "1|1|2");
    let plan = sandbox.json(&with(&["--dry-run"]));
    assert_eq!(
        (&plan["dangling"][0]["why"], &plan["dangling"][0]["first"]),
        (&json!("missing"), &json!(["101"]))
    );

    let left_out = sandbox.done(&with(&["--dangling", "leave-out", "--yes"])).out;
    assert!(
        left_out.contains("skipped: 1 row of lines") && left_out.contains("already up to date"),
        "{left_out}"
    );
    sandbox.done(&with(&["--dangling", "bring", "--yes"]));
    assert_eq!(sandbox.query("shop.db", ALL), "2|2|3");
    assert_eq!(sandbox.query("shop.db", "SELECT count(*) FROM pragma_foreign_key_check"), "0");

    // Tables as a whole are no other matter.
    sandbox
        .run(&["restore", "latest", "--to", "shop.db", "--tables", "lines", "--yes"])
        .expect(4)
        .says(&["orders"]);
    sandbox.done(&[
        "restore",
        "latest",
        "--to",
        "shop.db",
        "--tables",
        "lines",
        "--dangling",
        "bring",
        "--yes",
    ]);
    assert_eq!(sandbox.query("shop.db", ALL), "2|3|4");
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers WHERE id = 1"), "Adam");
}

/// Several rows may cover the period that a row refers to, and none of them has its key.
#[test]
fn a_period_that_several_rows_cover_does_not_dangle() {
    // The only server that has such references.
    let server = &servers()[1];
    let sandbox = Sandbox::new();
    let database = server.database("rowkeep_cli_periods");
    database.sql(
        "CREATE TABLE prices (item int4range, during daterange, PRIMARY KEY (item, during WITHOUT OVERLAPS));
         CREATE TABLE sales (id int PRIMARY KEY, item int4range, during daterange,
             FOREIGN KEY (item, PERIOD during) REFERENCES prices (item, PERIOD during));
         INSERT INTO prices VALUES ('[1,2)', '[2026-01-01,2026-06-01)'), ('[1,2)', '[2026-06-01,2027-01-01)');
         INSERT INTO sales VALUES (1, '[1,2)', '[2026-03-01,2026-09-01)');",
    );
    sandbox.done(&["backup", &database.url()]);
    for wanted in [["--key", "sales:1"], ["--tables", "sales"]] {
        database.sql("DELETE FROM sales");
        sandbox.done(&[&["restore", "latest", "--to", &database.url(), "--yes"][..], &wanted].concat());
        assert_eq!(database.sql("SELECT id FROM sales").trim(), "1", "{wanted:?}");
    }
    // What is not covered is still refused, by the server.
    database.sql("DELETE FROM sales; DELETE FROM prices WHERE during @> '2026-07-01'::date");
    let refused =
        sandbox.run(&["restore", "latest", "--to", &database.url(), "--key", "sales:1", "--yes"]).expect(4);
    assert!(refused.err.contains("foreign key"), "{refused:?}");
    assert_eq!(database.sql("SELECT count(*) FROM sales").trim(), "0");
}

/// The rows of a partitioned table are those of its partitions, at either end of a foreign key.
#[test]
fn foreign_keys_lead_through_partitioned_tables() {
    let servers = servers();
    let sandbox = Sandbox::new();
    let database = servers[0].database("rowkeep_cli_related_parts");
    database.sql(
        "CREATE TABLE ev (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE ev_a PARTITION OF ev FOR VALUES FROM (0) TO (10);
         CREATE TABLE ev_b (more int, id int NOT NULL); ALTER TABLE ev_b DROP more;
         ALTER TABLE ev ATTACH PARTITION ev_b FOR VALUES FROM (10) TO (20);
         CREATE TABLE line (id int, evid int REFERENCES ev, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE line_a PARTITION OF line FOR VALUES FROM (0) TO (2);
         CREATE TABLE line_b PARTITION OF line DEFAULT;
         INSERT INTO ev VALUES (1), (11); INSERT INTO line VALUES (1, 1), (2, 1), (3, 11)",
    );
    let url = database.url();
    sandbox.done(&["backup", &url]);
    let restore = |more: &[&str]| {
        database.sql("DELETE FROM line; DELETE FROM ev");
        sandbox.run(&[&["restore", "latest", "--to", &url, "--yes"][..], more].concat())
    };
    let there = || {
        database
            .sql("SELECT string_agg(tableoid::regclass::text || id, ',' ORDER BY id) FROM line")
            .trim()
            .to_owned()
    };
    restore(&["--key", "line_b:3", "--with-related"]).expect(0);
    assert_eq!((there().as_str(), database.sql("TABLE ev").trim()), ("line_b3", "11"));
    restore(&["--key", "ev_a:1", "--with-related"]).expect(0);
    assert_eq!((there().as_str(), database.sql("TABLE ev").trim()), ("line_a1,line_b2", "1"));

    let refused = restore(&["--tables", "line_b"]).expect(4);
    assert!(refused.out.contains("(2; 3) would refer to rows of ev that are not there"), "{refused:?}");
    assert!(refused.out.contains("REFERENCES ev (id)"), "{refused:?}");
    restore(&["--tables", "line_b", "--dangling", "leave-out"]).expect(0);
    assert_eq!(there(), "");
    restore(&["--tables", "line_b", "--dangling", "bring"]).expect(0);
    assert_eq!((there().as_str(), database.sql("SELECT count(*) FROM ev").trim()), ("line_b2,line_b3", "2"));

    // A row that goes is looked at from the other end.
    restore(&[]).expect(0);
    database.sql("DELETE FROM line; DELETE FROM ev; INSERT INTO ev VALUES (5)");
    sandbox.done(&["backup", &url]);
    database.sql("INSERT INTO ev VALUES (12); INSERT INTO line VALUES (7, 12)");
    let goes = sandbox.run(&["restore", "latest", "--to", &url, "--tables", "ev_b", "--yes"]).expect(4);
    assert!(goes.out.contains("1 row of line_b (7) refers to rows of ev that would go"), "{goes:?}");
    sandbox.done(&["restore", "latest", "--to", &url, "--tables", "ev_b", "--dangling", "bring", "--yes"]);
    assert_eq!((there().as_str(), database.sql("TABLE ev").trim()), ("", "5"));
}
