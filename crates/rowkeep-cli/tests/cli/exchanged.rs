//! Another repository, or none, in the place of one that this machine remembers.

use crate::sandbox::{Sandbox, copy_folder, files_below, filled};
use crate::secrets::with_passphrase;

const PASSPHRASE: &str = "correct horse";

/// An encrypted repository at `r` with a snapshot of `app.db`, and an unencrypted one that was made elsewhere, at `plain`.
fn two_repositories() -> Sandbox {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "init"]).expect(0);
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "backup", "app.db"]).expect(0);
    sandbox.done(&["-r", "plain", "init", "--no-encryption"]);
    sandbox
}

fn exchange(sandbox: &Sandbox, other: &str) {
    let _ = std::fs::remove_dir_all(sandbox.path("r"));
    copy_folder(&sandbox.path(other), &sandbox.path("r"));
}

#[test]
fn an_exchanged_repository_is_not_written_to_in_the_clear() {
    let sandbox = two_repositories();
    exchange(&sandbox, "plain");
    let before = files_below(&sandbox.path("r"));
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "backup", "app.db"])
        .expect(4)
        .says(&["not encrypted", "where the encrypted repository"]);
    for command in [&["backup", "app.db"][..], &["snapshots"], &["check"], &["delete", "latest"]] {
        let ran = sandbox.run(&[&["-r", "r"], command].concat()).expect(4);
        ran.says(&["not encrypted", "where the encrypted repository", "hint:", "is mounted"]);
    }
    assert_eq!(files_below(&sandbox.path("r")), before);
}

#[test]
fn encryption_that_is_gone_from_the_same_repository_is_noticed() {
    let sandbox = two_repositories();
    let id = |repository: &str| {
        let config = std::fs::read_to_string(sandbox.path(repository).join("config")).expect("it is there");
        let config: serde_json::Value = serde_json::from_str(&config).expect("it is JSON");
        config["id"].as_str().expect("it has an id").to_owned()
    };
    let checksum = format!("rowkeep config 1 {} none", id("r"));
    let config = format!(
        "{{\"format\":1,\"id\":\"{}\",\"encryption\":\"none\",\"checksum\":\"{}\"}}\n",
        id("r"),
        &blake3::hash(checksum.as_bytes()).to_hex()[..32]
    );
    std::fs::write(sandbox.path("r/config"), config).expect("it can be written");
    sandbox.run(&["-r", "r", "backup", "app.db"]).expect(4).says(&["which is not encrypted"]);
}

#[test]
fn another_repository_of_ours_is_not_taken_for_the_one_that_was_there() {
    let sandbox = two_repositories();
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "second", "init"]).expect(0);
    exchange(&sandbox, "second");
    let refused = with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "backup", "app.db"]).expect(4);
    refused.says(&["there is repository", "where the encrypted repository", "delete "]);
    with_passphrase(&sandbox, "another", &["-r", "r", "backup", "app.db"]).expect(4).says(&["where the"]);
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "second", "backup", "app.db"]).expect(0);
}

#[test]
fn a_place_that_is_empty_is_not_begun_anew() {
    let sandbox = two_repositories();
    let with_create = "repository = 'r'\ncreate = true\n";
    std::fs::write(sandbox.path("rowkeep.toml"), with_create).expect("it can be written");
    std::fs::rename(sandbox.path("r"), sandbox.path("away")).expect("it can be moved");
    for is_mount_point in [false, true] {
        if is_mount_point {
            std::fs::create_dir(sandbox.path("r")).expect("it can be made");
        }
        let backup = ["-q", "backup", "app.db"];
        sandbox.run(&backup).expect(4).says(&["there is no repository at r", "is mounted"]);
        with_passphrase(&sandbox, PASSPHRASE, &backup).expect(4).says(&["there is no repository at r"]);
        for init in [&["init"][..], &["init", "--no-encryption"]] {
            sandbox.run(init).expect(4).says(&["there is no repository at r"]);
        }
        assert!(!sandbox.path("r.key").exists() && !sandbox.path("r/config").exists());
    }
    std::fs::remove_dir(sandbox.path("r")).expect("nothing is in it");
    std::fs::rename(sandbox.path("away"), sandbox.path("r")).expect("it can be moved");
    with_passphrase(&sandbox, PASSPHRASE, &["backup", "app.db"]).expect(0);
}

#[test]
fn a_person_can_give_the_old_repository_up() {
    let sandbox = two_repositories();
    std::fs::remove_dir_all(sandbox.path("r")).expect("it can be removed");
    let refused = with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "init"]).expect(4);
    let named =
        refused.err.lines().find_map(|line| line.split_once(", delete ")).expect("it names the file").1;
    let note = named.split_once(", which").map_or(named, |(note, _)| note);
    std::fs::remove_file(note).expect("it is there");
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "init"]).expect(0);
    with_passphrase(&sandbox, PASSPHRASE, &["-r", "r", "backup", "app.db"]).expect(0);
}

#[test]
fn a_home_that_cannot_be_written_to_breaks_nothing() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    std::fs::write(sandbox.path("closed"), "").expect("it can be written");
    std::fs::write(sandbox.path("rowkeep.toml"), "repository = 'r'\n").expect("it can be written");
    let run = |args: &[&str]| {
        let mut command = sandbox.command(args);
        command.env("XDG_STATE_HOME", sandbox.path("closed"));
        crate::sandbox::Ran::of(&command.output().expect("it can be run"))
    };
    assert_eq!(run(&["init"]).expect(0).err, "");
    assert_eq!(run(&["backup", "app.db", "-q"]).expect(0).err, "");
    // Remembered beside the configuration then.
    std::fs::remove_dir_all(sandbox.path("r")).expect("it can be removed");
    run(&["backup", "app.db"]).expect(4);
    // Without a configuration either nothing is remembered.
    std::fs::remove_file(sandbox.path("rowkeep.toml")).expect("it is there");
    run(&["init"]).expect(0);
    run(&["backup", "app.db"]).expect(0);
}
