//! A folder to work in, and the command run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A temporary folder; the command runs in it with nothing of the outer environment that is rowkeep's.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// With a repository at its default place, opened by a key file.
    pub(crate) fn new() -> Self {
        let sandbox = Self::bare();
        sandbox.done(&["init"]);
        sandbox
    }

    /// Without a repository.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, ready to be run in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("rowkeep"));
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path(".state"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PG")
                || text.starts_with("CLOUDFLARE_")
                || text.starts_with("ROWKEEP_") && text != "ROWKEEP_PG_BIN"
            {
                command.env_remove(&name);
            }
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(args).output().expect("the command can be run"))
    }

    /// Runs it where a script has mounted something, which nobody else sees.
    pub(crate) fn mounted(&self, script: &str, arguments: &[&str]) -> Ran {
        let command = self.command(arguments);
        let mut inside = Command::new("unshare");
        inside.args(["--mount", "--map-root-user", "sh", "-c", script]);
        inside.arg(command.get_program()).args(command.get_args());
        inside.current_dir(self.path("")).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        Ran::of(&inside.output().expect("unshare can be run"))
    }

    /// Runs it and expects it to be done.
    pub(crate) fn done(&self, args: &[&str]) -> Ran {
        self.run(args).expect(0)
    }

    /// Runs it with `--json` and reads the result.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.json_of(0, args)
    }

    /// Runs it with `--json`, expects it to end so, and reads the result.
    pub(crate) fn json_of(&self, status: i32, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat()).expect(status);
        serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("{args:?} printed no JSON: {error}: {ran:?}"))
    }

    /// Runs SQL in an SQLite file of the folder.
    pub(crate) fn sql(&self, file: &str, sql: &str) {
        let database = rusqlite::Connection::open(self.path(file)).expect("the database opens");
        database.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows of a query on an SQLite file of the folder, a line each, values divided by `|`.
    pub(crate) fn query(&self, file: &str, sql: &str) -> String {
        let database = rusqlite::Connection::open(self.path(file)).expect("the database opens");
        let mut statement = database.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            let values = (0..columns).map(|column| match row.get_ref(column)? {
                rusqlite::types::ValueRef::Null => Ok("NULL".to_owned()),
                rusqlite::types::ValueRef::Integer(integer) => Ok(integer.to_string()),
                other => Ok(String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned()),
            });
            Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
        };
        let lines = statement.query_map([], line).expect("it is run").collect::<rusqlite::Result<Vec<_>>>();
        lines.expect("every row is read").join("\n")
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }

    /// Expects all of these in what was printed to stderr.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {self:#?}");
        }
        self
    }
}

/// Sends a signal to a process: by the shell's own `kill`, for not every machine has the program.
pub(crate) fn signal(name: &str, process: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("a shell can be run").success());
}

/// Every file below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Copies a folder with all below it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).expect("the file is below the folder"));
        std::fs::create_dir_all(target.parent().expect("a file has a folder"))
            .expect("the folder can be made");
        std::fs::copy(&file, target).expect("the file can be copied");
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// SQL that makes two tables of that many rows each, some megabytes for 50,000.
pub(crate) fn filled(rows: u32) -> String {
    format!(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT, payload BLOB);
         CREATE TABLE people (email TEXT PRIMARY KEY NOT NULL, name TEXT, balance REAL) WITHOUT ROWID;
         CREATE INDEX events_by_time ON events (at);
         BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO events SELECT i, datetime('2026-01-01', '+' || i || ' minutes'), 'event ' || i % 97,
                 randomblob(120) FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO people SELECT 'p' || i || '@example.org', 'Person ' || i, i * 0.25 FROM n;
         COMMIT;"
    )
}
