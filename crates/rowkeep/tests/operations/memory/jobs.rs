//! Every job that has to do with a database, by requests as programs store them.

use std::ffi::OsString;
use std::path::Path;

use rowkeep::config::Config;
use rowkeep::engine::{CONSISTENCY, Contents, Engine, Pushed, PushedState, ViewOptions};
use rowkeep::format::{Identity, RowBatch};
use rowkeep::jobs::Verdict;
use rowkeep::jobs::caller::{RunCommand, Unattended};
use rowkeep::jobs::outcome::RestoreOutcome;
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{Context, async_trait};
use serde_json::{Value, json};

use super::engine::Memory;
use super::kind::{SCHEME, register};
use super::store;

/// Statements in the place of a command; what begins with `!` fails after that.
struct Sql;

#[async_trait]
impl RunCommand for Sql {
    async fn run(&self, command: &[OsString], _: &[(&str, OsString)]) -> Option<String> {
        let sql = command[0].to_string_lossy();
        store::run("shop", sql.trim_start_matches('!'));
        sql.starts_with('!').then(|| "it failed".to_owned())
    }
}

/// Makes a shop with customers and what they ordered.
fn fill(name: &str) {
    register();
    store::put(name, store::empty());
    store::run(
        name,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, active INTEGER);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users (id), note TEXT);
         CREATE VIEW notes AS SELECT note FROM orders;
         INSERT INTO users VALUES (1, 'ann@example.org', 1), (2, 'ben@example.org', 0), (3, 'cy@example.org', NULL);
         INSERT INTO orders VALUES (10, 1, 'a_b'), (11, 2, 'A_b'), (12, 3, 'axb')",
    );
}

struct Place {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        fill("shop");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        Self { runtime, folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn workspace(&self) -> Workspace {
        let config = format!(
            "create = true\n[databases.shop]\nurl = '{SCHEME}shop'\n\
             [[databases.shop.checks]]\ntable = 'USERS'\nmin_rows = 1\n\
             [[databases.shop.checks]]\nno_orphans = true\n\
             [[databases.shop.checks]]\ntable = 'users'\ncolumn = 'active'\nvalues = [true, false]"
        );
        let config = Config::parse(&config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let circumstances = Circumstances {
            repository: Some(self.path("repository")),
            reports: self.folder.path().join("reports"),
            program: "test".to_owned(),
            ..Circumstances::default()
        };
        Workspace::new(config, circumstances)
    }

    fn run(&self, job: &str, request: Value) -> Outcome {
        let request: Request =
            serde_json::from_value(json!({ "job": job, "request": request })).expect("it is a request");
        let (context, workspace) = (Context::silent(), self.workspace());
        let ran = self.runtime.block_on(request.run(&context, &workspace, &Unattended, &Sql));
        ran.unwrap_or_else(|error| panic!("{job}: {}", error.in_one_line()))
    }

    /// Runs a job that has to end well.
    fn does(&self, job: &str, request: Value) -> Value {
        let outcome = self.run(job, request);
        assert_eq!(outcome.verdict(), Verdict::Done, "{job}: {outcome:?}");
        serde_json::to_value(&outcome).expect("an outcome has a JSON form")
    }

    fn users(&self) -> i64 {
        let shop = store::get("shop").expect("it is there");
        let count = store::lock(&shop).query_row("SELECT count(*) FROM users", [], |row| row.get(0));
        count.expect("it can be counted")
    }
}

#[test]
fn every_job_runs_on_an_engine_that_nobody_knows() {
    let place = Place::new();
    place.does("init", json!({ "no_encryption": true }));
    let made = place.does("backup", json!({ "database": "shop", "name": "first" }));
    assert!(made.to_string().contains("first"), "{made}");
    let workspace = place.workspace();
    let first = place.runtime.block_on(workspace.snapshot(&Context::silent(), "first")).expect("it is there");
    assert_eq!(first.manifest.engine, "memory");
    assert_eq!(first.manifest.environment.get(CONSISTENCY.0).map(String::as_str), Some(CONSISTENCY.1));

    // Into a new database, proven.
    let new = format!("{SCHEME}new");
    let restored = place.run("restore", json!({ "snapshot": "first", "to": new }));
    assert!(
        matches!(restored, Outcome::Restore(RestoreOutcome::New(ref new)) if new.proof.is_some()),
        "{restored:?}"
    );
    place.does("verify", json!({ "snapshot": "first", "against": new }));
    place.does("diff", json!({ "before": "first", "after": new }));

    // Into the live one, and back, and back again.
    let around = json!({ "database": "shop", "command": [OsString::from("DELETE FROM orders WHERE id = 11; DELETE FROM users WHERE id = 2")] });
    place.does("around", around);
    assert_eq!(place.users(), 2);
    let differs = place.run("diff", json!({ "before": "first", "after": "live" }));
    assert_eq!(differs.verdict(), Verdict::Differences);
    place.does("restore", json!({ "snapshot": "first" }));
    assert_eq!(place.users(), 3);
    place.does("undo", json!({}));
    assert_eq!(place.users(), 2);
    place.does("restore", json!({ "snapshot": "first", "wanted": { "keys": ["users:2"] }, "mode": "merge" }));
    assert_eq!(place.users(), 3);
    place.does("restore", json!({ "snapshot": "first", "with_schema": true }));
    place.does("verify", json!({ "snapshot": "first", "against": "shop" }));
    let failed = json!({ "database": "shop", "command": [OsString::from("!DELETE FROM users WHERE id = 3")], "hooks": true });
    assert_eq!(place.run("migrate", failed).verdict(), Verdict::Failed);
    assert_eq!(place.users(), 3);

    // Conditions are read in its dialect: `!` escapes, LIKE heeds case.
    let exported = |name: &str, wanted: Value| {
        let to = place.path(name);
        place.does("export", json!({ "state": "first", "to": to, "wanted": wanted }));
        std::fs::read_to_string(to).expect("it is written")
    };
    let where_it_is = json!({ "tables": ["orders"], "condition": "note LIKE 'a!_%'" });
    const ORDER: &str = "{\"table\":\"orders\",\"row\":{\"id\":10,\"user\":1,\"note\":\"a_b\"}}\n";
    assert_eq!(exported("orders.ndjson", where_it_is), ORDER);
    let active = exported("users.csv", json!({ "tables": ["users"], "condition": "active" }));
    assert_eq!(active.lines().last(), Some("1,ann@example.org,1"));
    let rules = place.path("rules.toml");
    std::fs::write(&rules, "'users.email' = 'hash'\n'users.id' = 'hash'\n'orders.note' = 'keep'")
        .expect("it is written");
    let masked = place.path("masked.csv");
    let request = json!({
        "state": "first", "to": masked, "wanted": { "tables": ["users"] }, "mask": { "file": rules },
    });
    place.does("export", request);
    let masked = std::fs::read_to_string(masked).expect("it is written");
    assert!(!masked.contains("ann@example.org") && masked.lines().count() == 4, "{masked}");

    let history = place.does("history", json!({ "table": "users", "key": "2" }));
    assert!(history.to_string().contains("ben@example.org"), "{history}");
    for job in ["check_data", "assess", "doctor", "suggest_mask"] {
        place.does(job, json!({ "database": "shop" }));
    }
    place.does("check_mask", json!({ "database": "shop", "mask": { "file": rules } }));
    let drilled = place.does("drill", json!({ "database": "shop" }));
    assert!(drilled.to_string().contains("\"target\":\"memory\""), "{drilled}");
    let merge = json!({ "from": "latest:shop", "into": "first", "base": "first" });
    place.does("merge", merge);
    place.does("check", json!({ "read_percent": 100.0 }));
    place.does("delete", json!({ "snapshots": ["first"] }));
}

/// A state that was pushed becomes a snapshot without any engine being asked, and a database is made of that.
#[test]
fn a_state_that_was_pushed_is_captured() {
    use rowkeep::capture::{CaptureOptions, Source, capture_view};
    use rowkeep::engine::Consistency;
    use rowkeep::repository::{Protection, Repository, create_store};
    use rowkeep::restore::restore;
    use rowkeep::restore::verify::verify;
    use rowkeep::state::selection::Selection;

    fill("pushable");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let view = Memory::new("pushable").open(&ViewOptions { with_ddl: true }).await.expect("it opens");
        let schema = view.schema().clone();
        let state = PushedState {
            schema: schema.clone(),
            identity: Identity::at("somewhere"),
            environment: Vec::new(),
            notes: Vec::new(),
            consistency: Consistency::State,
        };
        let mut pushed = Pushed::new(state, None);
        for table in &schema.tables {
            let rows = rowkeep::engine::conformance::read(view.as_ref(), table).await;
            // The last come first.
            for row in (0..rows.rows()).rev() {
                let mut one = RowBatch::new(rows.columns().len());
                one.extend(&rows, row..row + 1);
                pushed.push(&table.name, &one).expect("it is kept");
            }
        }
        let store = create_store("memory://", &[]).expect("it needs nothing");
        let repository =
            Repository::init(store, Protection::Unencrypted).await.expect("a repository is made");
        let options = CaptureOptions {
            database: "shop".to_owned(),
            configured: true,
            name: None,
            tags: Default::default(),
            environment: None,
            selection: Selection::default(),
            mask: None,
            with_schema: true,
            with_data: true,
            trusts_marks: false,
            suspicion: None,
            program: "test".to_owned(),
            repository_folder: None,
        };
        let source = Source { engine: "memory".to_owned(), described: "somewhere".to_owned() };
        let context = Context::silent();
        let view = std::sync::Arc::new(pushed.finish());
        let snapshot = capture_view(&context, &repository, &source, view.clone(), &options).await;
        let snapshot = snapshot.expect("it is captured");
        assert_eq!(snapshot.manifest.environment.get(CONSISTENCY.0), None);
        let unknown = Source { engine: "unheard-of".to_owned(), ..source };
        let error =
            capture_view(&context, &repository, &unknown, view, &options).await.expect_err("nobody knows it");
        assert!(error.to_string().contains("knows no engine \"unheard-of\""), "{error}");
        let made = Memory::new("pushed");
        restore(&context, &repository, &snapshot, &made).await.expect("it is made");
        assert!(verify(&context, &repository, &snapshot, &made).await.expect("it is compared").is_proven());
        assert!(matches!(made.contents().await, Ok(Contents::Occupied(_))));
    });
}
