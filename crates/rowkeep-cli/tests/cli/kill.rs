//! Killed at any moment, a backup leaves a whole repository.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sandbox::{Numbers, Sandbox, filled};

const KILLS: u32 = 50;
const ROUNDS_AT_MOST: u32 = 200;

#[test]
fn killed_backups_leave_a_whole_repository() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(60_000));
    sandbox.done(&["init", "--repository", "other"]);
    let started = Instant::now();
    sandbox.done(&["backup", "app.db", "--repository", "other", "--quiet"]);
    let whole = started.elapsed();
    let mut numbers = Numbers(20_261_120);
    let (mut killed, mut round) = (0, 0);
    while killed < KILLS {
        assert!(
            round < ROUNDS_AT_MOST,
            "only {killed} of {round} backups were still running when they were killed"
        );
        round += 1;
        // New random payloads in each round, so that every backup has something to store.
        sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120) WHERE id % 3 = 0");
        let mut child = sandbox
            .command(&["backup", "app.db"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be run");
        let began = Instant::now();
        let moment = whole.mul_f64(numbers.below(1000) as f64 / 1000.0);
        while began.elapsed() < moment && child.try_wait().expect("its state is known").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().expect("its state is known").is_none() {
            child.kill().expect("it can be killed");
            killed += 1;
        }
        child.wait().expect("it ends");
        sandbox.done(&["check"]);
        if round % 10 == 0 {
            sandbox.done(&["backup", "app.db", "--quiet"]);
            sandbox.done(&["verify", "latest", "--against", "app.db"]);
            sandbox.done(&["check", "--read-data"]);
        }
    }
}

#[test]
fn an_interrupted_backup_is_gone_on_with() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(200_000));
    sandbox.done(&["init", "--repository", "other"]);
    let mut child = sandbox
        .command(&["backup", "app.db"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be run");
    let packs = sandbox.path("rowkeep-repository/packs");
    let limit = Instant::now() + Duration::from_secs(60);
    // A pack that is still being written has another name, with a `#` in it, and nothing of it can be used.
    let is_whole = |path: &std::path::PathBuf| !path.to_string_lossy().contains('#');
    let any = || packs.exists() && crate::sandbox::files_below(&packs).iter().any(is_whole);
    while !any() && Instant::now() < limit && child.try_wait().expect("its state is known").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(0));
    let resumed = sandbox.json(&["backup", "app.db"])["snapshots"][0]["new_bytes"].as_u64();
    let whole =
        sandbox.json(&["backup", "app.db", "--repository", "other"])["snapshots"][0]["new_bytes"].as_u64();
    assert!(resumed < whole, "{resumed:?} of {whole:?}: nothing of the first attempt was used");
}
