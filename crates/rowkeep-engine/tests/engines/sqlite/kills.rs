//! Processes that are killed while they change a database: all is changed, or nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rowkeep_engine::conformance::{ListedChanges, State};
use rowkeep_engine::sqlite::Sqlite;
use rowkeep_engine::{ApplyOptions, CreateOptions, Engine, Surroundings, ViewOptions};
use rusqlite::Connection;

use super::{TestFile, integrity};

/// Where the child finds its work; without it, it has none.
const WORK: &str = "ROWKEEP_TEST_KILLED";
/// How often it is killed, and how often it may come to its end before.
const KILLS: u32 = 20;
const ROUNDS: u64 = 150;
const ROWS: i64 = 20_000;

fn make(file: &TestFile, journal: &str, value: &str) {
    file.execute(&format!(
        "PRAGMA journal_mode = {journal}; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INT); CREATE INDEX i ON t (v);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO t SELECT i, '{value} ' || i, 0 FROM n;"
    ));
}

/// What the child does, again and again, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of other tests"]
async fn child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let (what, path) = work.split_once(' ').expect("what and where");
    let path = PathBuf::from(path);
    let engine = Sqlite::new(path.clone(), &Surroundings::default());
    let other = Sqlite::new(path.with_file_name("other.db"), &Surroundings::default());
    if what == "apply" {
        let changes = between(&engine, &other).await;
        println!("begun");
        changes.apply(&engine, &ApplyOptions::default()).await.expect("the changes are applied");
    } else {
        let view = other.open(&ViewOptions { with_ddl: true }).await.expect("the other opens");
        let target = engine.replace(view.schema(), &CreateOptions::default()).await.expect("begun");
        for table in &view.schema().tables {
            target.load(table, view.rows(table).await.expect("rows")).await.expect("rows are loaded");
        }
        println!("begun");
        target.finish().await.expect("finished");
    }
}

async fn between(engine: &Sqlite, other: &Sqlite) -> ListedChanges {
    State::of(engine).await.to(&State::of(other).await)
}

/// Runs the child until it is done or something has been written, and some moments longer; then kills it. Says whether it
/// was killed before its end.
fn killed(what: &str, path: &Path, written: &Path, bytes: u64, turns: u64) -> bool {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "sqlite::kills::child", "--ignored", "--nocapture"])
        .env(WORK, format!("{what} {}", path.display()))
        .stdout(Stdio::null())
        .spawn()
        .expect("a child");
    let started = Instant::now();
    let mut left = turns;
    loop {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        if std::fs::metadata(written).is_ok_and(|metadata| metadata.len() >= bytes) {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the child comes to an end");
        std::thread::yield_now();
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    true
}

fn values(connection: &Connection) -> (i64, i64) {
    let sql = "SELECT count(*) FILTER (WHERE v LIKE 'old%'), count(*) FILTER (WHERE v LIKE 'new%') FROM t";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("counts")
}

/// Kills the child in many rounds at moments all over its work.
fn all_or_nothing(what: &str) {
    for journal in ["wal", "delete"] {
        let file = TestFile::new();
        let written =
            file.path().with_file_name(if journal == "wal" { "test.db-wal" } else { "test.db-journal" });
        let (mut kills, mut seed) = (0, 12_345u64);
        let (mut nothing, mut all) = (0, 0);
        for round in 0..ROUNDS {
            for kind in ["", "-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(file.path().with_file_name(format!("test.db{kind}")));
            }
            make(&file, journal, "old");
            if round == 0 {
                let other = TestFile::new();
                make(&other, "delete", "new");
                std::fs::copy(other.path(), file.path().with_file_name("other.db")).expect("a copy");
            }
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (bytes, turns) =
                ((seed >> 40) % 1_500_000 * (round % 3) / 2, (seed >> 20) % 4_000 * (round % 4));
            kills += u32::from(killed(what, &file.path(), &written, bytes.max(1), turns));
            let connection = file.connect();
            match values(&connection) {
                (ROWS, 0) => nothing += 1,
                (0, ROWS) => all += 1,
                mixed => panic!("{journal}, round {round}: {mixed:?}"),
            }
            assert_eq!(integrity(&connection), "ok", "{journal}, round {round}");
            if kills == KILLS {
                break;
            }
        }
        assert!(
            kills == KILLS && nothing > 0,
            "{what}, {journal}: {kills} kills, nothing {nothing}, all {all}"
        );
    }
}

#[test]
fn a_kill_while_rows_change() {
    all_or_nothing("apply");
}

#[test]
fn a_kill_while_everything_is_replaced() {
    all_or_nothing("replace");
}
