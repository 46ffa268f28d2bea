//! What people see.

use crate::sandbox::{Sandbox, filled};

#[test]
fn the_demo_tells_the_whole_loop() {
    let sandbox = Sandbox::bare();
    let told = sandbox.done(&["demo"]).out;
    for words in ["created a repository", "customers", "rows differ", "equal:", "orders", "no damage"] {
        assert!(told.contains(words), "{words:?} is not in:\n{told}");
    }
    assert_eq!(crate::sandbox::files_below(&sandbox.path("")), Vec::<std::path::PathBuf>::new());
}

/// What is set for somebody's own repository is neither used by the demo nor in its way.
#[test]
fn the_demo_goes_by_nothing_of_the_environment() {
    let sandbox = Sandbox::bare();
    std::fs::write(sandbox.path("rowkeep.toml"), "no configuration").expect("the file can be written");
    let mut demo = sandbox.command(&["demo"]);
    for (name, value) in [
        ("ROWKEEP_REPOSITORY", "s3://nobodys/repository"),
        ("ROWKEEP_PASSPHRASE", "a passphrase of another repository"),
        ("ROWKEEP_PASSPHRASE_FILE", "missing"),
        ("ROWKEEP_KEY_FILE", "missing"),
        ("ROWKEEP_CONFIG", "rowkeep.toml"),
        ("AWS_ACCESS_KEY_ID", "nobodys"),
    ] {
        demo.env(name, value);
    }
    let told = crate::sandbox::Ran::of(&demo.output().expect("it runs")).expect(0);
    assert!(told.out.contains("no damage"), "{told:?}");
    assert_eq!(crate::sandbox::files_below(&sandbox.path("")), [sandbox.path("rowkeep.toml")]);
}

#[test]
fn every_command_explains_itself() {
    let sandbox = Sandbox::new();
    let help = sandbox.done(&["--help"]).out;
    let explained = sandbox.done(&["restore", "--help"]).out;
    assert!(explained.contains("`rowkeep undo` reverts it"), "{explained}");
    assert!(help.contains("Exit status: 0 done, 1 failed, 2 usage, 3 differences or damage"), "{help}");
    for command in [
        "demo",
        "init",
        "backup",
        "snapshots",
        "show",
        "restore",
        "verify",
        "check",
        "repair",
        "check-data",
        "drill",
        "assess",
        "delete",
        "key",
        "doctor",
        "completions",
    ] {
        assert!(help.contains(command), "{command} is not in:\n{help}");
        let long = sandbox.done(&[command, "--help"]).out;
        let short = sandbox.done(&[command, "-h"]).out;
        let summary = |text: &str| text.lines().next().map(|line| line.trim_end_matches('.').to_owned());
        assert_eq!(summary(&long), summary(&short), "{command}");
        assert!(short.lines().all(|line| line.chars().count() <= 100), "{command}: {short}");
    }
    assert!(sandbox.done(&["completions", "bash"]).out.contains("rowkeep"));
}

#[test]
fn silence_is_silent() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    for args in [
        &["backup", "app.db", "--quiet"][..],
        &["snapshots", "-q"],
        &["check", "-q"],
        &["restore", "latest", "--to", "c.db", "-q"],
    ] {
        let ran = sandbox.done(args);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{args:?}");
    }
}

#[test]
fn json_is_all_that_is_printed() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    for args in [
        &["init"][..],
        &["backup", "app.db"],
        &["snapshots"],
        &["show", "latest"],
        &["restore", "latest", "--to", "c.db"],
        &["verify", "latest", "--against", "c.db"],
        &["check", "--read-data"],
        &["doctor", "app.db"],
        &["key", "list"],
        &["delete", "latest", "--yes"],
    ] {
        sandbox.json(args);
    }
}

#[test]
fn the_doctor_sees_a_healthy_database() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    let told = sandbox.done(&["doctor", "app.db"]).out;
    assert!(told.contains("ok") && told.contains("free space") && !told.contains("ERROR"), "{told}");
}

#[test]
fn the_doctor_tries_the_store_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    sandbox.done(&["backup", "app.db"]);
    for named in [&["--repository"][..], &["--repository", "rowkeep-repository"]] {
        let told = sandbox.done(&[&["doctor"], named].concat()).out;
        for words in [
            "rowkeep-repository\n",
            "ok       conditional create: exactly one won",
            "ok       delete: they are gone",
            "ok       free space: ",
            "everything that the probe wrote is removed",
        ] {
            assert!(told.contains(words), "{words:?} is not in:\n{told}");
        }
        assert!(!told.contains("ERROR") && !told.contains("warning"), "{told}");
        assert!(!sandbox.path("rowkeep-repository/probe").exists());
    }
    let outcome = sandbox.json(&["doctor", "--repository"]);
    assert_eq!(outcome["healthy"], true, "{outcome:#}");
    let findings = outcome["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["tried"].is_string() && finding["seen"].is_string()));
    sandbox.done(&["check", "--read-data"]);
    sandbox.run(&["doctor", "--repository", "elsewhere"]).expect(1).says(&["no repository at elsewhere"]);
    // With a database, that is checked.
    let told = sandbox.done(&["doctor", "app.db", "--repository", "rowkeep-repository"]).out;
    assert!(told.contains("app.db") && !told.contains("conditional create"), "{told}");
}

#[test]
fn rates_have_a_unit() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    sandbox.done(&["backup", "app.db", "--max-rate", "50MB/s", "--max-upload-rate", "100MB/s"]);
    sandbox.done(&["verify", "latest", "--against", "app.db", "--limit-download", "100 MiB"]);
    for rate in [["--max-rate", "20"], ["--limit-upload", "1000"], ["--max-download-rate", "0MB"]] {
        let refused = sandbox.run(&["backup", "app.db", rate[0], rate[1]]).expect(2);
        refused.says(&["write it with its unit, such as 10MB/s"]);
    }
    std::fs::write(sandbox.path("rowkeep.toml"), "[store]\nmax_rate = '10'\n").expect("it is written");
    sandbox.run(&["snapshots"]).expect(2).says(&["rowkeep.toml: store: max_rate: \"10\" is no rate"]);
}

#[test]
fn a_store_that_nobody_can_write_to_is_no_store_for_backups() {
    let sandbox = Sandbox::new();
    // In the place of the folder that the probe would make.
    std::fs::write(sandbox.path("rowkeep-repository/probe"), "a file").expect("it is written");
    let failed = sandbox.run(&["doctor", "--repository"]).expect(1);
    assert!(failed.out.contains("ERROR    write: "), "{failed:?}");
    assert!(failed.out.contains("means: no backup can be stored; restores and checks work"), "{failed:?}");
}

/// Whoever reads a result may go away; a result that could not be written whole is a failure. Nothing panics.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    use std::fs::OpenOptions;

    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", &filled(50));
    sandbox.done(&["backup", "shop.db"]);
    for arguments in [
        &["snapshots"][..],
        &["snapshots", "--json"],
        &["backup", "shop.db", "--json"],
        &["diff", "latest", "shop.db", "--json"],
        &["completions", "bash"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let ran = sandbox.command(arguments).stdout(full).output().expect("it can be run");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.matches("cannot write the result").count(), 1, "{arguments:?}: {said}");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ran = sandbox.command(arguments).stdout(writer).output().expect("it can be run");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{arguments:?}: {said}");
    }
}
