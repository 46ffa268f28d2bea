//! Every job: stored as JSON, read back, run by a process of its own, and its outcome stored in turn.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rowkeep::config::Config;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::caller::{Caller, Proposal, RunCommand, Unattended};
use rowkeep::jobs::outcome::{Ended, RestoreOutcome, UndoOutcome};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{Context, Error, ErrorKind, RequestError, async_trait};
use serde_json::json;

/// A folder with a shop, its configuration, and a repository that is made by the first job.
struct Place {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    done: BTreeSet<String>,
}

/// Runs SQL on the shop in the place of a command; a command that begins with `!` fails after that.
struct Sql(PathBuf);

#[async_trait]
impl RunCommand for Sql {
    async fn run(&self, command: &[OsString], variables: &[(&str, OsString)]) -> Option<String> {
        assert!(variables.iter().any(|(name, _)| *name == "ROWKEEP_SNAPSHOT"));
        let sql = command[0].to_string_lossy();
        change(&self.0, sql.trim_start_matches('!'));
        sql.starts_with('!').then(|| "it failed".to_owned())
    }
}

/// Somebody who says no.
struct No;

#[async_trait]
impl Caller for No {
    async fn approve(&self, _: Proposal<'_>) -> Result<bool, Error> {
        Ok(false)
    }
}

fn change(database: &Path, sql: &str) {
    rusqlite::Connection::open(database).and_then(|shop| shop.execute_batch(sql)).expect("the SQL is right");
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let place = Self { runtime, folder, done: BTreeSet::new() };
        change(
            &place.shop(),
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
             INSERT INTO users VALUES (1, 'ann@example.org'), (2, 'ben@example.org'), (3, 'cy@example.org');",
        );
        place
    }

    fn shop(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn count(&self, database: &str) -> i64 {
        let shop = rusqlite::Connection::open(self.folder.path().join(database)).expect("it is there");
        shop.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).expect("it can be counted")
    }

    /// A workspace as another process would make it.
    fn workspace(&self) -> Workspace {
        let config = format!(
            "create = true\n[databases.shop]\nurl = '{}'\n[[databases.shop.checks]]\ntable = 'users'\nmin_rows = 1",
            self.shop().display()
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

    fn attempt(&mut self, request: serde_json::Value, caller: &dyn Caller) -> Result<Outcome, Error> {
        let request: Request = serde_json::from_value(request).expect("it is a request");
        let stored = serde_json::to_string(&request).expect("a request has a JSON form");
        let read: Request = serde_json::from_str(&stored).expect("what was stored is read");
        assert_eq!(read, request);
        let (workspace, runner) = (self.workspace(), Sql(self.shop()));
        let outcome = self.runtime.block_on(read.run(&Context::silent(), &workspace, caller, &runner))?;
        let stored = serde_json::to_value(&outcome).expect("an outcome has a JSON form");
        let read: Outcome = serde_json::from_value(stored.clone()).expect("what was stored is read");
        assert_eq!(serde_json::to_value(&read).expect("it has one"), stored);
        assert_eq!(read.verdict(), outcome.verdict());
        self.done.insert(stored["job"].as_str().expect("it is named").to_owned());
        Ok(read)
    }

    fn run(&mut self, job: &str, request: serde_json::Value) -> Outcome {
        let ran = self.attempt(json!({ "job": job, "request": request }), &Unattended);
        ran.unwrap_or_else(|error| panic!("{job}: {}", error.in_one_line()))
    }

    fn fails(&mut self, job: &str, request: serde_json::Value) -> Error {
        self.attempt(json!({ "job": job, "request": request }), &Unattended).expect_err("it is refused")
    }

    /// Makes a plan, and gives its id.
    fn plan(&mut self, job: &str, mut request: serde_json::Value) -> String {
        request["plan_only"] = json!(true);
        match self.run(job, request) {
            Outcome::Restore(RestoreOutcome::Rows(rows)) | Outcome::Undo(UndoOutcome::Rows(rows)) => {
                assert_eq!(rows.ended, Ended::Planned);
                rows.kept.expect("it is kept").to_string()
            }
            Outcome::Restore(RestoreOutcome::Replaced(all)) | Outcome::Undo(UndoOutcome::Replaced(all)) => {
                assert_eq!(all.ended, Ended::Planned);
                all.kept.expect("it is kept").to_string()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_job_is_stored_and_run() {
    let mut place = Place::new();
    place.run("init", json!({ "no_encryption": true }));
    place.run("backup", json!({ "database": "shop", "name": "first" }));
    let (new, exported) = (place.path("new.db"), place.path("exported"));
    let made = place.run("restore", json!({ "snapshot": "first", "to": new }));
    assert!(
        matches!(made, Outcome::Restore(RestoreOutcome::New(ref new)) if new.proof.is_some()),
        "{made:?}"
    );
    assert_eq!(place.run("verify", json!({ "snapshot": "first", "against": new })).verdict(), Verdict::Done);

    let changed = place.run(
        "around",
        json!({
            "database": "shop", "command": [OsString::from("DELETE FROM users WHERE id = 2")],
        }),
    );
    assert!(
        matches!(changed, Outcome::Around(ref done) if done.effect.difference.rows.deleted == 1),
        "{changed:?}"
    );
    assert_eq!(
        place.run("diff", json!({ "before": "first", "after": "live" })).verdict(),
        Verdict::Differences
    );
    let restored = place.run("restore", json!({ "snapshot": "first" }));
    assert!(matches!(restored, Outcome::Restore(RestoreOutcome::Rows(ref rows)) if rows.done.is_some()));
    assert_eq!(place.count("shop.db"), 3);
    place.run("undo", json!({}));
    assert_eq!(place.count("shop.db"), 2);

    let failed = place.run(
        "migrate",
        json!({
            "database": "shop", "command": [OsString::from("!DELETE FROM users")], "hooks": true,
        }),
    );
    assert_eq!((failed.verdict(), place.count("shop.db")), (Verdict::Failed, 2));
    place.run("export", json!({ "state": "first", "to": exported }));
    place.run("history", json!({ "table": "users", "key": "2" }));
    for job in ["check_data", "assess", "doctor", "suggest_mask"] {
        place.run(job, json!({ "database": "shop" }));
    }
    assert_eq!(place.run("probe", json!({})).verdict(), Verdict::Done);
    let rules = place.path("rules.toml");
    std::fs::write(&rules, "'users.email' = 'hash'").expect("it is written");
    place.run("check_mask", json!({ "database": "shop", "mask": { "file": rules } }));
    assert_eq!(place.run("drill", json!({ "database": "shop" })).verdict(), Verdict::Done);
    let plan = place.plan("restore", json!({ "snapshot": "first" }));
    place.run("apply", json!({ "plan": plan }));
    assert_eq!(place.run("check", json!({ "read_percent": 100.0 })).verdict(), Verdict::Done);
    assert_eq!(place.run("repair", json!({})).verdict(), Verdict::Done);
    place.run("delete", json!({ "snapshots": ["first"] }));
    assert_eq!(place.done.len(), 21, "{:?}", place.done);
}

#[test]
fn a_plan_is_executed_once_by_whoever_has_its_id() {
    let mut place = Place::new();
    place.run("init", json!({ "no_encryption": true }));
    place.run("backup", json!({ "name": "first" }));
    change(&place.shop(), "DELETE FROM users WHERE id < 3");
    let plan = place.plan("restore", json!({ "snapshot": "first" }));
    assert_eq!(place.count("shop.db"), 1);

    let declined = place.attempt(json!({ "job": "apply", "request": { "plan": plan } }), &No);
    assert_eq!(declined.expect("it ends").verdict(), Verdict::Refused);
    let applied = place.run("apply", json!({ "plan": plan[..8] }));
    let Outcome::Apply(UndoOutcome::Rows(rows)) = applied else { panic!("{applied:?}") };
    let done = rows.done.expect("it was executed");
    assert_eq!((done.rows.inserted, place.count("shop.db")), (2, 3));

    let again = place.fails("apply", json!({ "plan": plan }));
    assert!(matches!(again, Error::Request(RequestError::PlanExecuted { .. })), "{again}");
    let undo = place.plan("undo", json!({ "snapshot": done.safety }));
    assert_eq!(place.count("shop.db"), 3, "an undo that was planned changes nothing");
    place.run("apply", json!({ "plan": undo }));
    assert_eq!(place.count("shop.db"), 1);
}

#[test]
fn a_plan_is_refused_where_its_rows_were_changed_since() {
    let mut place = Place::new();
    place.run("init", json!({ "no_encryption": true }));
    place.run("backup", json!({ "name": "first" }));
    change(&place.shop(), "UPDATE users SET email = 'x' WHERE id = 1");
    let rows = place.plan("restore", json!({ "snapshot": "first" }));
    let all = place.plan("restore", json!({ "snapshot": "first", "with_schema": true }));
    change(&place.shop(), "UPDATE users SET email = 'y' WHERE id = 1");
    for plan in [&rows, &all] {
        let error = place.fails("apply", json!({ "plan": plan }));
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }
    // Nothing came of them, so they can still be executed when the rows are as they were.
    change(&place.shop(), "UPDATE users SET email = 'x' WHERE id = 1");
    place.run("apply", json!({ "plan": all }));
    let verified = place.run("verify", json!({ "snapshot": "first", "against": "shop" }));
    assert_eq!(verified.verdict(), Verdict::Done);
}

#[test]
fn a_plan_is_for_the_database_that_it_was_made_for() {
    let mut place = Place::new();
    place.run("init", json!({ "no_encryption": true }));
    place.run("backup", json!({ "name": "first" }));
    let other = place.path("other.db");
    place.run("restore", json!({ "snapshot": "first", "to": other }));
    change(&place.shop(), "DELETE FROM users");
    let plan = place.plan("restore", json!({ "snapshot": "first" }));
    let error = place.fails("apply", json!({ "plan": plan, "to": other }));
    assert!(matches!(error, Error::Request(RequestError::PlanOfAnother { .. })), "{error}");
    assert_eq!(place.count("shop.db"), 0);
}
