//! Copies: snapshots in another repository are as good as those that were made there.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Numbers, Sandbox, copy_folder, files_below, filled};
use crate::subjects::{Subject, on_each};

const OTHER: [&str; 2] = ["--repository", "other"];

fn on_other(sandbox: &Sandbox, args: &[&str]) -> Value {
    sandbox.json(&[args, &OTHER[..]].concat())
}

fn listed(sandbox: &Sandbox, repository: &str) -> Vec<Value> {
    let listed = sandbox.json(&["snapshots", "--repository", repository]);
    listed["snapshots"].as_array().expect("a list").clone()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn count(value: &Value) -> usize {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).len()
}

fn assert_whole(sandbox: &Sandbox, repository: &str) {
    let checked = sandbox.json(&["check", "--read-data", "--repository", repository]);
    assert_eq!((count(&checked["damage"]), count(&checked["notes"])), (0, 0), "{checked}");
}

const SHOP: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, item text, price bigint);
    CREATE TABLE staff (id bigint PRIMARY KEY, email text);
    INSERT INTO staff VALUES (1, 'ann@example.org'), (2, 'ben@example.org');";

fn fill(subject: &Subject<'_>) {
    let item = if subject.is_file() { "lower(hex(randomblob(16)))" } else { "md5(random()::text)" };
    subject.sql(&format!(
        "INSERT INTO orders WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 30000)
         SELECT n, {item}, n * 16807 % 2147483647 FROM s"
    ));
}

#[test]
fn copies_are_as_good_as_backups() {
    on_each("rowkeep_cli_copies", SHOP, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        fill(subject);
        sandbox.done(&["backup", &url, "--name", "first", "--tag", "release=7"]);
        subject.sql("UPDATE orders SET price = price + 1 WHERE id % 125 = 3");
        sandbox.done(&["backup", &url]);
        subject.sql("DELETE FROM orders WHERE id % 125 = 4");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        std::fs::write(sandbox.path("mask.toml"), "'staff.email' = 'hash'\n").expect("written");
        sandbox.done(&["backup", &url, "--mask=mask.toml", "--name", "masked"]);
        sandbox.done(&["backup", &url, "--schema-only", "--name", "bare"]);
        sandbox.done(&["backup", &url, "--data-only", "--tables", "staff", "--name", "rows"]);
        let made = listed(sandbox, "rowkeep-repository");

        let plan = sandbox.json(&["copy", "--to", "other", "--dry-run"]);
        assert_eq!((count(&plan["planned"]), count(&plan["copied"])), (made.len(), 0), "{plan}");
        assert!(!sandbox.path("other").exists(), "a plan makes nothing");
        let copied = sandbox.json(&["copy", "--to", "other", "--create"]);
        assert_eq!(count(&copied["copied"]), made.len(), "{copied}");
        for one in copied["copied"].as_array().expect("a list") {
            for table in one["tables"].as_array().expect("a list") {
                assert_ne!(text(table, "hash"), text(table, "source_hash"), "the keys are others");
            }
        }
        assert_whole(sandbox, "other");

        // What is known of each is the same, but what it cost.
        let copies = listed(sandbox, "other");
        for (made, copy) in made.iter().zip(&copies) {
            for field in ["database", "engine", "name", "time", "scope", "tables", "rows", "tags", "before"] {
                assert_eq!(made[field], copy[field], "{field} of {copy}");
            }
            assert_eq!(copy["origin"]["snapshot"], made["id"], "{copy}");
            assert_ne!(copy["id"], made["id"]);
            let id = text(made, "id");
            let shown =
                |repository: &str| sandbox.json(&["show", id, "--repository", repository])["tables"].clone();
            assert_eq!(
                count(&shown("other")),
                count(&shown("rowkeep-repository")),
                "it is known by its first id too"
            );
        }
        // What changed little takes little there too.
        let new = |snapshot: &Value| snapshot["new_bytes"].as_u64().expect("a size");
        assert!(new(&copies[1]) * 10 < new(&copies[0]), "{copies:?}");

        // The rows are the same, masked or not: nothing differs, whatever either repository is asked.
        let dump = |snapshot: &str, repository: &str| {
            let ran = ["export", snapshot, "--to", "-", "--format", "ndjson", "--repository", repository];
            sandbox.done(&ran).out
        };
        for snapshot in ["first", "masked", "rows"] {
            assert_eq!(dump(snapshot, "other"), dump(snapshot, "rowkeep-repository"), "{snapshot}");
        }
        assert!(!dump("masked", "other").contains("ann@example.org"));
        on_other(sandbox, &["verify", text(&made[1], "id"), "--against", &url]);
        if subject.is_file() {
            on_other(sandbox, &["restore", "first", "--to", "restored.db"]);
            let (there, here) =
                ("SELECT count(*), sum(price) FROM orders", "SELECT 30000, (SELECT sum(price) FROM orders)");
            assert_eq!(sandbox.query("restored.db", there).split('|').next(), Some("30000"), "{here}");
        }

        // Twice is once; and a backup there finds everything.
        let again = sandbox.json(&["copy", "--to", "other"]);
        assert_eq!((count(&again["copied"]), &again["there"]), (0, &made.len().into()), "{again}");
        let direct = on_other(sandbox, &["backup", &url]);
        assert!(new(&direct["snapshots"][0]) < 2000, "{direct}");
        // What was done before the copies is undone from there.
        let undone = on_other(sandbox, &["undo", &url, "--yes"]);
        assert_eq!(
            undone["rows"]["deleted"].as_u64().or(undone["done"]["deleted"].as_u64()),
            Some(240),
            "{undone}"
        );
        assert_eq!(subject.query("SELECT count(*) FROM orders"), "29760");
        assert_whole(sandbox, "other");

        // And the way back: what was made there comes here, and what came from here does not.
        let back = sandbox.json(&["copy", "--to", "rowkeep-repository", "--repository", "other"]);
        assert_eq!((count(&back["copied"]), &back["there"]), (2, &made.len().into()), "{back}");
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM orders"), "30000");
        assert_whole(sandbox, "rowkeep-repository");
    });
}

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')";

#[test]
fn only_what_is_asked_for_is_copied() {
    let sandbox = Sandbox::new();
    sandbox.sql("a.db", T);
    sandbox.sql("b.db", T);
    let config = "[databases.a]\nurl = 'a.db'\nkeep.last = 1\n[databases.b]\nurl = 'b.db'\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    for _ in 0..2 {
        sandbox.done(&["backup"]);
    }
    let held = text(&listed(&sandbox, "rowkeep-repository")[0], "id").to_owned();
    let planned = |args: &[&str]| {
        count(&sandbox.json(&[&["copy", "--to", "other", "--dry-run"], args].concat())["planned"])
    };
    assert_eq!((planned(&["a"]), planned(&["b"]), planned(&["a", "b.db"]), planned(&[])), (1, 2, 3, 3));
    assert_eq!((planned(&["a", "--expired"]), planned(&["--expired"])), (2, 4));
    sandbox.run(&["copy", "--to", "other", "nothing"]).expect(2).says(&["no database nothing"]);
    let told = sandbox.done(&["copy", "--to", "other", "--create", "a"]);
    assert!(told.out.contains("1 snapshot that no rule keeps left out"), "{told:?}");
    // What is held is kept, and its copy is held as well, once.
    sandbox.done(&["hold", &held, "--reason", "audit"]);
    for _ in 0..2 {
        sandbox.done(&["copy", "--to", "other"]);
    }
    let copies = listed(&sandbox, "other");
    assert_eq!(copies.len(), 4);
    let holds: Vec<usize> = copies.iter().map(|copy| copy.get("holds").map_or(0, count)).collect();
    assert_eq!(holds, [1, 0, 0, 0], "{copies:?}");
    assert_eq!(copies[0]["holds"][0]["reason"], "audit");
    sandbox.run(&["delete", &held, "--yes", "--repository", "other"]).expect(4).says(&["is held: audit"]);
    assert_whole(&sandbox, "other");
}

#[test]
fn a_suspicious_snapshot_stays_so() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(3_000));
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id > 10");
    sandbox.done(&["backup", "app.db"]);
    sandbox.done(&["copy", "--to", "other", "--create"]);
    let [first, second] = <[Value; 2]>::try_from(listed(&sandbox, "other")).expect("two");
    assert_eq!(second["suspicious_after"], first["id"], "{second}");
    sandbox.done(&["release", text(&second["origin"], "snapshot")]);
    sandbox.done(&["copy", "--to", "other"]);
    assert_eq!(listed(&sandbox, "other")[1]["looked_at"], true);
}

#[test]
fn damaged_snapshots_are_named_and_the_rest_is_copied() {
    let sandbox = Sandbox::new();
    for (name, rows) in [("a", 2_000), ("b", 3_000)] {
        sandbox.sql(&format!("{name}.db"), &filled(rows));
        sandbox.done(&["backup", &format!("{name}.db")]);
    }
    sandbox.sql("a.db", "DELETE FROM events");
    sandbox.done(&["backup", "a.db"]);
    let made = listed(&sandbox, "rowkeep-repository");
    // The pack of the second backup, and the manifest of the third.
    let second = sandbox.path("second");
    std::fs::create_dir(&second).expect("made");
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    let newest_but_one = {
        let mut by_time = packs.clone();
        by_time.sort_by_key(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).expect("a time"));
        by_time[1].clone()
    };
    std::fs::remove_file(newest_but_one).expect("it is there");
    let id = text(&made[2], "id");
    std::fs::write(sandbox.path(&format!("rowkeep-repository/snapshots/{id}")), "x").expect("written");
    let copied = sandbox.run(&["copy", "--to", "other", "--create"]).expect(1);
    for one in [&made[1], &made[2]] {
        assert!(copied.err.contains(&text(one, "id")[..8]), "{copied:?}");
    }
    assert!(copied.out.contains("2 snapshots NOT copied"), "{copied:?}");
    let there = listed(&sandbox, "other");
    assert_eq!(there.iter().map(|copy| &copy["origin"]["snapshot"]).collect::<Vec<_>>(), [&made[0]["id"]]);
    assert_whole(&sandbox, "other");
    let again = sandbox.json_of(1, &["copy", "--to", "other"]);
    assert_eq!((count(&again["copied"]), count(&again["failed"])), (0, 2), "{again}");
}

#[test]
fn what_cannot_be_meant_or_opened_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    let copy = |args: &[&str]| sandbox.run(&[&["copy"], args].concat());
    copy(&[]).expect(2);
    copy(&["--to", "rowkeep-repository"]).expect(2).says(&["is the repository that is copied from"]);
    let whole = sandbox.path("rowkeep-repository");
    copy(&["--to", &format!("file://{}", whole.display())]).expect(2);
    copy(&["--to", "nowhere"]).expect(1).says(&["there is no repository at nowhere", "--create"]);
    copy(&["--to", "app.db"]).expect(1);
    copy(&["--to", "ftp://example.org/x"]).expect(2).says(&["the known kinds are"]);
    assert!(!sandbox.path("nowhere").exists());
    // A key of its own, and no other.
    sandbox.done(&["copy", "--to", "other", "--create"]);
    let key = sandbox.path("other.key");
    copy(&["--to", "other", "--to-key-file", "rowkeep-repository.key"])
        .expect(4)
        .says(&["cannot open the repository at other", "ROWKEEP_TO_PASSPHRASE"]);
    std::fs::rename(&key, sandbox.path("elsewhere.key")).expect("moved");
    copy(&["--to", "other"]).expect(4).says(&["--to-key-file"]);
    copy(&["--to", "other", "--to-key-file", "elsewhere.key"]).expect(0);
    // A passphrase is not that of the source.
    let with = |passphrase: &str, args: &[&str]| {
        let mut command = sandbox.command(&[&["copy", "--to", "third"], args].concat());
        crate::sandbox::Ran::of(&command.env("ROWKEEP_TO_PASSPHRASE", passphrase).output().expect("it runs"))
    };
    with("correct horse", &["--create"]).expect(0);
    with("battery staple", &[]).expect(4).says(&["ROWKEEP_TO_PASSPHRASE"]);
    with("correct horse", &[]).expect(0);
    assert!(!sandbox.path("third.key").exists());
    // One that is another than it was is refused.
    copy_folder(&sandbox.path("third"), &sandbox.path("kept"));
    std::fs::remove_dir_all(sandbox.path("third")).expect("it is there");
    with("correct horse", &["--create"]).expect(4).says(&["was before"]);
}

#[test]
fn killed_copies_go_on() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(60_000));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    sandbox.done(&["init", "--repository", "other"]);
    let started = Instant::now();
    sandbox.done(&["copy", "--to", "whole", "--create", "--quiet"]);
    let one = started.elapsed();
    let mut numbers = Numbers(20_261_129);
    let mut killed = 0;
    for round in 0..12 {
        let mut command = sandbox.command(&["copy", "--to", "other"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be run");
        let began = Instant::now();
        let moment = one.mul_f64(numbers.below(1000) as f64 / 1500.0);
        while began.elapsed() < moment && child.try_wait().expect("its state is known").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().expect("its state is known").is_none() {
            child.kill().expect("it can be killed");
            killed += 1;
        }
        child.wait().expect("it ends");
        for shown in listed(&sandbox, "other") {
            let _ = std::fs::remove_file(sandbox.path("copy.db"));
            on_other(&sandbox, &["restore", text(&shown, "id"), "--to", "copy.db"]);
        }
        if round % 3 == 0 {
            sandbox.sql(
                "app.db",
                &format!("UPDATE events SET payload = randomblob(120) WHERE id % 4 = {}", round / 3),
            );
            sandbox.done(&["backup", "app.db", "--quiet"]);
        }
    }
    assert!(killed > 2, "{killed} of 12 were killed");
    for repository in ["other", "whole"] {
        sandbox.done(&["copy", "--to", repository]);
        assert_eq!(listed(&sandbox, repository).len(), 5);
    }
    let checked = on_other(&sandbox, &["check", "--read-data"]);
    assert_eq!(count(&checked["damage"]), 0, "{checked}");
    let size = |repository: &str| -> u64 {
        let packs = files_below(&sandbox.path(&format!("{repository}/packs")));
        let whole = packs.iter().filter(|path| !path.to_string_lossy().contains('#'));
        whole.map(|path| std::fs::metadata(path).expect("it is there").len()).sum()
    };
    assert!(size("other") < size("whole") * 11 / 10, "{} in place of {}", size("other"), size("whole"));
}

#[test]
fn what_was_done_after_a_copy_is_known_with_the_next() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "DELETE FROM t");
    sandbox.done(&["restore", "latest", "--to", "app.db", "--yes"]);
    let applied = |repository: &str| -> Vec<std::path::PathBuf> {
        let entries = files_below(&sandbox.path(&format!("{repository}/ledger")));
        entries.into_iter().filter(|path| path.to_string_lossy().contains("/applied-")).collect()
    };
    let [entry] = <[_; 1]>::try_from(applied("rowkeep-repository")).expect("one");
    // As if it were copied while the restore is at work.
    std::fs::remove_file(&entry).expect("it is there");
    sandbox.done(&["copy", "--to", "other", "--create"]);
    assert!(applied("other").is_empty());
    std::fs::write(&entry, "").expect("written");
    for _ in 0..2 {
        sandbox.done(&["copy", "--to", "other"]);
        assert_eq!(applied("other").len(), 1);
    }
    assert_whole(&sandbox, "other");
}

#[test]
fn copies_at_the_same_time_do_each_other_no_harm() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20_000));
    for round in 0..3 {
        sandbox.done(&["backup", "app.db"]);
        sandbox.sql("app.db", &format!("UPDATE events SET payload = randomblob(120) WHERE id % 9 = {round}"));
    }
    sandbox.done(&["init", "--repository", "other"]);
    let copy = || {
        let mut command = sandbox.command(&["copy", "--to", "other"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be run")
    };
    for mut child in [copy(), copy(), copy()] {
        assert!(child.wait().expect("it ends").success());
    }
    let shown = listed(&sandbox, "other");
    for made in listed(&sandbox, "rowkeep-repository") {
        assert!(shown.iter().any(|copy| copy["origin"]["snapshot"] == made["id"]), "{made}");
    }
    for copy in &shown {
        let _ = std::fs::remove_file(sandbox.path("copy.db"));
        on_other(&sandbox, &["restore", text(copy, "id"), "--to", "copy.db"]);
    }
    let again = sandbox.json(&["copy", "--to", "other"]);
    assert_eq!(count(&again["copied"]), 0, "{again}");
    let checked = on_other(&sandbox, &["check", "--read-data"]);
    assert_eq!(count(&checked["damage"]), 0, "{checked}");
}
