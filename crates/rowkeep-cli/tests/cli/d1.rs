//! Cloudflare D1 from the command line: a database in the real workerd, behind the Worker that is shipped.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::sandbox::{Ran, Sandbox};

const SECRET: &str = "a-secret-of-tests-that-is-long-enough";

/// The server of the engine's own tests, which ends with its standard input.
struct D1 {
    workers: String,
    front: String,
    child: Child,
}

impl D1 {
    fn start(sandbox: &Sandbox) -> Self {
        let tools = std::env::var("ROWKEEP_TEST_MINIFLARE").expect("run by scripts/with-servers");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new("node")
            .arg(root.join("crates/rowkeep-engine/tests/engines/d1/server.mjs"))
            .arg(Path::new(&tools).join("node_modules/miniflare/dist/src/index.js"))
            .arg(root.join("clients/d1-worker/worker.js"))
            .arg(sandbox.path("workerd"))
            .arg("2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it is");
        let said: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("it has said {line:?}"));
        let address = |name: &str| said[name].as_str().expect("an address").to_owned();
        Self { workers: address("workers"), front: address("front"), child }
    }

    /// Runs statements in a database, as one batch.
    fn run(&self, number: usize, statements: &[&str]) {
        let mut curl = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--data-binary", "@-"])
            .arg(format!("{}run/{number}", self.front))
            .stdin(Stdio::piped())
            .spawn()
            .expect("curl runs");
        let body = serde_json::to_vec(statements).expect("it is text");
        curl.stdin.take().expect("it is piped").write_all(&body).expect("it is sent");
        assert!(curl.wait().expect("it ends").success());
    }

    /// How the next answer to a request with a text is to fail.
    fn fail(&self, number: usize, when: &str, fault: &str) {
        let faults = serde_json::json!({ "when": when, "fault": fault }).to_string();
        let sent = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--data-binary", &faults])
            .arg(format!("{}faults/{number}", self.front))
            .status();
        assert!(sent.expect("curl runs").success());
    }

    /// What the account's databases are called.
    fn names(&self) -> Vec<String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--header", "Authorization: Bearer a-token-of-tests"]);
        let listed = curl
            .arg(format!("{}client/v4/accounts/account/d1/database", self.front))
            .output()
            .expect("curl runs");
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("it is JSON");
        let of = |database: &serde_json::Value| database["name"].as_str().expect("a name").to_owned();
        listed["result"].as_array().expect("a list").iter().map(of).collect()
    }

    /// Runs the program where the secrets of the databases are known, and shows them nowhere.
    fn ran(&self, sandbox: &Sandbox, args: &[&str]) -> Ran {
        let mut command = sandbox.command(args);
        command.env("ROWKEEP_D1_SECRET", SECRET).env("CLOUDFLARE_API_TOKEN", "a-token-of-tests");
        command.env("CLOUDFLARE_API_BASE_URL", format!("{}client/v4", self.front));
        let ran = Ran::of(&command.output().expect("the command can be run"));
        assert!(!format!("{ran:?}").contains(SECRET), "the secret is shown nowhere: {ran:?}");
        ran
    }

    fn url(&self, number: usize) -> String {
        format!("d1+worker://{}{number}", self.workers.trim_start_matches("http://"))
    }
}

impl Drop for D1 {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What `wrangler d1 export` refuses or changes is backed up, compared, and comes back in an SQLite file, proven by hash.
#[test]
fn a_database_in_d1_is_backed_up_and_comes_back() {
    let sandbox = Sandbox::new();
    let d1 = D1::start(&sandbox);
    d1.run(
        0,
        &[
            "CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, size, data BLOB)",
            "INSERT INTO tickets (title, size, data) VALUES ('first', 9007199254740993, x'00ff'), ('second', 9e999, NULL), ('a\\nb', -0.0, x'')",
            "CREATE VIRTUAL TABLE found USING fts5 (title, content='tickets', content_rowid='id')",
            "CREATE TRIGGER tickets_ai AFTER INSERT ON tickets BEGIN INSERT INTO found (rowid, title) VALUES (new.id, new.title); END",
            "INSERT INTO found (found) VALUES ('rebuild')",
        ],
    );
    let (url, api) = (d1.url(0), "d1://account/shop-0");
    let run = |args: &[&str]| d1.ran(&sandbox, args);
    let doctor = run(&["doctor", &url]).expect(0);
    assert!(doctor.out.contains("1 virtual table"), "{doctor:?}");
    run(&["backup", &url, "--name", "portal"]).expect(0);
    run(&["verify", "latest", "--against", api]).expect(0);
    run(&["restore", "latest", "--to", "portal.db"]).expect(0);
    run(&["verify", "latest", "--against", "portal.db"]).expect(0);
    assert_eq!(
        sandbox.query("portal.db", "SELECT id, title, quote(size), hex(data) FROM tickets ORDER BY id"),
        "1|first|9007199254740993|00FF\n2|second|9.0e+999|\n3|a\\nb|0.0|"
    );
    assert_eq!(sandbox.query("portal.db", "SELECT rowid FROM found WHERE found MATCH 'second'"), "2");

    d1.run(0, &["INSERT INTO tickets (title) VALUES ('third')", "UPDATE tickets SET size = 1 WHERE id = 1"]);
    let differs = run(&["verify", "latest", "--against", &url]);
    assert_ne!(differs.status, 0, "{differs:?}");
    let changes = run(&["diff", "latest", &url]);
    assert!(changes.out.contains("tickets"), "{changes:?}");

    // Into another database, which is empty, and into one that is made; and what was changed is taken back, and comes again.
    for to in [d1.url(1).as_str(), "d1://account/made"] {
        run(&["restore", "latest", "--to", to]).expect(0);
        run(&["verify", "latest", "--against", to]).expect(0);
    }
    run(&["restore", "portal", "--to", &url, "--yes"]).expect(0);
    run(&["verify", "portal", "--against", &url]).expect(0);
    run(&["undo", &url, "--yes"]).expect(0);
    let differs = run(&["verify", "portal", "--against", &url]);
    assert_ne!(differs.status, 0, "what was undone is undone: {differs:?}");

    // A drill leaves nothing in the account, and a migration that fails is taken back, schema included.
    run(&["drill", "--snapshot", "portal", "--to-server", api]).expect(0);
    assert_eq!(d1.names(), ["shop-0", "shop-1", "made"]);
    run(&["backup", &url, "--name", "before"]).expect(0);
    let script = format!(
        "curl --silent --fail --data '[\"ALTER TABLE tickets ADD COLUMN more\", \"DELETE FROM tickets\"]' {}run/0 && exit 3",
        d1.front
    );
    run(&["migrate", &url, "--", "sh", "-c", &script]).expect(1);
    run(&["verify", "before", "--against", &url]).expect(0);

    // More than one transaction takes: that is said beforehand, and what was cut off is taken back.
    let many = "d1://account/shop-1";
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) INSERT INTO many SELECT i, hex(randomblob(40)) FROM n";
    d1.run(1, &["CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT)", rows]);
    run(&["backup", many, "--name", "many"]).expect(0);
    d1.run(1, &["UPDATE many SET v = lower(v)"]);
    run(&["backup", many, "--name", "lower"]).expect(0);
    let plan = run(&["restore", "many", "--to", many, "--dry-run"]).expect(0);
    assert!(
        plan.out.contains("no transaction for all of it over the REST API: it takes about 3 of them"),
        "{plan:?}"
    );
    d1.fail(1, "UPDATE _rowkeep_changed", "refused");
    let cut = run(&["restore", "many", "--to", many, "--yes"]);
    assert_ne!(cut.status, 0);
    cut.says(&["a part of the changes was made"]);
    run(&["undo", many, "--yes"]).expect(0);
    run(&["verify", "lower", "--against", many]).expect(0);
    let without = sandbox.run(&["backup", &url]);
    assert_ne!(without.status, 0);
    without.says(&["ROWKEEP_D1_SECRET"]);
}

/// Of a table whose writers mark what they change, a backup reads that alone; what nobody promises is read whenever it is asked for.
#[test]
fn rows_that_a_column_marks_are_read_alone() {
    let sandbox = Sandbox::new();
    let d1 = D1::start(&sandbox);
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO orders SELECT i, 'order ' || i || hex(randomblob(100)), 1000 + i / 100 FROM n";
    d1.run(
        0,
        &[
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, updated INTEGER NOT NULL)",
            "CREATE INDEX orders_updated ON orders (updated)",
            rows,
            "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)",
            "INSERT INTO d1_migrations VALUES (1, '0001_orders.sql')",
        ],
    );
    let run = |args: &[&str]| d1.ran(&sandbox, args);
    let api = "d1://account/shop-0?changed-by=orders.updated";
    let back_up = |more: &[&str]| {
        run(&[&["backup", api], more].concat()).expect(0);
        sandbox.json(&["show", "latest"])["cost"]["read_bytes"].as_u64().expect("a number")
    };
    let is_equal = || run(&["diff", "latest", api]).status == 0;
    let all = back_up(&[]);
    d1.run(
        0,
        &[
            "UPDATE orders SET note = 'changed', updated = 2000 WHERE id % 400 = 7",
            "INSERT INTO orders VALUES (5001, 'new', 2000), (5002, 'new', 2001)",
            "UPDATE orders SET id = 6000, updated = 2001 WHERE id = 3",
        ],
    );
    let some = back_up(&[]);
    assert!(some * 20 < all && is_equal(), "{some} of {all} bytes");
    assert!(back_up(&[]) * 20 < all && is_equal());
    // Rows that are gone are found by their number.
    d1.run(
        0,
        &["DELETE FROM orders WHERE id BETWEEN 100 AND 110", "INSERT INTO orders VALUES (100, 'back', 2002)"],
    );
    back_up(&[]);
    assert!(is_equal());
    // A restore puts rows back with the marks that they had.
    run(&["backup", api, "--name", "good"]).expect(0);
    d1.run(0, &["UPDATE orders SET note = 'wrong', updated = 2003 WHERE id BETWEEN 50 AND 60"]);
    run(&["backup", api]).expect(0);
    run(&["restore", "good", "--to", api, "--yes"]).expect(0);
    d1.run(0, &["UPDATE orders SET note = 'later', updated = 2004 WHERE id = 90"]);
    back_up(&[]);
    assert!(is_equal());
    // The row with the highest mark has a lower one now: nobody kept the promise, and all is read.
    d1.run(0, &["UPDATE orders SET updated = 5, note = 'older' WHERE updated >= 2002"]);
    back_up(&[]);
    assert!(is_equal());
    // A change without a mark is not seen by a backup, but by whoever compares, and by one that reads all.
    d1.run(0, &["UPDATE orders SET note = 'unmarked' WHERE id = 70"]);
    let unmarked = back_up(&[]);
    assert!(unmarked * 20 < all && !is_equal(), "{unmarked} of {all} bytes");
    assert!(back_up(&["--read-all"]) * 2 > all);
    assert!(is_equal());
    // Nor does a restore rely on marks, or its undo.
    d1.run(0, &["UPDATE orders SET note = 'by hand' WHERE id = 71"]);
    run(&["restore", "latest", "--to", api, "--yes"]).expect(0);
    assert!(is_equal());
    run(&["undo", api, "--yes"]).expect(0);
    assert!(!is_equal());
    run(&["backup", "d1://account/shop-0?changed-by=orders.changed"])
        .expect(1)
        .says(&["it has no column orders.changed"]);
}
