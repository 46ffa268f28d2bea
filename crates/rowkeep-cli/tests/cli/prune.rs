//! Space comes back, and nothing that is shown is ever lost, whoever is killed beside whom.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Numbers, Sandbox, files_below, filled};

fn stored(sandbox: &Sandbox) -> u64 {
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    packs.iter().map(|path| std::fs::metadata(path).map_or(0, |meta| meta.len())).sum()
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    ids_in(sandbox, "rowkeep-repository")
}

fn ids_in(sandbox: &Sandbox, repository: &str) -> Vec<String> {
    let listed = sandbox.json(&["snapshots", "--repository", repository]);
    let snapshots = listed["snapshots"].as_array().expect("a list");
    snapshots.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_the_rules_keep_no_more_goes_and_its_space_comes_back() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20_000));
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120)");
    sandbox.done(&["backup", "app.db", "--name", "second"]);
    sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120)");
    sandbox.done(&["backup", "app.db", "--name", "third"]);
    let full = stored(&sandbox);

    // Without rules nothing goes.
    let none = sandbox.done(&["prune", "--grace", "0s", "--yes"]);
    assert!(none.out.contains("no snapshot expired"), "{none:?}");
    assert_eq!(ids(&sandbox).len(), 3);

    let plan = sandbox.done(&["prune", "--keep-last", "1", "--dry-run"]);
    assert!(plan.out.contains("2 snapshots would be deleted"), "{plan:?}");
    assert_eq!((ids(&sandbox).len(), stored(&sandbox)), (3, full), "a plan changes nothing");
    let refused = sandbox.run(&["prune", "--keep-last", "1"]);
    assert_ne!(refused.status, 0, "nobody is there to ask: {refused:?}");
    assert_eq!(ids(&sandbox).len(), 3);

    let pruned = sandbox.done(&["prune", "--keep-last", "1", "--yes"]);
    assert!(pruned.out.contains("2 snapshots deleted"), "{pruned:?}");
    assert_eq!(ids(&sandbox).len(), 1);
    assert!(stored(&sandbox) >= full, "packs stay for the grace period");
    sandbox.done(&["verify", "latest", "--against", "app.db"]);
    sandbox.done(&["check", "--read-data"]);

    let freed = sandbox.json(&["prune", "--grace", "0s"]);
    assert!(freed["space"]["deleted"]["bytes"].as_u64() > Some(full / 2), "{freed}");
    assert!(stored(&sandbox) < full / 2, "two thirds are gone");
    sandbox.done(&["verify", "latest", "--against", "app.db"]);
    let checked = sandbox.json(&["check", "--read-data"]);
    assert_eq!((&checked["damage"], &checked["notes"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    // What went is stored again when it comes back.
    sandbox.sql("app.db", "DELETE FROM events WHERE id % 2 = 0");
    sandbox.done(&["backup", "app.db"]);
    sandbox.done(&["restore", "latest", "--to", "copy.db"]);
}

#[test]
fn rules_of_the_configuration_are_applied_to_each_database() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox
            .sql(&format!("{name}.db"), "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    }
    let config = "[keep]\nlast = 2\n[databases.one]\nurl = \"one.db\"\n[databases.one.keep]\nlast = 1\n\
                  [databases.two]\nurl = \"two.db\"\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    for _ in 0..3 {
        sandbox.done(&["backup"]);
    }
    let planned = sandbox.json(&["prune", "--dry-run"]);
    assert_eq!(
        planned["planned"].as_array().map(Vec::len),
        Some(3),
        "two of one, one of the other: {planned}"
    );
    sandbox.done(&["prune", "--yes"]);
    let listed = sandbox.json(&["snapshots"]);
    let of = |name: &str| {
        let all = listed["snapshots"].as_array().expect("a list");
        all.iter().filter(|one| one["database"] == name).count()
    };
    assert_eq!((of("one"), of("two")), (1, 2));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let sandbox = Sandbox::new();
    for wrong in [
        &["prune", "--grace", "soon"][..],
        &["prune", "--grace", "-1h"],
        &["prune", "--max-repack", "a lot"],
        &["prune", "--keep-last", "0"],
    ] {
        let ran = sandbox.run(wrong);
        assert_eq!(ran.status, 2, "{wrong:?}: {ran:?}");
    }
    sandbox.done(&["prune"]);
}

#[test]
fn a_damaged_snapshot_keeps_packs_from_going() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(2_000));
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120)");
    sandbox.done(&["backup", "app.db"]);
    let [first, second] = <[String; 2]>::try_from(ids(&sandbox)).expect("two");
    sandbox.done(&["delete", &first, "--yes"]);
    let object = sandbox.path(&format!("rowkeep-repository/snapshots/{second}"));
    let whole = std::fs::read(&object).expect("read");
    std::fs::write(&object, &whole[..whole.len() - 1]).expect("written");
    let before = stored(&sandbox);
    let refused = sandbox.run(&["prune", "--grace", "0s"]);
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.err.contains(&second[..8]), "{refused:?}");
    assert_eq!(stored(&sandbox), before, "nobody can tell what it needs");
    std::fs::write(&object, whole).expect("written");
    sandbox.done(&["prune", "--grace", "0s"]);
    sandbox.done(&["verify", "latest", "--against", "app.db"]);
}

#[test]
fn a_ledger_that_is_lost_hides_no_snapshot() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(500));
    sandbox.done(&["backup", "app.db"]);
    let [id] = <[String; 1]>::try_from(ids(&sandbox)).expect("one");
    for folder in ["ledger", "summaries"] {
        std::fs::remove_dir_all(sandbox.path(&format!("rowkeep-repository/{folder}"))).expect("it is there");
    }
    // What was written just now may belong to a backup that is running.
    assert!(ids(&sandbox).is_empty());
    let object = sandbox.path(&format!("rowkeep-repository/snapshots/{id}"));
    let file = std::fs::File::options().write(true).open(object).expect("it is there");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    file.set_modified(long_ago).expect("its time is set");
    let listed = sandbox.json_of(3, &["snapshots"]);
    assert_eq!(listed["unreadable"][0]["id"].as_str(), Some(&*id), "{listed}");
    sandbox.done(&["restore", &id, "--to", "copy.db"]);
    // The next backup finds that it is whole.
    sandbox.sql("app.db", "DELETE FROM events WHERE id = 1");
    sandbox.done(&["backup", "app.db"]);
    let all = ids(&sandbox);
    assert!(all.len() == 2 && all.contains(&id), "{all:?}");
    assert_eq!(sandbox.json(&["check", "--read-data"])["notes"], Value::Array(vec![]));
}

/// Waits for processes, and ends those that run longer than they may, as `kill -9` does; says how many.
fn killed(children: &mut [(Child, Duration)]) -> u64 {
    let began = std::time::Instant::now();
    let mut killed = 0;
    let mut running: Vec<&mut (Child, Duration)> = children.iter_mut().collect();
    while !running.is_empty() {
        running.retain_mut(|(child, moment)| {
            if child.try_wait().expect("its state is known").is_some() {
                return false;
            }
            if began.elapsed() < *moment {
                return true;
            }
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            killed += 1;
            false
        });
        std::thread::sleep(Duration::from_millis(1));
    }
    killed
}

/// So many commands run side by side, and many of them are killed; `ROWKEEP_KILLED_RUNS` says how many.
#[test]
fn commands_side_by_side_killed_at_random_lose_nothing_that_is_shown() {
    let runs: u64 = std::env::var("ROWKEEP_KILLED_RUNS").map_or(16, |text| text.parse().expect("a number"));
    let sandbox = Sandbox::bare();
    sandbox.done(&["init", "--no-encryption"]);
    sandbox.done(&["init", "--no-encryption", "--repository", "other"]);
    for name in ["a", "b"] {
        sandbox.sql(&format!("{name}.db"), &filled(6_000));
        sandbox.done(&["backup", &format!("{name}.db")]);
    }
    let mut numbers = Numbers(20_261_129);
    let (mut count, mut round) = (0, 0);
    while round * 4 < runs {
        round += 1;
        for name in ["a", "b"] {
            let change =
                format!("UPDATE events SET payload = randomblob(90) WHERE id % 7 = {}", numbers.below(7));
            sandbox.sql(&format!("{name}.db"), &change);
        }
        let shown = ids(&sandbox);
        let any = shown[numbers.below(shown.len() as u64) as usize].clone();
        let restored = format!("restored-{round}.db");
        let grace = if numbers.below(2) == 0 { "0s" } else { "1h" };
        let third = match numbers.below(3) {
            0 => vec!["backup", "b.db"],
            1 => vec!["restore", &*any, "--to", &*restored],
            _ => vec!["check"],
        };
        // Copies are made while what they are copies of is deleted, and deleted where they are made.
        let prune = vec!["prune", "--grace", grace, "--keep-last", "3", "--yes"];
        let prune_other = [&prune[..], &["--repository", "other"]].concat();
        let fourth = if numbers.below(4) == 0 { prune_other } else { vec!["copy", "--to", "other"] };
        let commands = [vec!["backup", "a.db"], prune, third, fourth];
        let mut spawn = |args: &Vec<&str>| {
            let mut command = sandbox.command(args);
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let moment = if numbers.below(3) == 0 { 60_000 } else { numbers.below(90) };
            (child.expect("it can be run"), Duration::from_millis(moment))
        };
        let mut children: Vec<(Child, Duration)> = commands.iter().map(&mut spawn).collect();
        count += killed(&mut children);
        // Every snapshot that is shown restores, and is proven.
        for repository in ["rowkeep-repository", "other"] {
            let on = ["--repository", repository];
            for id in ids_in(&sandbox, repository) {
                let copy = sandbox.path("copy.db");
                let _ = std::fs::remove_file(&copy);
                sandbox.done(&[&["restore", &id, "--to", "copy.db"], &on[..]].concat());
            }
            let checked = sandbox.done(&[&["check", "--read-data"], &on[..]].concat());
            assert!(checked.out.contains("no damage"), "{checked:?}");
        }
    }
    sandbox.done(&["copy", "--to", "other"]);
    assert!(!ids_in(&sandbox, "other").is_empty());
    assert!(count * 4 > runs, "{count} of {runs} were killed");
}
