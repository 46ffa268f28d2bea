//! Commands that change a database between two snapshots, and migrations that are taken back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::postgres::{servers, unique};
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
        let cases: [(&str, &[&str], &str, &[&str]); 8] = [
            ("schema and rows changed, then an error", &[], HALF, &["ended with", "rolled back"]),
            (
                "rows changed, then an error",
                &[],
                "DELETE FROM orders; INSERT INTO nowhere VALUES (1);",
                &["3 rows changed back"],
            ),
            (
                "definitions alone changed, then an error",
                &[],
                "DROP INDEX orders_by_customer; CREATE INDEX orders_by_customer ON orders (state); DROP VIEW open;
                 CREATE VIEW open AS SELECT id FROM orders; INSERT INTO nowhere VALUES (1);",
                &["schema and rows"],
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
            ("SELECT nextval('numbered_id_seq'); SELECT 1 / 0;", "1 row changed back"),
            ("INSERT INTO numbered (v) VALUES ('c'); SELECT lo_put(4711, 0, 'other'); SELECT 1 / 0;", "changed back"),
            ("INSERT INTO numbered (v) VALUES ('c'); SELECT lo_unlink(4711); ALTER TYPE colour ADD VALUE 'green';
              CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * 3'; SELECT 1 / 0;", "schema and rows"),
        ] {
            migrate(subject, &[], &subject.script(sql)).expect(1).says(&[words, "rolled back: "]);
            is_as_before(sql);
            assert_eq!(subject.query("SELECT nextval('numbered_id_seq')"), "3");
            subject.sql("SELECT setval('numbered_id_seq', 2)");
        }
        migrate(subject, &["--expect-no-loss"], &subject.script("SELECT lo_unlink(4711);"))
            .expect(1)
            .says(&["gone", "rolled back: "]);
        is_as_before("a large object was lost");
    });
}

#[test]
fn what_sqlite_keeps_beside_tables_is_taken_back() {
    on_each("rowkeep_cli_beside_file", SHOP, |subject| {
        if !subject.is_file() {
            return;
        }
        subject.sql(
            "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); PRAGMA user_version = 5;
             CREATE TRIGGER noted AFTER DELETE ON numbered BEGIN INSERT INTO orders VALUES (old.id + 100, 1, 'odd'); END;
             INSERT INTO numbered (v) VALUES ('a'), ('b');",
        );
        let is_as_before = remembered(subject);
        for (sql, words) in [
            ("UPDATE sqlite_sequence SET seq = 7; INSERT INTO nowhere VALUES (1);", "1 row changed back"),
            ("PRAGMA user_version = 6; INSERT INTO nowhere VALUES (1);", "1 row changed back"),
            ("DELETE FROM numbered; INSERT INTO nowhere VALUES (1);", "4 rows changed back"),
            ("DROP TRIGGER noted; INSERT INTO nowhere VALUES (1);", "schema and rows"),
        ] {
            migrate(subject, &[], &subject.script(sql)).expect(1).says(&[words, "rolled back: "]);
            is_as_before(sql);
            assert_eq!(subject.query("PRAGMA user_version"), "5", "{sql}");
            assert_eq!(subject.query("SELECT seq FROM sqlite_sequence"), "2", "{sql}");
        }
    });
}

/// A row that is there but may not come: the constraint was never held against it.
#[test]
fn where_rows_cannot_be_changed_back_everything_is_replaced() {
    on_each("rowkeep_cli_not_by_rows", SHOP, |subject| {
        subject.sql(match subject.is_file() {
            true => {
                "CREATE TABLE odd (n INTEGER PRIMARY KEY CHECK (n > 0)); PRAGMA ignore_check_constraints = on;
                 INSERT INTO odd VALUES (-1)"
            }
            false => {
                "CREATE TABLE odd (n INTEGER PRIMARY KEY); INSERT INTO odd VALUES (-1);
                 ALTER TABLE odd ADD CHECK (n > 0) NOT VALID"
            }
        });
        let is_as_before = remembered(subject);
        let sql = "DELETE FROM odd; INSERT INTO nowhere VALUES (1);";
        migrate(subject, &[], &subject.script(sql)).expect(1).says(&[
            "cannot be changed back one by one",
            "schema and rows",
            "rolled back: ",
        ]);
        is_as_before("a row that may not come was lost");
    });
}

/// Whom the migration removed cannot be given privileges, and what a trigger writes in the end was not there.
#[test]
fn what_does_not_come_back_is_said() {
    for server in servers() {
        let shop = server.database("rowkeep_cli_unproven");
        let role = unique("rowkeep_reader");
        shop.sql(&format!(
            "{SHOP} DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; GRANT SELECT ON orders TO {role}"
        ));
        let sandbox = Sandbox::new();
        let url = shop.url();
        let psql = server.program("psql").get_program().to_string_lossy().into_owned();
        let run = |sql: &str| {
            sandbox.run(&[
                "migrate",
                &url,
                "--",
                &psql,
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &url,
                "-c",
                sql,
                "-c",
                "SELECT 1 / 0",
            ])
        };
        let ran = run(&format!("DROP OWNED BY {role}; DROP ROLE {role}; DROP VIEW open")).expect(1);
        assert!(
            ran.err.contains("does not fully match snapshot") && ran.out.contains("- GRANT SELECT"),
            "{ran:?}"
        );

        shop.sql(
            "CREATE TABLE log (t text);
             CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (1); RETURN 1; END';
             CREATE MATERIALIZED VIEW noted AS SELECT public.note()",
        );
        let ran = run("DROP INDEX orders_by_customer").expect(1);
        assert!(
            ran.err.contains("does not fully match snapshot") && ran.out.contains("! rows of log differ"),
            "{ran:?}"
        );
    }
}

#[test]
fn who_stands_in_the_way_of_a_rollback_is_ended_when_that_is_wanted() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_ended");
        shop.sql(SHOP);
        let url = shop.url();
        sandbox.done(&["backup", &url, "--name", "before"]);
        let psql = server.program("psql").get_program().to_string_lossy().into_owned();
        // It goes on after the migration that began it.
        let holder = "BEGIN; LOCK TABLE customers IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)";
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'customers'::regclass AND mode = 'RowExclusiveLock'";
        for sql in ["DROP VIEW open", "DELETE FROM orders; LOCK TABLE orders"] {
            let script = format!(
                "'{psql}' -X -q -d '{url}' -c \"{sql}\"; '{psql}' -X -q -d '{url}' -c \"{holder}\" >holder.log 2>&1 &
                 until test \"$('{psql}' -X -A -t -d '{url}' -c \"{held}\")\" = 1; do sleep 0.05; done; exit 1"
            );
            sandbox
                .run(&["migrate", &url, "--end-connections", "--", "sh", "-c", &script])
                .expect(1)
                .says(&["rolled back: "]);
            sandbox.done(&["verify", "before", "--against", &url]);
            assert_eq!(shop.sql(held).trim(), "0", "{sql}");
        }
        // And of an undo, of rows and of everything.
        for (sql, option) in [("DELETE FROM orders", "--no-hooks"), ("DROP VIEW open", "--with-schema")] {
            shop.sql(sql);
            sandbox.done(&["backup", &url, "--name", "harmed"]);
            sandbox.done(&["restore", "before", "--to", &url, "--yes", option]);
            let script = format!(
                "'{psql}' -X -q -d '{url}' -c \"{}\"",
                holder.replace("ROW EXCLUSIVE", "EXCLUSIVE").replace("customers", "customers, orders")
            );
            let mut child = std::process::Command::new("sh")
                .args(["-c", &script])
                .stderr(Stdio::null())
                .spawn()
                .expect("it runs");
            let limit = Instant::now() + Duration::from_secs(120);
            while shop.sql(&held.replace("RowExclusive", "Exclusive")).trim() != "1" {
                assert!(Instant::now() < limit, "the lock is held");
                std::thread::sleep(Duration::from_millis(5));
            }
            sandbox.done(&["undo", &url, "--yes", "--end-connections"]);
            child.wait().expect("it was ended");
            sandbox.done(&["verify", "harmed", "--against", &url]);
            sandbox.done(&["restore", "before", "--to", &url, "--yes", "--with-schema"]);
        }
    }
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
