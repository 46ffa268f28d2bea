//! Damage harms nothing beside it, is not built upon, and is repaired.

use std::path::{Path, PathBuf};

use crate::sandbox::{Ran, Sandbox, copy_folder, files_below, filled};

const REPOSITORY: &str = "rowkeep-repository";

fn objects(sandbox: &Sandbox, folder: &str) -> Vec<PathBuf> {
    files_below(&sandbox.path(REPOSITORY).join(folder))
}

/// What is in a folder now and was not before.
fn new_since(sandbox: &Sandbox, folder: &str, before: &[PathBuf]) -> PathBuf {
    let new = objects(sandbox, folder).into_iter().find(|object| !before.contains(object));
    new.expect("something was written")
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).expect("it can be read");
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 4;
    std::fs::write(file, bytes).expect("it can be written");
}

fn restores(sandbox: &Sandbox, database: &str) {
    let _ = std::fs::remove_file(sandbox.path("copy.db"));
    let latest = format!("latest:{database}");
    sandbox.done(&["restore", &latest, "--to", "copy.db"]);
    sandbox.done(&["verify", &latest, "--against", &format!("{database}.db")]);
}

#[test]
fn one_damaged_snapshot_harms_no_other() {
    let sandbox = Sandbox::new();
    sandbox.sql("a.db", &filled(20));
    sandbox.sql("b.db", &filled(30));
    sandbox.done(&["backup", "a.db"]);
    let damaged = objects(&sandbox, "snapshots").remove(0);
    sandbox.done(&["backup", "b.db"]);
    flip(&damaged, 60);
    let id = damaged.file_name().and_then(|name| name.to_str()).expect("it is named").to_owned();

    let listed = sandbox.run(&["snapshots"]).expect(3);
    assert!(
        listed.out.contains("b  ") && listed.out.contains(&format!("cannot read snapshot {id}")),
        "{listed:?}"
    );
    sandbox.done(&["backup", "b.db"]);
    restores(&sandbox, "b");
    sandbox.done(&["history", "events", "5", "b.db"]);
    sandbox.run(&["restore", "latest:a", "--to", "none.db"]).expect(3).says(&["damaged", "rowkeep repair"]);
    sandbox.run(&["check"]).expect(3);
    sandbox.done(&["delete", &id, "--yes"]);
    sandbox.done(&["check"]);
    sandbox.done(&["snapshots"]);
}

#[test]
fn the_newest_that_can_be_read_is_the_latest() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20));
    sandbox.done(&["backup", "app.db", "--name", "older"]);
    let before = objects(&sandbox, "snapshots");
    sandbox.done(&["backup", "app.db"]);
    let newest = new_since(&sandbox, "snapshots", &before);
    flip(&newest, 70);
    let restored = sandbox.done(&["restore", "latest", "--to", "copy.db"]);
    restored
        .says(&["warning: cannot read snapshot", newest.file_name().and_then(|n| n.to_str()).expect("text")]);
    sandbox.done(&["verify", "older", "--against", "copy.db"]);
}

#[test]
fn chunks_that_cannot_be_read_are_not_built_upon() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(2000));
    sandbox.done(&["backup", "app.db"]);
    flip(&objects(&sandbox, "packs")[0], 3000);
    let again = sandbox.done(&["backup", "app.db", "--json"]);
    again.says(&["damaged", "rowkeep repair"]);
    restores(&sandbox, "app");
    // Known from now on, without all data being read.
    let checked = sandbox.run(&["check"]).expect(3);
    assert!(checked.out.contains("packs/"), "{checked:?}");
    sandbox.done(&["repair", "--yes"]);
    sandbox.done(&["check", "--read-data"]);
    restores(&sandbox, "app");
}

#[test]
fn what_a_check_doubted_is_looked_at_by_the_next_backup() {
    let sandbox = Sandbox::new();
    // More than a backup looks at unasked.
    sandbox.sql("app.db", &filled(60_000));
    sandbox.done(&["backup", "app.db"]);
    let pack = objects(&sandbox, "packs").remove(0);
    let middle = std::fs::metadata(&pack).expect("it is there").len() as usize / 2;
    flip(&pack, middle);
    sandbox.run(&["check", "--read-data"]).expect(3);
    let stored = sandbox.json(&["backup", "app.db"])["snapshots"][0]["new_bytes"].as_u64();
    assert!(stored > Some(10_000), "{stored:?}: the damaged chunk is stored again");
    restores(&sandbox, "app");
    sandbox.run(&["check"]).expect(3);
    sandbox.done(&["repair", "--yes"]);
    sandbox.done(&["check", "--read-data"]);
}

#[test]
fn lost_chunks_come_back_from_the_database() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(3000));
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    let pack = objects(&sandbox, "packs").remove(0);
    sandbox.done(&["restore", "first", "--to", "before.db"]);
    std::fs::remove_file(&pack).expect("it is there");
    let planned = sandbox.done(&["repair", "app.db", "--dry-run"]).out;
    assert!(planned.contains("read again from app.db") && planned.contains("events"), "{planned}");
    sandbox.run(&["repair", "app.db"]).expect(4).says(&["--yes"]);
    sandbox.run(&["check"]).expect(3);
    let repaired = sandbox.done(&["repair", "app.db", "--yes"]).out;
    assert!(repaired.contains("finds no damage"), "{repaired}");
    sandbox.done(&["check", "--read-data"]);
    sandbox.done(&["verify", "first", "--against", "before.db"]);
    assert!(sandbox.done(&["repair"]).out.contains("nothing to repair"));
}

#[test]
fn what_is_beyond_help_is_named_and_kept() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(500));
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    let pack = objects(&sandbox, "packs").remove(0);
    sandbox.done(&["restore", "first", "--to", "before.db"]);
    sandbox.sql("app.db", "UPDATE events SET what = 'other'; CREATE TABLE more (id INTEGER PRIMARY KEY)");
    sandbox.done(&["backup", "app.db", "--name", "second"]);
    let end = std::fs::metadata(&pack).expect("it is there").len() as usize;
    std::fs::write(&pack, &std::fs::read(&pack).expect("it can be read")[..end / 4]).expect("it is cut");
    let repaired = sandbox.run(&["repair", "app.db", "--yes"]).expect(3).out;
    assert!(repaired.contains("stays incomplete") && repaired.contains("events"), "{repaired}");
    let checked = sandbox.done(&["check", "--read-data"]).out;
    assert!(checked.contains("stays incomplete") && checked.contains("no damage"), "{checked}");
    assert_eq!(objects(&sandbox, "aside/packs").len(), 1);
    sandbox.done(&["verify", "second", "--against", "app.db"]);
    sandbox.run(&["restore", "first", "--to", "copy.db"]).expect(3);
    sandbox.done(&["repair"]);
    // A database that has the rows after all makes it whole, and then it is known as incomplete no more.
    std::fs::copy(sandbox.path("before.db"), sandbox.path("app.db")).expect("it can be copied");
    let repaired = sandbox.done(&["repair", "app.db", "--yes"]).out;
    assert!(!repaired.contains("stays incomplete"), "{repaired}");
    let checked = sandbox.done(&["check", "--read-data"]).out;
    assert!(!checked.contains("stays incomplete"), "{checked}");
    assert!(!is_in_ledger(&sandbox, "incomplete-"));
    sandbox.done(&["verify", "first", "--against", "before.db"]);
}

/// A damaged pack that is put back from another copy of the repository is doubted no more, and backups need not read all of it.
#[test]
fn what_is_put_back_is_doubted_no_more() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(500));
    sandbox.done(&["backup", "app.db"]);
    let pack = objects(&sandbox, "packs").remove(0);
    let whole = std::fs::read(&pack).expect("it can be read");
    flip(&pack, 1000);
    sandbox.run(&["check", "--read-data"]).expect(3);
    assert!(is_in_ledger(&sandbox, "doubt-"));
    std::fs::write(&pack, whole).expect("it can be written");
    sandbox.done(&["check"]);
    assert!(!is_in_ledger(&sandbox, "doubt-"));
    restores(&sandbox, "app");
}

fn is_in_ledger(sandbox: &Sandbox, kind: &str) -> bool {
    let names = objects(sandbox, "ledger");
    names.iter().any(|entry| {
        entry.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(kind))
    })
}

#[test]
fn a_config_is_made_again() {
    for encrypted in [true, false] {
        let sandbox = Sandbox::bare();
        let init: &[&str] = if encrypted { &["init"] } else { &["init", "--no-encryption"] };
        sandbox.done(init);
        sandbox.sql("app.db", &filled(20));
        sandbox.done(&["backup", "app.db"]);
        let config = sandbox.path(REPOSITORY).join("config");
        let whole = std::fs::read(&config).expect("it is there");
        for damaged in [None, Some(&b"what is this"[..]), Some(&whole[..30])] {
            match damaged {
                None => std::fs::remove_file(&config).expect("it is there"),
                Some(bytes) => std::fs::write(&config, bytes).expect("it can be written"),
            }
            sandbox.run(&["snapshots"]).expect(3).says(&["config", "rowkeep repair"]);
            let repaired = sandbox.done(&["repair", "--yes"]).out;
            assert!(repaired.contains("make config again"), "{repaired}");
            assert_eq!(std::fs::read(&config).expect("it is there"), whole);
            let aside = std::fs::read(sandbox.path(REPOSITORY).join("aside/config"));
            assert_eq!(aside.ok().as_deref(), damaged, "what was there is kept");
            sandbox.done(&["check", "--read-data"]);
            restores(&sandbox, "app");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Harm {
    Flipped,
    Cut,
    Missing,
    Foreign,
    /// The same bytes under another name too.
    Doubled,
    /// The bytes of another object of that kind.
    Older,
}

fn inflict(harm: Harm, object: &Path) {
    let bytes = std::fs::read(object).expect("it can be read");
    let write = |bytes: &[u8]| std::fs::write(object, bytes).expect("it can be written");
    match harm {
        Harm::Flipped => flip(object, 90),
        Harm::Cut => write(&bytes[..bytes.len() / 2]),
        Harm::Missing => std::fs::remove_file(object).expect("it is there"),
        Harm::Foreign => write(b"what is this"),
        Harm::Doubled => {
            let name = object.file_name().and_then(|name| name.to_str()).expect("it is named");
            let last = if name.ends_with('0') { "1" } else { "0" };
            let other = format!("{}{last}", &name[..name.len() - 1]);
            std::fs::copy(object, object.with_file_name(other)).map(drop).expect("it can be copied");
        }
        Harm::Older => {
            let siblings = files_below(object.parent().expect("it is in a folder"));
            let other = siblings.into_iter().find(|other| other != object);
            write(&other.map_or(b"older".to_vec(), |other| std::fs::read(other).expect("it can be read")));
        }
    }
}

/// A repository with everything in it, and of each kind an object that belongs to the first backup of `app.db`.
///
/// The other database was there first, so nothing that it needs is in a pack of this one.
fn full() -> (Sandbox, Vec<PathBuf>) {
    let sandbox = Sandbox::new();
    sandbox.sql("other.db", &filled(200));
    sandbox.done(&["backup", "other.db"]);
    sandbox.sql("other.db", "DELETE FROM events WHERE id < 50");
    sandbox.done(&["restore", "latest:other", "--to", "other.db", "--dry-run"]);
    sandbox.done(&["restore", "latest:other", "--to", "other.db", "--yes"]);
    sandbox.sql("app.db", &filled(1500));
    let before = ["packs", "index", "snapshots"].map(|folder| (folder, objects(&sandbox, folder)));
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    let mut harmed: Vec<PathBuf> =
        before.iter().map(|(folder, before)| new_since(&sandbox, folder, before)).collect();
    // All of it, or the second would be stored as differences to the first.
    sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120); DELETE FROM events WHERE id % 7 = 0");
    sandbox.done(&["backup", "app.db"]);
    let slots = objects(&sandbox, "keys");
    sandbox.done(&["key", "add", "--make-key-file", "spare.key"]);
    harmed.push(new_since(&sandbox, "keys", &slots));
    harmed.extend(["summaries", "plans"].map(|folder| objects(&sandbox, folder).remove(0)));
    (sandbox, harmed)
}

/// Every kind of object is harmed in one way at once: what is not harmed is served, and a repair ends clean.
#[test]
fn whatever_is_harmed_the_rest_is_served_and_repair_ends_clean() {
    let (sandbox, harmed) = full();
    copy_folder(&sandbox.path(REPOSITORY), &sandbox.path("whole"));
    std::fs::copy(sandbox.path("other.db"), sandbox.path("other.kept")).expect("it can be copied");
    for harm in [Harm::Flipped, Harm::Cut, Harm::Missing, Harm::Foreign, Harm::Doubled, Harm::Older] {
        std::fs::remove_dir_all(sandbox.path(REPOSITORY)).expect("it is there");
        copy_folder(&sandbox.path("whole"), &sandbox.path(REPOSITORY));
        std::fs::copy(sandbox.path("other.kept"), sandbox.path("other.db")).expect("it can be copied");
        harmed.iter().for_each(|object| inflict(harm, object));
        let run = |args: &[&str], statuses: &[i32]| {
            let ran: Ran = sandbox.run(args);
            assert!(
                statuses.contains(&ran.status) && !ran.err.contains("panicked"),
                "{harm:?} {args:?}: {ran:#?}"
            );
            ran
        };
        let listed = run(&["snapshots"], &[0, 3]);
        assert!(listed.out.contains("other"), "{harm:?}: {listed:?}");
        let checked = run(&["check", "--read-data"], &[3]);
        assert!(checked.out.contains("damage: "), "{harm:?}: {checked:?}");
        run(&["show", "latest:other"], &[0]);
        run(&["plans"], &[0, 3]);
        run(&["diff", "latest:other", "other.db"], &[0]);
        run(&["verify", "latest:other", "--against", "other.db"], &[0]);
        run(&["history", "events", "60", "other.db"], &[0]);
        run(&["history", "events", "60", "app.db"], &[0]);
        run(&["assess", "other.db"], &[0, 3]);
        run(&["key", "list"], &[0]);
        run(&["undo", "other.db", "--yes"], &[0]);
        run(&["backup", "other.db"], &[0]);
        run(&["backup", "app.db"], &[0]);
        restores(&sandbox, "other");
        restores(&sandbox, "app");
        run(&["repair", "app.db", "other.db", "--yes"], &[0, 3]);
        let clean = run(&["check", "--read-data"], &[0]);
        assert!(clean.out.contains("no damage"), "{harm:?}: {clean:?}");
        run(&["snapshots"], &[0]);
        restores(&sandbox, "other");
        restores(&sandbox, "app");
    }
}
