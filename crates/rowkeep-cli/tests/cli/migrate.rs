//! Commands that change a database between two snapshots, and migrations that are taken back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sandbox::{Ran, Sandbox, signal};
use crate::subjects::{Subject, on_each};

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id), state TEXT);
    CREATE INDEX orders_by_customer ON orders (customer);
    CREATE VIEW open AS SELECT id FROM orders WHERE state = 'open';
    INSERT INTO customers VALUES (1, 'Ada', 'a@example.org'), (2, 'Ben', NULL);
    INSERT INTO orders VALUES (10, 1, 'open'), (11, 2, 'paid');";

/// Schema and rows are changed and committed before something fails.
const HALF: &str = "
    DROP VIEW open; ALTER TABLE orders ADD COLUMN cents INTEGER; UPDATE orders SET state = 'lost';
    CREATE TABLE parcels (id INTEGER PRIMARY KEY); INSERT INTO parcels VALUES (1); DELETE FROM orders WHERE id = 11;
    INSERT INTO nowhere VALUES (1);
    DROP TABLE customers;";

fn configure(subject: &Subject<'_>) {
    let text = format!(
        "[databases.shop]\nurl = \"{}\"\n[[databases.shop.checks]]\ntable = \"orders\"\ncolumn = \"state\"\nvalues = [\"open\", \"paid\"]\n\
         [[databases.shop.checks]]\ntable = \"orders\"\nmin_rows = 1000\n",
        subject.url()
    );
    std::fs::write(subject.sandbox.path("rowkeep.toml"), text).expect("the configuration is written");
}

fn migrate(subject: &Subject<'_>, options: &[&str], command: &[String]) -> Ran {
    let mut arguments = vec!["migrate", "shop"];
    arguments.extend(options);
    arguments.push("--");
    arguments.extend(command.iter().map(String::as_str));
    subject.sandbox.run(&arguments)
}

/// Takes a snapshot, and gives what holds the database against it.
fn remembered<'s>(subject: &'s Subject<'_>) -> impl Fn(&str) + use<'s> {
    configure(subject);
    subject.sandbox.done(&["backup", "shop", "--name", "remembered"]);
    let schema = subject.schema();
    move |when: &str| {
        assert_eq!(subject.schema(), schema, "{when}");
        subject.sandbox.done(&["verify", "remembered", "--against", "shop"]);
    }
}

#[test]
fn failing_migrations_leave_nothing() {
    on_each("rowkeep_cli_migrate", SHOP, |subject| {
        let is_as_before = remembered(subject);
        let cases: [(&str, &[&str], &str, &[&str]); 7] = [
            ("schema and rows changed, then an error", &[], HALF, &["ended with", "rolled back"]),
            (
                "rows changed, then an error",
                &[],
                "DELETE FROM orders; INSERT INTO nowhere VALUES (1);",
                &["3 rows changed back"],
            ),
            (
                "a check fails",
                &[],
                "UPDATE orders SET state = 'odd' WHERE id = 10;",
                &["check failed: orders.state", "1 row changed back"],
            ),
            (
                "a row lost",
                &["--expect-no-loss"],
                "DELETE FROM orders WHERE id = 11;",
                &["1 row of table orders gone"],
            ),
            (
                "a column lost",
                &["--expect-no-loss"],
                "ALTER TABLE customers RENAME COLUMN name TO called;",
                &["column customers.name is gone"],
            ),
            (
                "a table renamed",
                &["--expect-no-loss"],
                "DROP VIEW open; ALTER TABLE orders RENAME TO bills;",
                &["table orders is gone"],
            ),
            (
                "a key lost",
                &["--expect-no-loss"],
                "DROP VIEW open; DROP TABLE orders; CREATE TABLE orders (number INTEGER PRIMARY KEY, state TEXT);",
                &["column orders.id is gone"],
            ),
        ];
        for (when, options, sql, words) in cases {
            // So that the rows of the second are three.
            subject.sql("INSERT INTO orders VALUES (12, 1, 'open')");
            subject.sandbox.done(&["backup", "shop", "--name", "now"]);
            let schema = subject.schema();
            migrate(subject, options, &subject.script(sql)).expect(1).says(words).says(&["rolled back: "]);
            assert_eq!(subject.schema(), schema, "{when}");
            subject.sandbox.done(&["verify", "now", "--against", "shop"]);
            subject.sql("DELETE FROM orders WHERE id = 12");
        }
        is_as_before("in the end");

        let nothing = migrate(subject, &[], &["false".to_owned()]).expect(1);
        assert!(
            nothing.err.contains("was not changed") && nothing.out.contains("nothing was changed"),
            "{nothing:?}"
        );
        migrate(subject, &[], &["no-such-program".to_owned()])
            .expect(1)
            .says(&["no-such-program", "was not changed"]);
        is_as_before("after nothing");
    });
}

#[test]
fn succeeding_migrations_show_what_they_did() {
    on_each("rowkeep_cli_migrated", SHOP, |subject| {
        configure(subject);
        let sql = "ALTER TABLE orders ADD COLUMN cents INTEGER; UPDATE orders SET state = 'paid' WHERE id = 10;
            DROP INDEX orders_by_customer; CREATE INDEX orders_by_state ON orders (state); INSERT INTO customers VALUES (3, 'Cleo', NULL);";
        let done = migrate(subject, &["--expect-no-loss", "--rows"], &subject.script(sql)).expect(0);
        for word in [
            "--with-schema",
            "column orders.cents is only in the second",
            "+ CREATE INDEX orders_by_state",
            "- CREATE INDEX orders_by_customer",
            "~ orders id=10 state: 'open' -> 'paid'",
            "+ customers id=3",
            "migrated: ",
            // It failed before, too.
            "check: orders has at least 1,000 rows",
        ] {
            assert!(
                done.out.replace("id='", "id=").replace("' state", " state").contains(word)
                    || done.out.contains(word),
                "{word}: {done:?}"
            );
        }
        let snapshots = subject.sandbox.json(&["snapshots"]);
        let tags: Vec<_> = snapshots["snapshots"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["tags"]["migration"].as_str())
            .collect();
        assert_eq!(tags, [Some("before"), Some("after")]);
        let first = snapshots["snapshots"][0]["id"].as_str().expect("an id").to_owned();
        // As its first line says.
        subject.sandbox.done(&["restore", &first, "--with-schema", "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM customers"), "2");
    });
}

#[test]
fn commands_are_given_what_they_need_and_json_stays_whole() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    let script = "echo said; echo wrong >&2; test -n \"$ROWKEEP_SNAPSHOT\" && test \"$ROWKEEP_DATABASE\" = shop && \
        sqlite3 \"$ROWKEEP_DATABASE_URL\" 'DELETE FROM orders WHERE id = 11'; read line; test \"$line\" = typed";
    for (command, status, kept) in [("around", 0, "1"), ("migrate", 0, "0")] {
        let mut child = sandbox
            .command(&[command, "shop.db", "--json", "--", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"typed\n").expect("it is typed");
        let ran = Ran::of(&child.wait_with_output().expect("it ends")).expect(status).says(&[
            "said",
            "wrong",
            "--with-schema",
        ]);
        let result: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        assert_eq!(result["succeeded"], true, "{result}");
        let deleted = &result["difference"]["rows"]["deleted"];
        assert_eq!(deleted.to_string(), kept, "{result}");
    }
}

#[test]
fn around_shows_and_takes_nothing_back() {
    on_each("rowkeep_cli_around", SHOP, |subject| {
        let mut arguments = vec!["around".to_owned(), subject.url()];
        arguments.extend(subject.script(HALF));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = subject.sandbox.run(&arguments).expect(1).says(&["ended with"]);
        assert!(
            ran.out.contains("parcels is only in the second") && ran.out.contains("rowkeep diff"),
            "{ran:?}"
        );
        assert_eq!(subject.query("SELECT count(*) FROM parcels"), "1");
        assert_eq!(subject.query("SELECT count(*) FROM orders"), "1");
    });
}

/// Starts a migration that changes schema and rows and then waits, and waits until it does.
fn begun(subject: &Subject<'_>, options: &[&str]) -> std::process::Child {
    let mut script = String::new();
    for word in subject.script(
        "DROP VIEW open; ALTER TABLE orders ADD COLUMN cents INTEGER; DELETE FROM orders WHERE id = 11;",
    ) {
        script += &format!("'{word}' ");
    }
    let script = format!("{script} && echo $$ > begun.new && mv begun.new begun && exec sleep 600");
    let arguments = [&["migrate", "shop"][..], options, &["--", "sh", "-c", &script]].concat();
    let child = subject
        .sandbox
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let limit = Instant::now() + Duration::from_secs(120);
    while !subject.sandbox.path("begun").exists() {
        assert!(Instant::now() < limit, "the command begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn killed_commands_and_those_that_are_stopped_are_taken_back() {
    on_each("rowkeep_cli_killed", SHOP, |subject| {
        let is_as_before = remembered(subject);
        let child = begun(subject, &[]);
        let command = std::fs::read_to_string(subject.sandbox.path("begun")).expect("its number");
        signal("KILL", command.trim());
        let ran = Ran::of(&child.wait_with_output().expect("it ends")).expect(1);
        ran.says(&["signal", "rolled back: "]);
        is_as_before("the command was killed");

        std::fs::remove_file(subject.sandbox.path("begun")).expect("it is there");
        let child = begun(subject, &[]);
        let command = std::fs::read_to_string(subject.sandbox.path("begun")).expect("its number");
        // As Ctrl-C on a terminal does: both.
        signal("INT", &child.id().to_string());
        signal("INT", command.trim());
        Ran::of(&child.wait_with_output().expect("it ends")).expect(1).says(&["rolled back: "]);
        is_as_before("it was stopped");
    });
}

#[test]
fn databases_that_are_gone_come_back() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db", "--name", "remembered"]);
    sandbox
        .run(&["migrate", "shop.db", "rm", "shop.db"])
        .expect(1)
        .says(&["cannot be read after it", "rolled back: "]);
    sandbox.done(&["verify", "remembered", "--against", "shop.db"]);
}

const BESIDE: &str = "
    CREATE TABLE numbered (id serial PRIMARY KEY, v text); INSERT INTO numbered (v) VALUES ('a'), ('b');
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM numbered; CREATE TYPE colour AS ENUM ('red');
    CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * 2';
    SELECT lo_from_bytea(4711, 'content');";

#[test]
fn what_postgres_keeps_beside_tables_is_taken_back() {
    on_each("rowkeep_cli_beside", SHOP, |subject| {
        if subject.is_file() {
            return;
        }
        subject.sql(BESIDE);
        let is_as_before = remembered(subject);
        for (sql, words) in [
            ("INSERT INTO numbered (v) VALUES ('c'); SELECT lo_put(4711, 0, 'other'); SELECT 1 / 0;", "changed back"),
            ("INSERT INTO numbered (v) VALUES ('c'); SELECT lo_unlink(4711); ALTER TYPE colour ADD VALUE 'green';
              CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * 3'; SELECT 1 / 0;", "schema and rows"),
        ] {
            migrate(subject, &[], &subject.script(sql)).expect(1).says(&[words, "rolled back: "]);
            is_as_before(sql);
            assert_eq!(subject.query("SELECT nextval('numbered_id_seq')"), "3");
            subject.sql("SELECT setval('numbered_id_seq', 2)");
        }
    });
}

#[test]
fn what_a_failed_migration_left_is_not_the_latest_state() {
    on_each("rowkeep_cli_set_aside", SHOP, |subject| {
        let is_as_before = remembered(subject);
        let failed = migrate(subject, &[], &subject.script(HALF)).expect(1);
        assert!(failed.err.contains("rolled back"), "{failed:?}");
        subject.sandbox.done(&["verify", "latest", "--against", "shop"]);
        is_as_before("after the rollback");
        let listed = subject.sandbox.done(&["snapshots"]).out;
        assert!(listed.contains("(before rollback)"), "{listed}");

        subject.sandbox.done(&["undo", "shop", "--yes"]);
        let undone = subject.sandbox.run(&["diff", "latest", "shop", "--rows"]).expect(3).out;
        assert!(undone.contains("'open' -> 'lost'"), "{undone}");
        assert_eq!(subject.query("SELECT count(*) FROM parcels"), "1");
    });
}
