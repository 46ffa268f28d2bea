//! Which restore is the last: one chain of what was really done, undo included.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::sandbox::{Sandbox, files_below};
use crate::subjects::on_each;

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')";
const ROWS: &str = "SELECT v FROM t ORDER BY id";

fn id_of(listed: &serde_json::Value) -> String {
    listed["id"].as_str().expect("it has an id").to_owned()
}

/// The last safety snapshot.
fn last_safety(sandbox: &Sandbox) -> String {
    let list = sandbox.json(&["snapshots"]);
    let safety =
        list["snapshots"].as_array().expect("a list").iter().rfind(|one| one.get("before").is_some());
    id_of(safety.expect("there is one"))
}

#[test]
fn the_next_undo_takes_back_the_undo_before() {
    on_each("rowkeep_cli_chain", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        subject.sql("UPDATE t SET v = 'two' WHERE id = 2");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        let first = sandbox.json(&["snapshots"])["snapshots"][1].clone();
        for expected in ["x\ntwo", "x\ny", "x\ntwo", "x\ny"] {
            let undone = sandbox.done(&["undo", &url, "--yes"]);
            let promised = format!("`rowkeep undo {url}` reverts this");
            assert!(undone.out.contains(&promised), "{promised}: {undone:?}");
            assert_eq!(subject.query(ROWS), expected);
        }
        // One further back has to be named.
        sandbox.done(&["undo", &url, "--yes", "--snapshot", &id_of(&first)]);
        assert_eq!(subject.query(ROWS), "one\ny");
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(subject.query(ROWS), "x\ny");
    });
}

#[test]
fn rows_and_whole_databases_are_one_chain() {
    on_each("rowkeep_cli_chain_whole", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
        sandbox.done(&["restore", "latest", "--to", &url, "--key", "t:1", "--yes"]);
        subject.sql("ALTER TABLE t ADD COLUMN more TEXT");
        sandbox.done(&["restore", "latest", "--to", &url, "--with-schema", "--yes"]);
        let has_more = || subject.schema().contains("more");
        for expected in [true, false, true] {
            sandbox.done(&["undo", &url, "--yes"]);
            assert_eq!((has_more(), subject.query(ROWS)), (expected, "x\ny".to_owned()));
        }
    });
}

#[test]
fn what_was_refused_or_only_planned_is_not_the_last() {
    on_each("rowkeep_cli_chain_refused", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        let is_refused = |command: &[&str], left: &str| {
            let refused = sandbox.run(&[command, &["--yes"]].concat());
            assert!(matches!(refused.status, 1 | 4), "{refused:?}");
            assert_eq!(subject.query(ROWS), left);
        };
        // A row that was changed since stops an undo.
        subject.sql("UPDATE t SET v = 'mine' WHERE id = 1");
        is_refused(&["undo", &url], "mine\ny");
        subject.sql("UPDATE t SET v = 'x' WHERE id = 1");
        // What the database does not take is taken back by itself.
        subject.sql("UPDATE t SET v = 'two' WHERE id = 2; INSERT INTO t VALUES (9, 'y')");
        subject.sql("CREATE UNIQUE INDEX one_of_each ON t (v)");
        is_refused(&["restore", "latest", "--to", &url, "--mode", "update"], "x\ntwo\ny");
        sandbox.done(&["restore", "latest", "--to", &url, "--mode", "merge", "--dry-run"]);
        sandbox.done(&["undo", &url, "--dry-run"]);
        for expected in ["one\ntwo\ny", "x\ntwo\ny"] {
            sandbox.done(&["undo", &url, "--yes"]);
            assert_eq!(subject.query(ROWS), expected);
        }
    });
}

#[test]
fn kept_plans_and_rollbacks_are_links_of_the_chain() {
    on_each("rowkeep_cli_chain_links", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
        let planned = sandbox.json(&["restore", "latest", "--to", &url, "--dry-run"]);
        sandbox.done(&["apply", planned["plan"].as_str().expect("it is kept"), "--yes"]);
        let script = subject.script("UPDATE t SET v = 'two' WHERE id = 2; INSERT INTO nowhere VALUES (1);");
        let words: Vec<&str> = script.iter().map(String::as_str).collect();
        sandbox.run(&[&["migrate", &url, "--"][..], &words].concat()).expect(1);
        assert_eq!(subject.query(ROWS), "x\ny");
        // The rollback, and the undo of it.
        for expected in ["x\ntwo", "x\ny"] {
            sandbox.done(&["undo", &url, "--yes"]);
            assert_eq!(subject.query(ROWS), expected);
        }
        let list = sandbox.json(&["snapshots"]);
        let safeties = list["snapshots"].as_array().expect("a list").iter();
        let first =
            safeties.filter(|one| one.get("before").is_some()).map(id_of).next().expect("there is one");
        sandbox.done(&["undo", &url, "--yes", "--snapshot", &first]);
        assert_eq!(subject.query(ROWS), "one\ny");
    });
}

/// Begins a command that waits for another's lock when its safety snapshot is there, and kills it then.
fn killed_before_anything_changed(sandbox: &Sandbox, command: &[&str]) {
    let safeties = || {
        let list = sandbox.json(&["snapshots"]);
        list["snapshots"].as_array().expect("a list").iter().filter(|one| one.get("before").is_some()).count()
    };
    let before = safeties();
    let writer = Connection::open(sandbox.path("app.db")).expect("it opens");
    writer.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
    let mut child =
        sandbox.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be run");
    let limit = Instant::now() + Duration::from_secs(60);
    while safeties() == before {
        assert!(Instant::now() < limit, "no safety snapshot came");
        assert!(
            child.try_wait().expect("its state is known").is_none(),
            "it ended before it could be killed"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    writer.execute_batch("ROLLBACK").expect("it is free again");
    assert_eq!(safeties(), before + 1, "it was killed too early to clear up");
}

#[test]
fn what_never_happened_is_passed_over() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    let restore = ["restore", "latest", "--to", "app.db", "--yes"];

    // Without any other there is nothing to undo.
    sandbox.sql(
        "app.db",
        "UPDATE t SET v = 'one' WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (3, 'z')",
    );
    killed_before_anything_changed(&sandbox, &restore);
    sandbox.run(&["undo", "app.db", "--yes"]).expect(2).says(&["never done", "no restore to undo"]);
    assert_eq!(sandbox.query("app.db", ROWS), "one\nz");

    // With one before it, that is what is undone.
    sandbox.done(&restore);
    sandbox.sql("app.db", "INSERT INTO t VALUES (4, 'w')");
    killed_before_anything_changed(&sandbox, &restore);
    sandbox.done(&["undo", "app.db", "--yes"]).says(&["never done"]);
    assert_eq!(sandbox.query("app.db", ROWS), "one\nz\nw");
    sandbox.done(&["check"]);
}

#[test]
fn an_undo_that_never_happened_is_passed_over() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "UPDATE t SET v = 'one' WHERE id = 1");
    sandbox.done(&["restore", "latest", "--to", "app.db", "--yes"]);
    killed_before_anything_changed(&sandbox, &["undo", "app.db", "--yes"]);
    sandbox.done(&["undo", "app.db", "--yes"]).says(&["never done"]);
    assert_eq!(sandbox.query("app.db", ROWS), "one\ny");
}

#[test]
fn a_replacement_that_perhaps_never_happened_has_to_be_named() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "ALTER TABLE t ADD COLUMN more");
    killed_before_anything_changed(
        &sandbox,
        &["restore", "latest", "--to", "app.db", "--with-schema", "--yes"],
    );
    sandbox.sql("app.db", "INSERT INTO t (id, v) VALUES (9, 'later')");
    sandbox.run(&["undo", "app.db", "--yes"]).expect(4).says(&["perhaps never done", "--snapshot"]);
    assert_eq!(sandbox.query("app.db", ROWS), "x\ny\nlater");
    sandbox.done(&["undo", "app.db", "--yes", "--snapshot", &last_safety(&sandbox)]);
    assert_eq!(sandbox.query("app.db", ROWS), "x\ny");
}

/// As if the process was killed between the database's commit and the entry in the ledger.
#[test]
fn what_happened_and_was_not_recorded_is_found_by_its_rows() {
    on_each("rowkeep_cli_chain_rows", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        for harm in [
            "UPDATE t SET v = 'one' WHERE id = 1",
            "DELETE FROM t WHERE id = 2",
            "INSERT INTO t VALUES (3, 'z')",
        ] {
            subject.sql(harm);
            let harmed = subject.query(ROWS);
            sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
            let entries = files_below(&sandbox.path("rowkeep-repository/ledger"));
            let entries: Vec<_> =
                entries.iter().filter(|path| path.to_string_lossy().contains("applied-")).collect();
            assert!(!entries.is_empty());
            entries.iter().for_each(|path| fs::remove_file(path).expect("it is removed"));
            let undone = sandbox.done(&["undo", &url, "--yes"]);
            assert!(!undone.err.contains("never done"), "{undone:?}");
            assert_eq!(subject.query(ROWS), harmed, "{harm}");
            sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        }
        sandbox.done(&["check"]);
    });
}

#[test]
fn what_kept_nothing_is_still_what_was_done_last() {
    on_each("rowkeep_cli_chain_kept_nothing", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        let restore = ["restore", "latest", "--to", &url, "--yes"];
        let is_refused = |why: &str, left: &str| {
            sandbox.run(&["undo", &url, "--yes"]).expect(4).says(&["cannot be undone", why]);
            assert_eq!(subject.query(ROWS), left);
        };
        let dropped = || subject.sql("DROP TABLE t");
        let gone = || fs::remove_file(sandbox.path(&url)).expect("it is removed");
        let mut emptied: Vec<&dyn Fn()> = vec![&dropped];
        if subject.is_file() {
            emptied.push(&gone);
        }
        for empty in emptied {
            subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
            sandbox.done(&restore);
            empty();
            sandbox.done(&restore);
            is_refused("was restored without a safety snapshot", "x\ny");
        }
        // Whoever names what was done before that means it.
        sandbox.done(&["undo", &url, "--yes", "--snapshot", &last_safety(sandbox)]);
        assert_eq!(subject.query(ROWS), "one\ny");
        sandbox.done(&[&restore[..], &["--no-safety"]].concat());
        is_refused("was restored without a safety snapshot", "x\ny");
        subject.sql("ALTER TABLE t ADD COLUMN more TEXT");
        sandbox.done(&[&restore[..], &["--with-schema"]].concat());
        sandbox.done(&["undo", &url, "--yes", "--no-safety"]);
        assert!(subject.schema().contains("more"));
        is_refused("was undone without a safety snapshot", "x\ny");
        sandbox.done(&["check"]);
        // The copies of safety snapshots in another repository know of it too.
        sandbox.done(&["--repository", "other", "init"]);
        sandbox.done(&["copy", "--to", "other"]);
        sandbox
            .run(&["--repository", "other", "undo", &url, "--yes"])
            .expect(4)
            .says(&["was undone without a safety snapshot"]);
        // Nor does it become forgotten with the safety snapshot before it: what was done earlier still is not the last.
        sandbox.done(&["delete", &last_safety(sandbox), "--yes"]);
        is_refused("was restored without a safety snapshot", "x\ny");
        sandbox.done(&["check"]);
    });
}

/// The entries of the ledger of one kind.
fn entries(sandbox: &Sandbox, kind: &str) -> Vec<PathBuf> {
    let mut entries = files_below(&sandbox.path("rowkeep-repository/ledger"));
    entries.retain(|path| path.to_string_lossy().contains(&format!("/{kind}-")));
    entries
}

#[test]
fn what_was_left_alone_is_not_undone() {
    on_each("rowkeep_cli_chain_left_alone", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        let restore = ["restore", "latest", "--to", &url];
        let restored = || sandbox.done(&[&restore[..], &["--yes"]].concat());
        let undone = |said: &[&str], left: &str| {
            let undone = sandbox.done(&["undo", &url, "--yes"]);
            said.iter().for_each(|said| assert!(undone.out.contains(said), "{said}: {undone:?}"));
            assert_eq!(subject.query(ROWS), left);
        };
        let plan = |command: &[&str]| {
            let planned = sandbox.json(&[command, &["--dry-run"]].concat());
            planned["plan"].as_str().expect("it is kept").to_owned()
        };

        // Somebody has put the row back already.
        sandbox.done(&["backup", &url]);
        subject.sql("INSERT INTO t VALUES (3, 'z')");
        restored();
        subject.sql("INSERT INTO t VALUES (3, 'z')");
        undone(&["1 already up to date"], "x\ny\nz");
        undone(&[], "x\ny\nz");

        // Of two rows, one is as it was already; by a plan that was kept as well.
        subject.sql("DELETE FROM t WHERE id = 3; UPDATE t SET v = 'one' WHERE id = 1; UPDATE t SET v = 'two' WHERE id = 2");
        restored();
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1");
        undone(&["1 updated", "1 already up to date"], "one\ntwo");
        sandbox.done(&["apply", &plan(&["undo", &url]), "--yes"]);
        assert_eq!(subject.query(ROWS), "one\ny");

        // Whoever was killed before that was recorded finds it out by the rows that were kept.
        subject.sql("UPDATE t SET v = 'x' WHERE id = 1; DELETE FROM t WHERE id = 2");
        let kept = plan(&restore);
        subject.sql("INSERT INTO t VALUES (2, 'y')");
        let applied = sandbox.done(&["apply", &kept, "--yes"]);
        assert!(applied.out.contains("1 already up to date"), "{applied:?}");
        for kind in ["left", "applied"] {
            let entries = entries(sandbox, kind);
            assert!(!entries.is_empty(), "{kind}");
            entries.iter().for_each(|path| fs::remove_file(path).expect("it is removed"));
        }
        undone(&[], "x\ny");

        // A row that was skipped is nothing that an undo stops at; neither in a copy.
        subject.sql("UPDATE t SET v = 'one' WHERE id = 1; UPDATE t SET v = 'two' WHERE id = 2");
        let kept = plan(&[&restore[..], &["--conflict", "skip"]].concat());
        subject.sql("UPDATE t SET v = 'mine' WHERE id = 1");
        let applied = sandbox.done(&["apply", &kept, "--yes"]);
        assert!(applied.out.contains("1 skipped"), "{applied:?}");
        assert_eq!(subject.query(ROWS), "mine\ny");
        sandbox.done(&["--repository", "other", "init"]);
        sandbox.done(&["copy", "--to", "other"]);
        sandbox.done(&["--repository", "other", "undo", &url, "--yes"]);
        assert_eq!(subject.query(ROWS), "mine\ntwo");
        sandbox.done(&["check"]);
        assert_eq!(entries(sandbox, "left").len(), 1);
        sandbox.done(&["delete", &last_safety(sandbox), "--yes"]);
        assert_eq!(entries(sandbox, "left").len(), 0);
    });
}

#[test]
fn the_record_goes_with_its_snapshot() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "DELETE FROM t");
    sandbox.done(&["restore", "latest", "--to", "app.db", "--yes"]);
    let safety = last_safety(&sandbox);
    let entry = sandbox.path(&format!("rowkeep-repository/ledger/applied-{safety}"));
    assert!(entry.exists());
    sandbox.done(&["check"]);
    sandbox.done(&["delete", &safety, "--yes"]);
    assert!(!entry.exists());
    sandbox.run(&["undo", "app.db", "--yes"]).expect(2).says(&["no restore to undo"]);
}

#[test]
fn names_that_mean_something_else_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    let made = sandbox.json(&["backup", "app.db"]);
    let id = id_of(&made["snapshots"][0]);
    for name in [
        &id,
        &id[..8],
        &id[..4],
        "live",
        "live:app",
        "latest",
        "latest:app",
        "",
        "sqlite:app.db",
        "postgres://h/d",
    ] {
        let refused = sandbox.run(&["backup", "app.db", "--name", name]).expect(2);
        assert!(refused.err.contains("cannot be named"), "{refused:?}");
    }
    // What looks like an id and is none may be meant as a date.
    let date = if id.starts_with("2026") { "20251128" } else { "20261128" };
    sandbox.done(&["backup", "app.db", "--name", date]);
    sandbox.done(&["show", date]);
    for name in ["live", "latest", "'live:app'", "'latest:app'"] {
        let config = format!("[databases.{name}]\nurl = 'app.db'");
        fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
        sandbox.run(&["backup"]).expect(2).says(&["cannot be named"]);
    }
    fs::write(sandbox.path("rowkeep.toml"), "[databases.app]\nurl = 'app.db'").expect("it is written");
    sandbox.run(&["backup", "--name", "app"]).expect(2).says(&["cannot be named"]);
}

/// The command between backticks in what was printed, without the name of the program.
fn promised(out: &str) -> Vec<String> {
    let command = out.split('`').nth(1).unwrap_or_else(|| panic!("no command in {out}"));
    command.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn the_command_that_is_printed_does_what_it_says() {
    let config = "repository = 'configured'\n[databases.shop]\nurl = 'app.db'";
    for (options, restore) in [
        (&[][..], &["--to", "app.db"][..]),
        (&["--repository", "elsewhere"], &["--to", "app.db"]),
        (&["--config", "other.toml"], &["--to", "shop"]),
        (&["--config", "other.toml"], &[]),
        (&["--config", "other.toml", "--repository", "elsewhere"], &["--to", "app.db", "--key", "t:1"]),
        (&[], &["--to", "app.db", "--with-schema"]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.sql("app.db", T);
        fs::write(sandbox.path("other.toml"), config).expect("it is written");
        if !options.is_empty() {
            sandbox.done(&[&["init"][..], options].concat());
        }
        sandbox.done(&[&["backup", "app.db"][..], options].concat());
        sandbox.sql("app.db", "UPDATE t SET v = 'one' WHERE id = 1");
        let restored = sandbox.done(&[&["restore", "latest", "--yes"][..], restore, options].concat());
        let command = promised(&restored.out);
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--yes"]).collect();
        let undone = sandbox.done(&words);
        assert_eq!(sandbox.query("app.db", ROWS), "one\ny", "{command:?}");
        let again = promised(&undone.out);
        let words: Vec<&str> = again.iter().map(String::as_str).chain(["--yes"]).collect();
        sandbox.done(&words);
        assert_eq!(sandbox.query("app.db", ROWS), "x\ny", "{again:?}");
    }
}
