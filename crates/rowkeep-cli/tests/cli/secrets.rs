//! Passphrases, key files, and being locked out.

use crate::sandbox::{Ran, Sandbox, filled};

pub(crate) fn with_passphrase(sandbox: &Sandbox, passphrase: &str, args: &[&str]) -> Ran {
    let output = sandbox.command(args).env("ROWKEEP_PASSPHRASE", passphrase).output().expect("it can be run");
    Ran::of(&output)
}

#[test]
fn a_passphrase_opens_and_another_does_not() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    with_passphrase(&sandbox, "correct horse", &["init"]).expect(0);
    with_passphrase(&sandbox, "correct horse", &["backup", "app.db"]).expect(0);
    assert!(!sandbox.path("rowkeep-repository.key").exists());
    with_passphrase(&sandbox, "correct horse", &["snapshots"]).expect(0);
    with_passphrase(&sandbox, "battery staple", &["snapshots"]).expect(4).says(&["passphrase", "hint:"]);
    sandbox.run(&["snapshots"]).expect(4).says(&["encrypted", "ROWKEEP_PASSPHRASE"]);
}

#[test]
fn key_slots_come_and_go() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    std::fs::write(sandbox.path("old"), "old words\n").expect("it can be written");
    std::fs::write(sandbox.path("new"), "new words\r\nand a second line").expect("it can be written");
    sandbox.done(&["init", "--passphrase-file", "old"]);
    sandbox.done(&["backup", "app.db", "--passphrase-file", "old"]);
    sandbox.done(&[
        "key",
        "add",
        "--make-key-file",
        "spare.key",
        "--label",
        "spare",
        "--passphrase-file",
        "old",
    ]);
    sandbox.done(&["key", "change", "--new-passphrase-file", "new", "--passphrase-file", "old"]);
    sandbox.run(&["snapshots", "--passphrase-file", "old"]).expect(4);
    sandbox.done(&["snapshots", "--passphrase-file", "new"]);
    sandbox.done(&["check", "--read-data", "--key-file", "spare.key"]);
    let slots = sandbox.json(&["key", "list", "--key-file", "spare.key"]);
    let slots = slots["slots"].as_array().expect("a list").clone();
    assert_eq!(slots.len(), 2);
    let passphrase = slots.iter().find(|slot| slot["opened_by"] == "passphrase").expect("there is one");
    let id = passphrase["id"].as_str().expect("an id");
    sandbox.done(&["key", "remove", id, "--key-file", "spare.key"]);
    sandbox.run(&["snapshots", "--passphrase-file", "new"]).expect(4);
    let last = slots.iter().find(|slot| slot["opened_by"] == "key file").expect("there is one");
    let id = last["id"].as_str().expect("an id");
    sandbox.run(&["key", "remove", id, "--key-file", "spare.key"]).expect(4).says(&["last one"]);
    sandbox.done(&["snapshots", "--key-file", "spare.key"]);
}

#[cfg(unix)]
#[test]
fn a_key_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::bare();
    let made = sandbox.done(&["init"]);
    assert!(made.out.contains("Keep a copy"), "{made:?}");
    let mode =
        std::fs::metadata(sandbox.path("rowkeep-repository.key")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
