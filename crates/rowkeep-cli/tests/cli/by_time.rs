//! A time in the place of a state, under every command that takes one.

use crate::sandbox::Sandbox;
use crate::subjects::on_each;

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x')";

#[test]
fn every_command_that_takes_a_state_takes_a_time() {
    on_each("rowkeep_cli_by_time", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        let made = sandbox.json(&["backup", &url]);
        let id = made["snapshots"][0]["id"].as_str().expect("it has one").to_owned();
        let name = made["snapshots"][0]["database"].as_str().expect("it has one").to_owned();
        subject.sql("INSERT INTO t VALUES (2, 'y')");
        // Of the name and of the URL, also where the URL holds an @ itself.
        for asked in [format!("{name}@2100-01-01"), format!("{url}@2100-01-01 12:00 Europe/London")] {
            let note = format!("is snapshot {}, taken ", &id[..8]);
            let told = |args: &[&str], status: i32| sandbox.run(args).expect(status).says(&[&asked, &note]);
            told(&["show", &asked], 0);
            told(&["diff", &asked, &url], 3);
            told(&["diff", &url, &asked], 3);
            told(&["verify", &asked, "--against", &url], 3);
            told(&["export", &asked, "--to", "-", "--format", "ndjson"], 0);
            told(&["restore", &asked, "--to", &url, "--dry-run"], 0);
            told(&["delete", &asked, "--dry-run"], 0);
            let quiet = sandbox.run(&["show", &asked, "--quiet"]).expect(0);
            assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
            for (status, args) in [
                (0, vec!["show", &asked]),
                (3, vec!["diff", &asked, &url]),
                (3, vec!["verify", &asked, "--against", &url]),
                (0, vec!["restore", &asked, "--to", &url, "--dry-run"]),
                (0, vec!["delete", &asked, "--dry-run", "--quiet"]),
            ] {
                let json = sandbox.json_of(status, &args);
                let at = &json["at_times"][0];
                assert_eq!(at["snapshot"], id, "{args:?}: {json}");
                assert_eq!(at["asked"], asked);
                assert!(at["seconds_before"].as_i64().is_some_and(|before| before > 0), "{at}");
            }
        }
        sandbox.done(&["restore", &format!("{name}@2100-01-01"), "--to", &url, "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM t"), "1");
        let undone = format!("{name}@2100-01-01");
        let refused = sandbox.run(&["undo", &url, "--snapshot", &undone, "--yes"]).expect(2);
        refused.says(&["was not taken before a restore"]);
    });
}

#[test]
fn a_file_that_is_called_like_a_time_is_that_file() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.sql("app.db@2026-11-20", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    sandbox.done(&["backup", "app.db"]);
    let difference = sandbox.json_of(3, &["diff", "latest", "app.db@2026-11-20"]);
    assert_eq!(difference["rows"]["deleted"], 1, "{difference}");
}

#[test]
fn names_that_mean_a_time_are_taken() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    let refused = sandbox.run(&["backup", "app.db", "--name", "app@2026-11-20"]).expect(2);
    refused.says(&["cannot be named app@2026-11-20", "newest snapshot at that time"]);
    sandbox.done(&["backup", "app.db", "--name", "app@work"]);
    for (config, said) in [
        ("[databases.'app@-2h']\nurl = 'app.db'", "a database cannot be named app@-2h"),
        ("timezone = 'Europe/Atlantis'", "no time zone \"Europe/Atlantis\" is known"),
        ("[databases.app]\nurl = 'app.db'\ntimezone = 'GMT+25'", "database app: no time zone"),
    ] {
        std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
        sandbox.run(&["snapshots"]).expect(2).says(&[said]);
    }
}
