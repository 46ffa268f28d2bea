//! Bad input has one clear error, the documented status, and leaves everything as it was.

use crate::sandbox::{Sandbox, files_below, filled};

fn refused(sandbox: &Sandbox, args: &[&str], status: i32, words: &[&str]) {
    let ran = sandbox.run(args).expect(status).says(words);
    assert!(ran.err.starts_with("error: ") || ran.err.contains("\nerror: ") || status == 2, "{ran:#?}");
}

#[test]
fn databases_that_are_none() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(2000));
    sandbox.done(&["backup", "app.db"]);
    let before = files_below(&sandbox.path("rowkeep-repository"));

    refused(&sandbox, &["backup", "missing.db"], 1, &["missing.db", "hint:"]);
    refused(&sandbox, &["backup", "app"], 2, &["no database app"]);
    std::fs::write(sandbox.path("letter.txt"), "Dear reader, this is no database. ".repeat(50))
        .expect("written");
    refused(&sandbox, &["backup", "letter.txt"], 1, &["letter.txt"]);
    let noise: Vec<u8> = (0..8192u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(sandbox.path("sealed.db"), noise).expect("written");
    refused(&sandbox, &["backup", "sealed.db"], 1, &["sealed.db", "encrypted"]);
    std::fs::create_dir(sandbox.path("folder.db")).expect("made");
    refused(&sandbox, &["backup", "folder.db"], 2, &["folder.db"]);
    refused(&sandbox, &["backup", "oracle://host/db"], 2, &["no engine for oracle://"]);
    refused(&sandbox, &["backup", "postgres://nobody@127.0.0.1:1/db"], 1, &["127.0.0.1"]);

    let mut bytes = std::fs::read(sandbox.path("app.db")).expect("read");
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xa5);
    std::fs::write(sandbox.path("hurt.db"), bytes).expect("written");
    refused(&sandbox, &["backup", "hurt.db"], 3, &["hurt.db", "malformed"]);

    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
    sandbox.done(&["check", "--read-data"]);
    let snapshots = |files: &[std::path::PathBuf]| {
        files.iter().filter(|file| file.to_string_lossy().contains("snapshots")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(snapshots(&files_below(&sandbox.path("rowkeep-repository"))), snapshots(&before));
}

#[test]
fn repositories_that_are_none() {
    let sandbox = Sandbox::bare();
    refused(&sandbox, &["snapshots"], 1, &["no repository", "rowkeep init"]);
    std::fs::create_dir(sandbox.path("photos")).expect("made");
    std::fs::write(sandbox.path("photos/cat.jpg"), "meow").expect("written");
    refused(&sandbox, &["init", "--repository", "photos"], 1, &["not empty"]);
    assert_eq!(files_below(&sandbox.path("photos")).len(), 1);
    assert!(!sandbox.path("photos.key").exists());
    refused(&sandbox, &["init", "--repository", "ftp://host/x"], 2, &["ftp://"]);

    sandbox.done(&["init"]);
    refused(&sandbox, &["init", "--make-key-file", "second.key"], 1, &["already"]);
    assert!(!sandbox.path("second.key").exists());
    let config = sandbox.path("rowkeep-repository/config");
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(
        &config,
        text.replace("\"format\":2", "\"format\":99").replace("\"format\": 2", "\"format\": 99"),
    )
    .expect("written");
    refused(&sandbox, &["snapshots"], 1, &["version 99", "newer"]);
    std::fs::write(&config, "{").expect("written");
    refused(&sandbox, &["snapshots"], 3, &["config"]);
}

#[test]
fn snapshots_and_targets() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    refused(&sandbox, &["backup", "app.db", "--name", "latest"], 2, &["latest"]);
    sandbox.done(&["backup", "app.db"]);
    refused(&sandbox, &["show", "nothing"], 2, &["no snapshot nothing", "rowkeep snapshots"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id = 3");
    refused(&sandbox, &["restore", "latest", "--to", "app.db"], 4, &["no terminal to ask", "--yes"]);
    refused(&sandbox, &["restore", "latest", "--to", "no/such/folder/x.db"], 1, &["no/such/folder"]);
    refused(&sandbox, &["verify", "latest", "--against", "missing.db"], 1, &["missing.db"]);
    refused(&sandbox, &["backup"], 2, &["no database was given"]);
    sandbox.run(&["frobnicate"]).expect(2);
    sandbox.run(&["check", "--read-data=200"]).expect(2);
    let json = sandbox.run(&["show", "nothing", "--json"]).expect(2);
    assert!(json.out.contains("\"status\":2"), "{json:?}");
}

#[test]
fn a_broken_configuration_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("rowkeep.toml"), "repository = 'r'\n[databases.app\n").expect("written");
    refused(&sandbox, &["snapshots"], 2, &["rowkeep.toml", "line 2"]);
    refused(&sandbox, &["snapshots", "--config", "other.toml"], 1, &["other.toml"]);
}
