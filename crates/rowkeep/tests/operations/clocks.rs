//! Every job under clocks that are wrong: its results are those under a right one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rowkeep::clock::{Clock, TestClock};
use rowkeep::config::Config;
use rowkeep::engine::Surroundings;
use rowkeep::jobs::caller::{RunCommand, Unattended};
use rowkeep::jobs::request::Request;
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::jobs::{plans, snapshots};
use rowkeep::{Context, Event, async_trait};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::postgres::{Database, servers};

/// How a clock is moved before each step.
#[derive(Debug, Clone, Copy)]
enum Turned {
    /// A minute passes.
    Right,
    /// It stands still.
    Stopped,
    /// It is a year ahead for the first steps, and then right.
    AheadAtFirst,
    /// It is put further ahead each time.
    Ahead,
    /// It is put back each time.
    Back,
    /// It goes to and fro, also within a job.
    Jumping,
}

impl Turned {
    const WRONG: [Self; 5] = [Self::Stopped, Self::AheadAtFirst, Self::Ahead, Self::Back, Self::Jumping];

    fn clock(self) -> Arc<TestClock> {
        let start: Timestamp = "2026-11-01T12:00:00Z".parse().expect("it is a time");
        let hours = |hours| SignedDuration::from_hours(hours);
        Arc::new(match self {
            Self::Jumping => TestClock::jumping(start, [3, -50, 1000, -960, 7, -2].map(hours)),
            Self::AheadAtFirst => TestClock::new(start + hours(24 * 365)),
            _ => TestClock::new(start),
        })
    }

    fn before_step(self, clock: &TestClock, step: usize) {
        match self {
            Self::Right => clock.advance(Duration::from_secs(60)),
            Self::Stopped | Self::Jumping => {}
            Self::AheadAtFirst if step == STEPS_AHEAD => clock.jump(SignedDuration::from_hours(-24 * 365)),
            Self::AheadAtFirst => clock.advance(Duration::from_secs(60)),
            Self::Ahead => clock.jump(SignedDuration::from_hours(200)),
            Self::Back => clock.jump(SignedDuration::from_hours(-25)),
        }
    }

    /// Whether a job that writes has to say something about it.
    fn is_said(self) -> bool {
        matches!(self, Self::AheadAtFirst | Self::Back | Self::Jumping)
    }
}

/// After so many steps a clock that was ahead is put right: between two restores of the story below.
const STEPS_AHEAD: usize = 6;

/// Runs SQL on the shop in the place of a command; a command that begins with `!` fails after that.
struct Sql(PathBuf);

#[async_trait]
impl RunCommand for Sql {
    async fn run(&self, command: &[OsString], _: &[(&str, OsString)]) -> Option<String> {
        let sql = command[0].to_string_lossy();
        change(&self.0, sql.trim_start_matches('!'));
        sql.starts_with('!').then(|| "it failed".to_owned())
    }
}

fn change(database: &Path, sql: &str) {
    rusqlite::Connection::open(database).and_then(|shop| shop.execute_batch(sql)).expect("the SQL is right");
}

/// A shop, a repository, and what came of every step so far.
struct Story {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    turned: Turned,
    clock: Arc<TestClock>,
    warnings: Arc<Mutex<Vec<String>>>,
    ids: BTreeMap<String, usize>,
    jobs: BTreeSet<String>,
    steps: usize,
    log: Vec<String>,
}

impl Story {
    fn new(turned: Turned) -> Self {
        let story = Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime starts"),
            folder: tempfile::tempdir().expect("a folder"),
            turned,
            clock: turned.clock(),
            warnings: Arc::default(),
            ids: BTreeMap::new(),
            jobs: BTreeSet::new(),
            steps: 0,
            log: Vec::new(),
        };
        story.sql(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
             INSERT INTO users VALUES (1, 'ann@example.org'), (2, 'ben@example.org'), (3, 'cy@example.org');",
        );
        story
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sql(&self, sql: &str) {
        change(&self.path("shop.db"), sql);
    }

    fn context(&self) -> Context {
        let warnings = Arc::clone(&self.warnings);
        let observer = move |event: Event<'_>| {
            if let Event::Warning(warning) = event {
                warnings.lock().expect("nobody panicked").push(warning.to_owned());
            }
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        Context::new(Arc::new(observer), CancellationToken::new()).with_clock(clock)
    }

    /// A workspace as another process would make it.
    fn workspace(&self, job: &str) -> Workspace {
        let mut config = format!(
            "create = true\n[databases.shop]\nurl = '{}'\n[[databases.shop.checks]]\ntable = 'users'\nmin_rows = 1\n\
             [[databases.shop.checks]]\ntable = 'users'\nrows_within_percent = 90\n[databases.shop.log]\ntable = 'log'\ntime = 'at'\nof = 'what'\n\
             key = 'row'\naction = 'did'\ninserted = ['came']\nafter = 'now'",
            self.path("shop.db").display()
        );
        if job == "refresh" {
            let staging = self.path("staging.db");
            config.push_str(&format!(
                "\n[databases.staging]\nurl = '{}'\nrefresh = {{ from = 'shop', mask = false }}",
                staging.display()
            ));
        }
        let config = Config::parse(&config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let bins = std::env::var_os("ROWKEEP_PG_BIN").unwrap_or_default();
        let surroundings = Surroundings {
            postgres_bin: std::env::split_paths(&bins).collect(),
            clock: self.clock.clone(),
            ..Surroundings::default()
        };
        Workspace::new(
            config,
            Circumstances {
                repository: Some(self.path("repository").to_string_lossy().into_owned()),
                reports: self.path("reports"),
                program: "test".to_owned(),
                surroundings,
                ..Circumstances::default()
            },
        )
    }

    /// Runs a job, and notes what came of it: its outcome, the rows of the shop, and the snapshots and plans in their order.
    fn run(&mut self, job: &str, request: Value) -> Value {
        self.turned.before_step(&self.clock, self.steps);
        self.steps += 1;
        self.jobs.insert(job.to_owned());
        let request: Request =
            serde_json::from_value(json!({ "job": job, "request": request })).expect("it is a request");
        let (context, workspace, runner) = (self.context(), self.workspace(job), Sql(self.path("shop.db")));
        let outcome = self.runtime.block_on(request.run(&context, &workspace, &Unattended, &runner));
        let outcome =
            outcome.unwrap_or_else(|error| panic!("{:?}, {job}: {}", self.turned, error.in_one_line()));
        let outcome = serde_json::to_value(&outcome).expect("an outcome has a JSON form");
        check_durations(&outcome);
        let (listed, planned) = self.runtime.block_on(async {
            let listed = snapshots::list(&workspace, Some("shop")).await.expect("they are listed");
            let repository = workspace.repository().await.expect("it is open");
            (listed, plans::list(repository).await.expect("they are listed").listed)
        });
        let listed: Vec<String> = listed.snapshots.iter().map(|snapshot| snapshot.id.to_string()).collect();
        let planned: Vec<String> =
            planned.iter().map(|listed| format!("{} {}", listed.id, listed.executed.is_some())).collect();
        let seen = json!({ "rows": self.rows(), "snapshots": listed, "plans": planned, "outcome": outcome });
        let seen = self.comparable(&seen);
        self.log.push(format!("{} {job} {seen}", self.steps));
        outcome["outcome"].clone()
    }

    fn rows(&self) -> Vec<String> {
        let shop = rusqlite::Connection::open(self.path("shop.db")).expect("it is there");
        let mut rows = shop.prepare("SELECT id || ' ' || email FROM users ORDER BY id").expect("it is SQL");
        let rows = rows.query_map([], |row| row.get(0)).expect("they are read");
        rows.collect::<Result<_, _>>().expect("they are text")
    }

    /// A value without what is another in every run: ids by the order of their appearance, no times, durations and sizes of
    /// sealed objects.
    fn comparable(&mut self, value: &Value) -> Value {
        const VARIABLE: [&str; 10] = [
            "time",
            "at",
            "before_time",
            "time_doubt",
            "drill",
            "new_bytes",
            "bytes_read",
            "pack_bytes",
            "bytes",
            "repository_bytes",
        ];
        match value {
            Value::Object(fields) => {
                let kept = fields.iter().filter(|(name, _)| {
                    let name = name.as_str();
                    !VARIABLE.contains(&name) && !name.ends_with("_ms") && !name.ends_with("_seconds")
                });
                kept.map(|(name, value)| (name.clone(), self.comparable(value))).collect()
            }
            // A probe says of the clock what is wrong with it.
            Value::Array(values) => {
                let others = values.iter().filter(|value| value["what"] != "clock");
                others.map(|value| self.comparable(value)).collect()
            }
            Value::String(text) => {
                let text = text.replace(&*self.folder.path().to_string_lossy(), "FOLDER");
                if text.ends_with("B left under FOLDER/repository") {
                    return "space left".into();
                }
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                let mut out = String::new();
                for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
                    let id = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                    if id.len() >= 8 && id.chars().all(is_hex) {
                        let next = self.ids.len();
                        let number = *self.ids.entry(id[..8].to_owned()).or_insert(next);
                        out.push_str(&format!("#{number}{}", &word[id.len()..]));
                    } else {
                        out.push_str(word);
                    }
                }
                Value::String(out)
            }
            other => other.clone(),
        }
    }

    /// What somebody does with a shop in a bad week: every job, most of them more than once.
    fn tell(&mut self, other_engine: &str) {
        self.run("init", json!({ "no_encryption": true }));
        self.run("backup", json!({ "database": "shop", "name": "first" }));
        self.sql("DELETE FROM users WHERE id = 2");
        self.run("backup", json!({ "database": "shop", "name": "second" }));
        self.run("restore", json!({ "snapshot": "first" }));
        self.sql("UPDATE users SET email = 'x' WHERE id = 3");
        self.run("backup", json!({ "database": "shop", "name": "third" }));
        self.run("merge", json!({ "from": "third", "into": "second", "base": "first", "plan_only": true }));
        // One restore with the clock as it was so far, one after it was put right.
        self.run("restore", json!({ "snapshot": "first", "wanted": { "keys": ["users:3"] } }));
        self.run("restore", json!({ "snapshot": "second", "mode": "replace" }));
        self.run("undo", json!({}));
        self.run("undo", json!({}));
        self.run("verify", json!({ "snapshot": "third", "against": "shop" }));
        self.run("verify", json!({ "snapshot": "latest", "against": "shop" }));
        self.run("verify", json!({ "snapshot": "latest:shop", "against": "shop" }));
        self.run("undo", json!({}));
        self.run("restore", json!({ "snapshot": "first", "with_schema": true }));
        self.run("undo", json!({}));
        let (new, exported) = (self.path("new.db"), self.path("exported"));
        self.run("restore", json!({ "snapshot": "third", "to": new }));
        self.run("restore", json!({ "snapshot": "third", "to": other_engine }));
        self.run(
            "around",
            json!({
                "database": "shop", "command": [OsString::from("INSERT INTO users VALUES (7, 'gus')")],
            }),
        );
        for sql in [
            "!DELETE FROM users",
            "!ALTER TABLE users ADD COLUMN more",
            "UPDATE users SET email = 'y' WHERE id = 7",
        ] {
            self.run(
                "migrate",
                json!({ "database": "shop", "command": [OsString::from(sql)], "hooks": true }),
            );
        }
        self.run("undo", json!({}));
        self.run("undo", json!({}));
        self.run("diff", json!({ "before": "latest", "after": "live" }));
        self.run("export", json!({ "state": "latest", "to": exported }));
        self.run("history", json!({ "table": "users", "key": "3" }));
        let first = self.plan(json!({ "snapshot": "first" }));
        let second = self.plan(json!({ "snapshot": "second" }));
        self.run("apply", json!({ "plan": second }));
        self.run("undo", json!({}));
        self.run("apply", json!({ "plan": first }));
        self.run("drill", json!({ "database": "shop" }));
        self.run("drill", json!({ "database": "shop", "each": true }));
        for job in ["check_data", "assess", "doctor", "suggest_mask"] {
            self.run(job, json!({ "database": "shop" }));
        }
        self.run("probe", json!({}));
        let dump = self.path("dump.sql");
        std::fs::write(&dump, "CREATE TABLE t (a); INSERT INTO t VALUES (1);").expect("it is written");
        self.run("inspect", json!({ "file": dump }));
        self.run("import", json!({ "file": dump }));
        let rules = self.path("rules.toml");
        std::fs::write(&rules, "'users.email' = 'hash'").expect("it is written");
        self.run("check_mask", json!({ "database": "shop", "mask": { "file": rules } }));
        self.run("hold", json!({ "snapshot": "second", "reason": "audit" }));
        self.run("keep", json!({}));
        self.run("release", json!({ "snapshot": "second" }));
        let copies = json!({ "to": self.path("copies"), "create": true });
        self.run("copy", copies.clone());
        self.run("delete", json!({ "snapshots": ["first", "third"] }));
        self.run("backup", json!({ "database": "shop", "name": "last" }));
        self.run("verify", json!({ "snapshot": "latest", "against": "shop" }));
        self.run("refresh", json!({ "database": "staging" }));
        self.run("copy", copies);
        self.run("prune", json!({}));
        self.run("prune", json!({ "grace": "0s" }));
        self.run("check", json!({ "read_percent": 100.0 }));
        self.run("check", json!({ "read_percent": 50.0 }));
        self.run("repair", json!({}));
        self.run("merge", json!({ "from": "last", "into": "second", "base": "second", "name": "both" }));
        self.sql(
            "CREATE TABLE log (n INTEGER PRIMARY KEY, at TEXT, what TEXT, row TEXT, did TEXT, now TEXT)",
        );
        self.run("backup", json!({ "database": "shop", "name": "logged" }));
        self.sql(
            "INSERT INTO users VALUES (99, 'zed'); INSERT INTO log VALUES (1, '2026-01-01T00:00:00Z', 'users', '99', 'came',
             '{\"id\": 99, \"email\": \"zed\"}')",
        );
        self.run("backup", json!({ "database": "shop", "name": "later" }));
        let until = "2026-01-01T00:00:00Z";
        let replayed = json!({ "database": "shop", "until": until, "base": "logged", "log": "later" });
        assert_eq!(self.run("replay", replayed)["entries"], 1);
        self.run("health", json!({}));
    }

    /// Makes a plan, and gives its id.
    fn plan(&mut self, mut request: Value) -> Value {
        request["plan_only"] = json!(true);
        let planned = self.run("restore", request);
        planned["kept"].as_str().map_or_else(|| panic!("no plan is kept: {planned}"), Into::into)
    }
}

/// No length of time is negative, or a negative number that was taken for another.
fn check_durations(value: &Value) {
    const LONGEST: u64 = 10 * 365 * 86_400;
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if (name.ends_with("_ms") || name.ends_with("_seconds")) && !value.is_null() {
                    let length = value.as_u64().unwrap_or_else(|| panic!("{name} is {value}"));
                    let limit = if name.ends_with("_ms") { 600_000 } else { LONGEST };
                    assert!(length <= limit, "{name} is {value}");
                }
                check_durations(value);
            }
        }
        Value::Array(values) => values.iter().for_each(check_durations),
        _ => {}
    }
}

/// The names of all jobs, by the requests that the source declares.
fn all_jobs() -> BTreeSet<String> {
    fn below(folder: &Path, jobs: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("it is a folder") {
            let path = entry.expect("it is read").path();
            if path.is_dir() {
                below(&path, jobs);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it is text");
            let declared = text.lines().filter_map(|line| line.strip_prefix("pub struct "));
            let names =
                declared.filter_map(|rest| rest.split([' ', '<', '(', ';']).next()?.strip_suffix("Request"));
            for name in names {
                let mut job = String::new();
                for letter in name.chars() {
                    if letter.is_uppercase() && !job.is_empty() {
                        job.push('_');
                    }
                    job.extend(letter.to_lowercase());
                }
                jobs.insert(job);
            }
        }
    }
    let mut jobs = BTreeSet::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/jobs"), &mut jobs);
    jobs
}

#[test]
fn every_job_does_the_same_under_a_wrong_clock() {
    let server = servers().pop().expect("there is a server");
    let tell = |turned: Turned| {
        let other = Database::new(&server, "rowkeep_test_clocks");
        let mut story = Story::new(turned);
        story.tell(&other.url);
        let said = story.warnings.lock().expect("nobody panicked").iter().any(|w| w.contains("by the clock"));
        assert_eq!(said, turned.is_said(), "{turned:?}: {:?}", story.warnings);
        story
    };
    let right = tell(Turned::Right);
    assert_eq!(right.jobs, all_jobs(), "every job has to be told of in the story");
    for turned in Turned::WRONG {
        let wrong = tell(turned);
        for (right, wrong) in right.log.iter().zip(&wrong.log) {
            assert_eq!(wrong, right, "{turned:?}");
        }
        assert_eq!(wrong.log.len(), right.log.len());
    }
}
