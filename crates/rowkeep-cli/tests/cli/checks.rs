//! Checks of data, on every engine: each kind holds on good data and fails on bad data.

use serde_json::Value;

use crate::postgres::servers;
use crate::sandbox::Sandbox;

/// Data of which everything below is true; both engines take it.
const GOOD: &str = "
    CREATE TABLE clients (id integer PRIMARY KEY, email varchar(80), at timestamp);
    CREATE TABLE tickets (
        id integer PRIMARY KEY,
        client integer NOT NULL REFERENCES clients (id),
        agent integer,
        status varchar(20),
        urgent boolean
    );
    INSERT INTO clients VALUES (1, 'a@example.org', CURRENT_TIMESTAMP), (2, 'b@example.org', CURRENT_TIMESTAMP),
        (3, NULL, NULL);
    INSERT INTO tickets VALUES (10, 1, 1, 'open', true), (11, 2, NULL, 'closed', false), (12, 2, 2, NULL, NULL);
";

/// The kinds of checks, each with what makes it fail and what is then said.
const KINDS: [(&str, &str, &[&str]); 12] = [
    ("table = 'tickets'\nmin_rows = 3", "DELETE FROM tickets WHERE id = 10", &["2 rows"]),
    (
        "table = 'tickets'\nrows_within_percent = 10",
        "DELETE FROM tickets WHERE id = 10",
        &["2 rows, and 3 in the snapshot (-33.3 %)"],
    ),
    (
        "no_orphans = true\ntable = 'tickets'\ncolumns = 'agent'\nreferences = 'clients'\nreferenced_columns = 'id'",
        "UPDATE tickets SET agent = 77 WHERE id IN (10, 11)",
        &["2 rows refer to none", "agent = 77 (2 rows)"],
    ),
    (
        "table = 'tickets'\ncolumn = 'status'\nvalues = ['open', 'closed']",
        "UPDATE tickets SET status = 'it''s lost' WHERE id < 12",
        &["2 rows have values that are not allowed", "status = it's lost (2 rows)"],
    ),
    (
        "table = 'tickets'\ncolumn = 'urgent'\nvalues = [true]",
        "UPDATE tickets SET urgent = true WHERE urgent IS NULL",
        &["1 row has a value that is not allowed"],
    ),
    ("table = 'clients'\nnot_null = ['id', 'email']", "", &["1 row has NULL", "id = 3"]),
    (
        "table = 'tickets'\nno_rows = \"status = 'stuck' OR client = 9\"",
        "UPDATE tickets SET status = 'stuck' WHERE id IN (10, 12)",
        &["2 rows are so", "id = 10", "id = 12"],
    ),
    (
        "table = 'clients'\nunique = 'email'",
        "UPDATE clients SET email = 'same'",
        &["1 value is there more than once", "email = same (3 rows)"],
    ),
    (
        "table = 'clients'\nnewest = 'at'\nmax_age = '1h'",
        "UPDATE clients SET at = '2020-01-01 00:00:00'",
        &["old, of 2020-01-01 00:00:00; 1 h are allowed"],
    ),
    (
        "sql = \"SELECT id, status FROM tickets WHERE status = 'stuck'\"\nexpect = 'nothing'",
        "UPDATE tickets SET status = 'stuck' WHERE id = 10",
        &["returned 1 row", "id = 10, status = stuck"],
    ),
    (
        "sql = 'SELECT count(*) = 3 FROM tickets;'\nexpect = 'true'",
        "DELETE FROM tickets WHERE id = 10",
        &["returned "],
    ),
    ("no_orphans = true", "orphan", &["1 row refers to none", "client = 9 (1 row)"]),
];

/// A database of either engine, with a fresh copy of the good data each time.
struct Subject<'a> {
    sandbox: &'a Sandbox,
    url: String,
    sql: Box<dyn Fn(&str) + 'a>,
    orphan: &'a str,
}

impl Subject<'_> {
    fn check(&self, checks: &str, status: i32) -> Value {
        std::fs::write(self.sandbox.path("checks.toml"), checks).expect("it is written");
        let args = ["check-data", &self.url, "--checks", "checks.toml", "--json"];
        let ran = self.sandbox.run(&args).expect(status);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("no JSON: {error}: {ran:?}"))
    }

    fn every_kind_holds_and_fails(&self) {
        for (check, damage, says) in KINDS {
            (self.sql)(&format!("DROP TABLE IF EXISTS tickets; DROP TABLE IF EXISTS clients; {GOOD}"));
            self.sandbox.done(&["backup", &self.url, "--quiet"]);
            let checks = format!("[[checks]]\n{check}\n");
            if !damage.is_empty() && !check.contains("[true]") {
                let good = self.check(&checks, 0);
                assert_eq!(good["reports"][0]["status"], "passed", "{check}: {good:#}");
            }
            match damage {
                "" => {}
                "orphan" => (self.sql)(self.orphan),
                damage => (self.sql)(damage),
            }
            let bad = self.check(&checks, 3);
            let told = bad["reports"][0]["sections"].to_string();
            assert_eq!(bad["passed"], false, "{check}: {told}");
            for words in says {
                assert!(told.contains(words), "{check}: {words:?} is not in {told}");
            }
            let lenient = self.check(&format!("{checks}level = 'warning'"), 0);
            assert_eq!(lenient["reports"][0]["status"], "warning", "{check}: {lenient:#}");
        }
    }

    fn mistakes_are_said(&self) {
        (self.sql)(&format!("DROP TABLE IF EXISTS tickets; DROP TABLE IF EXISTS clients; {GOOD}"));
        (self.sql)("DROP VIEW IF EXISTS loud; CREATE VIEW loud AS SELECT id AS number FROM tickets");
        let good = self.check("[[checks]]\ntable = 'loud'\nunique = 'number'", 0);
        assert_eq!(good["reports"][0]["status"], "passed", "a view can be checked: {good:#}");
        (self.sql)("DROP VIEW loud");
        for (checks, says) in [
            ("table = 'tickts'\nmin_rows = 1", &["no table tickts; there are", "clients", "tickets"][..]),
            (
                "table = 'tickets'\nunique = 'staus'",
                &["no column tickets.staus; there are id, client, agent, status"],
            ),
            ("table = 'tickets'\nmin_row = 1", &["checks.toml", "unknown field `min_row`", "min_rows"]),
        ] {
            std::fs::write(self.sandbox.path("checks.toml"), format!("[[checks]]\n{checks}"))
                .expect("it is written");
            self.sandbox.run(&["check-data", &self.url, "--checks", "checks.toml"]).expect(2).says(says);
        }
        let wrong = self.check(
            "[[checks]]\nlevel = 'warning'\nsql = 'SELECT nothing_such FROM tickets'\nmax_ms = 60000",
            3,
        );
        let told = wrong["reports"][0]["sections"].to_string();
        assert!(told.contains("cannot be asked") && told.contains("nothing_such"), "{told}");
        let writes = self.check("[[checks]]\nsql = 'DELETE FROM tickets'\nexpect = 'nothing'", 3);
        assert!(writes["reports"][0]["sections"].to_string().contains("cannot be asked"), "{writes:#}");
        self.check("[[checks]]\ntable = 'tickets'\nmin_rows = 3", 0);
    }
}

#[test]
fn on_sqlite() {
    let sandbox = Sandbox::new();
    let subject = Subject {
        sandbox: &sandbox,
        url: "app.db".to_owned(),
        sql: Box::new(|sql| sandbox.sql("app.db", &format!("PRAGMA foreign_keys = OFF; {sql}"))),
        orphan: "INSERT INTO tickets VALUES (13, 9, NULL, 'open', true)",
    };
    subject.every_kind_holds_and_fails();
    subject.mistakes_are_said();
}

#[test]
fn on_postgresql() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_checks");
        let subject = Subject {
            sandbox: &sandbox,
            url: database.url(),
            sql: Box::new(|sql| drop(database.sql(sql))),
            orphan: "SET session_replication_role = replica; INSERT INTO tickets VALUES (13, 9, NULL, 'open', true)",
        };
        subject.every_kind_holds_and_fails();
        subject.mistakes_are_said();
    }
}

#[test]
fn reports_are_written_in_every_form() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", GOOD);
    let config = "[databases.app]\nurl = 'app.db'\n\
        [[databases.app.checks]]\nname = 'enough'\ntable = 'tickets'\nmin_rows = 4\n\
        [[databases.app.checks]]\ntable = 'clients'\nunique = 'email'\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
    for (file, says) in [
        ("report.json", "\"passed\": false"),
        ("report.html", "<h2>app</h2>"),
        ("report.md", "# app: checks FAILED"),
        ("report.xml", "<failure message=\"3 rows\""),
        ("report.txt", "ERROR    enough: 3 rows"),
    ] {
        let ran = sandbox.run(&["check-data", "--output", file]).expect(3);
        assert!(ran.out.contains("ERROR    enough: 3 rows") && ran.out.contains("1 passed"), "{ran:?}");
        let text = std::fs::read_to_string(sandbox.path(file)).expect("it is there");
        assert!(text.contains(says), "{file}: {text}");
    }
    let junit = sandbox.run(&["check-data", "app", "--format", "junit"]).expect(3);
    assert!(junit.out.starts_with("<?xml"), "{junit:?}");
    sandbox.run(&["check-data", "--output", "report"]).expect(2).says(&["unknown report format"]);
    sandbox.run(&["check-data", "app.db"]).expect(2).says(&["no checks are configured"]);
    sandbox.run(&["check-data", "app", "--checks", "nowhere.toml"]).expect(2).says(&["nowhere.toml"]);
    assert_eq!(sandbox.run(&["check-data", "-q"]).expect(3).out, "");
}
