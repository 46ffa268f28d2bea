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
    let run = |args: &[&str]| {
        let mut command = sandbox.command(args);
        command.env("ROWKEEP_D1_SECRET", SECRET).env("CLOUDFLARE_API_TOKEN", "a-token-of-tests");
        command.env("CLOUDFLARE_API_BASE_URL", format!("{}client/v4", d1.front));
        let ran = Ran::of(&command.output().expect("the command can be run"));
        assert!(!format!("{ran:?}").contains(SECRET), "the secret is shown nowhere: {ran:?}");
        ran
    };
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

    let refused = run(&["restore", "latest", "--to", &d1.url(1)]);
    assert_ne!(refused.status, 0);
    refused.says(&["can only be read so far"]);
    let without = sandbox.run(&["backup", &url]);
    assert_ne!(without.status, 0);
    without.says(&["ROWKEEP_D1_SECRET"]);
}
