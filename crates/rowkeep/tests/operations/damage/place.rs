//! A repository with everything in it, and the databases that are backed up to it.

use std::cell::Cell;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rowkeep::config::Config;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::caller::{RunCommand, Unattended};
use rowkeep::jobs::keys::{self, NewSecret};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::snapshots;
use rowkeep::jobs::workspace::{Circumstances, Secrets, Workspace};
use rowkeep::{Context, Error, ErrorKind, async_trait};
use serde_json::{Value, json};

use super::harm::{Harm, Kind};

/// Nobody has commands run here.
struct Nothing;

#[async_trait]
impl RunCommand for Nothing {
    async fn run(&self, _: &[OsString], _: &[(&str, OsString)]) -> Option<String> {
        Some("there are no commands".to_owned())
    }
}

/// Two databases, `app` and `other`, with a repository of their snapshots. What is harmed belongs to `app`.
pub(super) struct Place {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    /// The key file that opens it.
    key: &'static str,
    /// Objects of each kind that belong to the snapshot `first`.
    victims: Vec<(Kind, PathBuf)>,
    /// The snapshot `first`, and a plan to restore it.
    pub(super) first: String,
    pub(super) plan: String,
    files: Cell<u32>,
    pub(super) kind: Kind,
    pub(super) harm: Harm,
    /// Ids of the objects that were harmed.
    pub(super) marks: Vec<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {:?}", self.harm, self.kind)
    }
}

/// SQL that makes a table of so many rows that cannot be compressed.
fn filled(rows: u32) -> String {
    format!(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, what TEXT, payload BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO events SELECT i, 'event ' || i % 97, randomblob(120) FROM n;"
    )
}

impl Place {
    /// Makes all of it.
    pub(super) fn full() -> Self {
        let mut place = Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime starts"),
            folder: tempfile::tempdir().expect("a folder"),
            key: "main.key",
            victims: Vec::new(),
            first: String::new(),
            plan: String::new(),
            files: Cell::new(0),
            kind: Kind::Pack,
            harm: Harm::Flipped,
            marks: Vec::new(),
        };
        place.sql("foreign.db", &filled(10));
        place.everything_in("foreign.db");
        fs::rename(place.path("repository"), place.path("foreign")).expect("it is moved");
        fs::remove_file(place.path("main.key")).expect("it is there");

        place.sql("other.db", &filled(200));
        place.everything_in("other.db");
        place.sql("app.db", &filled(700));
        let scrap = place.backup("app", "scrap");
        place.sql("app.db", "UPDATE events SET payload = randomblob(120)");
        let before: Vec<_> = place.victims_now();
        place.first = place.backup("app", "first");
        copy_folder(&place.path("repository"), &place.path("earlier"));
        place.keep("app.db", "first");
        place.victims = place.victims_now().into_iter().filter(|victim| !before.contains(victim)).collect();

        place.done("delete", json!({ "snapshots": [scrap] }));
        place
            .sql("app.db", "DELETE FROM events WHERE id % 7 = 0; UPDATE events SET what = 'x' WHERE id < 20");
        place.backup("app", "second");
        place.keep("app.db", "second");
        place.plan = place.plan_for("first", "app");
        let workspace = place.workspace();
        let spare = NewSecret::KeyFile(place.path("spare.key"));
        place.runtime.block_on(keys::add(&workspace, &spare, "spare")).expect("it is added");
        copy_folder(&place.path("repository"), &place.path("whole"));
        place
    }

    /// Makes a repository with something of every kind in it, of one database.
    fn everything_in(&mut self, file: &str) {
        let database = file.trim_end_matches(".db").to_owned();
        self.done("init", json!({ "key_file": self.path("main.key") }));
        self.backup(&database, &format!("{database} at first"));
        self.keep(file, &database);
        self.sql(file, "DELETE FROM events WHERE id < 50");
        self.keep(file, "harmed");
        let plan = self.plan_for(&format!("latest:{database}"), &database);
        self.done("apply", json!({ "plan": plan }));
    }

    /// Makes a plan to restore a snapshot, and gives its id.
    fn plan_for(&self, snapshot: &str, database: &str) -> String {
        let request = json!({ "snapshot": snapshot, "to": database, "plan_only": true });
        let planned = self.done("restore", request);
        planned["kept"].as_str().expect("it is kept").to_owned()
    }

    fn victims_now(&self) -> Vec<(Kind, PathBuf)> {
        let kinds = [Kind::Pack, Kind::Index, Kind::Snapshot, Kind::Entry];
        let objects =
            |kind: Kind| kind.objects(&self.path("repository")).into_keys().map(move |name| (kind, name));
        kinds.into_iter().flat_map(objects).collect()
    }

    /// Everything is as it was made, and then one object is harmed.
    pub(super) fn begin(&mut self, kind: Kind, harm: Harm) {
        let repository = self.path("repository");
        fs::remove_dir_all(&repository).expect("it is there");
        copy_folder(&self.path("whole"), &repository);
        // Written in place: a copy would be another database.
        self.put_back("app.db", "second");
        self.put_back("other.db", "other");
        (self.kind, self.harm, self.key) = (kind, harm, "main.key");
        let of_first = self.victims.iter().find(|(of, name)| *of == kind && repository.join(name).exists());
        let victim = match (of_first, kind) {
            (Some((_, name)), _) => name.clone(),
            (None, Kind::Plan) => Path::new("plans").join(&self.plan),
            // The one that opens it.
            (None, Kind::Slot) => kind.objects(&self.path("earlier")).pop_first().expect("there is one").0,
            (None, _) => kind.objects(&repository).pop_first().expect("there is one").0,
        };
        let (earlier, foreign) = (self.path("earlier"), self.path("foreign"));
        self.marks = harm.inflict(kind, &victim, &repository, &earlier, &foreign);
    }

    /// Goes on with the other key file.
    pub(super) fn by_spare_key(&mut self) {
        self.key = "spare.key";
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path at which nothing is.
    pub(super) fn new_file(&self) -> PathBuf {
        self.files.set(self.files.get() + 1);
        self.path(&format!("new-{}.db", self.files.get()))
    }

    fn sql(&self, file: &str, sql: &str) {
        let opened = rusqlite::Connection::open(self.path(file));
        opened.and_then(|database| database.execute_batch(sql)).expect("the SQL is right");
    }

    fn keep(&self, file: &str, state: &str) {
        fs::copy(self.path(file), self.path(&format!("{state}.kept"))).expect("it is copied");
    }

    /// Makes a database what it was in a state.
    pub(super) fn put_back(&self, file: &str, state: &str) {
        fs::copy(self.path(&format!("{state}.kept")), self.path(file)).expect("it is copied");
    }

    fn rows(&self, file: &Path) -> String {
        let rows = "SELECT group_concat(id || what || hex(payload)) FROM (SELECT * FROM events ORDER BY id)";
        let opened = rusqlite::Connection::open(file).expect("it is there");
        opened.query_row(rows, [], |row| row.get(0)).expect("it has rows")
    }

    /// Fails where a database does not hold what it did in a state.
    #[track_caller]
    pub(super) fn assert_is(&self, file: &Path, state: &str) {
        let expected = self.rows(&self.path(&format!("{state}.kept")));
        assert!(
            self.rows(&self.path("").join(file)) == expected,
            "{self}: {} is not as {state}",
            file.display()
        );
    }

    /// A workspace as another process would make it.
    fn workspace(&self) -> Workspace {
        let databases = ["app", "other", "foreign"];
        let url = |name: &&str| {
            format!("[databases.{name}]\nurl = '{}'\n", self.path(&format!("{name}.db")).display())
        };
        let config: String = databases.iter().map(url).collect();
        let config = Config::parse(&config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let circumstances = Circumstances {
            repository: Some(self.path("repository").to_string_lossy().into_owned()),
            secrets: Secrets { key_file: Some(self.path(self.key)), ..Secrets::default() },
            reports: self.path("reports"),
            program: "test".to_owned(),
            ..Circumstances::default()
        };
        Workspace::new(config, circumstances)
    }

    /// Runs a job in a process of its own.
    fn run(&self, job: &str, request: Value) -> Result<Outcome, Error> {
        let request = json!({ "job": job, "request": request });
        let request: Request = serde_json::from_value(request).expect("it is a request");
        let workspace = self.workspace();
        self.runtime.block_on(async {
            let outcome = request.run(&Context::silent(), &workspace, &Unattended, &Nothing).await;
            workspace.settle().await;
            outcome
        })
    }

    pub(super) fn attempt(&self, job: &str, request: Value) -> Result<Value, Error> {
        self.run(job, request).map(|outcome| json!(outcome)["outcome"].take())
    }

    /// Runs a job and expects it to come to its end; what is asked about must be as it was, but for jobs that look for damage.
    #[track_caller]
    pub(super) fn done(&self, job: &str, request: Value) -> Value {
        match self.run(job, request.clone()) {
            Ok(outcome) => {
                let is_done =
                    outcome.verdict() == Verdict::Done || matches!(job, "check" | "drill" | "repair");
                let outcome = json!(outcome)["outcome"].take();
                assert!(is_done, "{self}: {job} {request}: {outcome}");
                outcome
            }
            Err(error) => panic!("{self}: {job} {request}: {}", error.in_one_line()),
        }
    }

    /// Runs a job and expects it to come to its end, or to say that something is damaged; says whether it was the former.
    #[track_caller]
    pub(super) fn served(&self, job: &str, request: Value) -> bool {
        match self.run(job, request.clone()) {
            Ok(_) => true,
            Err(error) => {
                let told = error.in_one_line();
                assert_eq!(error.kind(), ErrorKind::Damage, "{self}: {job} {request}: {told}");
                assert!(
                    told.contains("damaged") || told.contains("missing"),
                    "{self}: {job} {request}: {told}"
                );
                false
            }
        }
    }

    /// Restores a snapshot into a new file, which must hold what the database held in that state. It may fail where something
    /// is damaged, if that is allowed.
    #[track_caller]
    pub(super) fn restores(&self, snapshot: &str, state: &str, may_fail: bool) {
        let (file, request) = (self.new_file(), |file: &Path| json!({ "snapshot": snapshot, "to": file }));
        let is_served = match may_fail {
            true => self.served("restore", request(&file)),
            false => self.done("restore", request(&file)) != Value::Null,
        };
        assert_eq!(file.exists(), is_served, "{self}: {snapshot}");
        if is_served {
            self.assert_is(&file, state);
            fs::remove_file(file).expect("it is there");
        }
    }

    fn backup(&self, database: &str, name: &str) -> String {
        let made = self.done("backup", json!({ "database": database, "name": name }));
        made["snapshots"][0]["id"].as_str().expect("it has an id").to_owned()
    }

    /// The snapshots that are listed: ids and what they are called. Those that are unreadable must have an id as well.
    pub(super) fn listed(&self) -> Vec<(String, String)> {
        let listed = self.runtime.block_on(snapshots::list(&self.workspace(), None));
        let listed = listed.unwrap_or_else(|error| panic!("{self}: {}", error.in_one_line()));
        let named = listed.snapshots.into_iter();
        named.map(|one| (one.id.to_string(), one.name.unwrap_or(one.database))).collect()
    }

    /// Finds a snapshot as `show` does.
    pub(super) fn shows(&self, snapshot: &str) -> Result<(), Error> {
        self.runtime.block_on(async {
            let workspace = self.workspace();
            let repository = workspace.repository().await?;
            rowkeep::state::snapshots::find(repository, snapshot).await.map(drop)
        })
    }
}

/// Copies a folder with all below it.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it is made");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("it is read").path();
        let target = to.join(path.file_name().expect("it is named"));
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, target).expect("it is copied")),
        }
    }
}
