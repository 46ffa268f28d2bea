//! Several repositories: a backup goes to all, and what is there is enough when some are not.

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::subjects::{Subject, on_each};

const T: &str = "CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')";

const PLACES: &str = "[[repositories]]\nname = 'here'\nurl = 'backups'\ncreate = true\n\
     [[repositories]]\nname = 'offsite'\nurl = 'elsewhere'\ncreate = true\n";

fn configured(subject: &Subject<'_>) {
    let config = format!("{PLACES}[databases.shop]\nurl = '{}'\n", subject.url());
    std::fs::write(subject.sandbox.path("rowkeep.toml"), config).expect("written");
}

fn in_repository(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let listed = sandbox.json(&["snapshots", "--repository", name]);
    listed["snapshots"].as_array().expect("a list").clone()
}

/// What the snapshots of a repository are copies of, or themselves.
fn origins(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let origin =
        |one: &Value| one["origin"]["snapshot"].as_str().or(one["id"].as_str()).expect("an id").to_owned();
    in_repository(sandbox, name).iter().map(origin).collect()
}

fn away(sandbox: &Sandbox, folder: &str) {
    std::fs::rename(sandbox.path(folder), sandbox.path(&format!("{folder}.away"))).expect("it is there");
}

fn back(sandbox: &Sandbox, folder: &str) {
    std::fs::rename(sandbox.path(&format!("{folder}.away")), sandbox.path(folder)).expect("it is there");
}

#[test]
fn an_import_goes_to_all_and_says_which_do_not_have_it() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("rowkeep.toml"), PLACES).expect("written");
    let import = |day: u32| {
        let text = format!(
            "{{\"timestamp\": \"2024-06-{day}T00:00:00Z\", \"data\": {{\"t\": [{{\"id\": {day}}}]}}}}"
        );
        std::fs::write(sandbox.path("t.json"), text).expect("written");
        sandbox.run(&["import", "t.json", "--as", "shop", "--json"])
    };
    // Also one that is earlier than what is there.
    for day in [20, 10] {
        import(day).expect(0);
    }
    let kept = origins(&sandbox, "here");
    assert_eq!((kept.len(), &kept), (2, &origins(&sandbox, "offsite")));
    away(&sandbox, "elsewhere");
    std::fs::write(sandbox.path("elsewhere"), "no folder").expect("written");
    let told = import(11).expect(1).out;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!(told["behind"][0]["repository"], "offsite", "{told}");
    assert_eq!(told["imported"].as_array().map(Vec::len), Some(1), "{told}");
}

#[test]
fn a_backup_goes_to_all_and_one_that_was_away_is_caught_up() {
    on_each("rowkeep_cli_several", T, |subject| {
        let sandbox = &subject.sandbox;
        configured(subject);
        let made = sandbox.json(&["backup", "--name", "first"]);
        assert!(made.get("behind").is_none(), "{made}");
        assert_eq!(origins(sandbox, "here"), origins(sandbox, "offsite"));
        // The database is read for one of them.
        assert!(in_repository(sandbox, "offsite")[0]["origin"].is_object());

        away(sandbox, "backups");
        subject.sql("INSERT INTO t VALUES (3, 'c')");
        let ran = sandbox.run(&["backup"]).expect(1);
        let ran =
            ran.says(&["repository here cannot be used, offsite is used instead", "the next backup copies"]);
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        let made = sandbox.json_of(1, &["backup"]);
        assert_eq!(made["behind"][0]["repository"], "here", "{made}");
        assert_eq!(made["snapshots"].as_array().map(Vec::len), Some(1), "{made}");
        // What is read comes from the one that is there, and that is said.
        let shown = sandbox.done(&["snapshots"]).says(&["offsite is used instead"]);
        assert!(shown.out.contains("repository here: CANNOT BE OPENED"), "{shown:?}");
        sandbox.done(&["verify", "latest", "--against", "shop"]).says(&["offsite is used instead"]);
        // What is done now is undone later, wherever that is known.
        sandbox.done(&["restore", "first", "--to", "shop", "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM t"), "2");
        back(sandbox, "backups");
        let shown = sandbox.done(&["snapshots"]);
        assert!(shown.out.contains("repository offsite: has 3 snapshots more"), "{shown:?}");
        sandbox.done(&["undo", "shop", "--yes"]);
        assert_eq!(subject.query("SELECT count(*) FROM t"), "3");

        let made = sandbox.json(&["backup"]);
        assert!(made.get("behind").is_none(), "{made}");
        let all = origins(sandbox, "here");
        assert_eq!((all.len(), &all), (6, &origins(sandbox, "offsite")), "in the same order");
        let states = sandbox.json(&["snapshots"])["repositories"].clone();
        assert_eq!(
            (&states[0]["repository"], &states[0]["shown"]),
            (&"here".into(), &true.into()),
            "{states}"
        );
        assert_eq!((&states[1]["lacks"], &states[1]["ahead"]), (&0.into(), &0.into()), "{states}");

        // The other way round.
        away(sandbox, "elsewhere");
        sandbox.run(&["backup", "--name", "last"]).expect(1).says(&["repository offsite"]);
        back(sandbox, "elsewhere");
        let shown = sandbox.done(&["snapshots"]);
        assert!(shown.out.contains("repository offsite: lacks 1 snapshot"), "{shown:?}");
        sandbox.done(&["copy", "--to", "offsite"]);
        assert_eq!(origins(sandbox, "here"), origins(sandbox, "offsite"));
        for name in ["here", "offsite"] {
            sandbox.done(&["verify", "last", "--against", "shop", "--repository", name]);
            let checked = sandbox.done(&["check", "--read-data", "--repository", name]);
            assert!(checked.out.contains("no damage"), "{checked:?}");
        }
    });
}

#[test]
fn what_one_has_deleted_does_not_come_back() {
    let sandbox = Sandbox::bare();
    sandbox.sql("shop.db", T);
    let config = format!("{PLACES}[databases.shop]\nurl = 'shop.db'\n");
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    for name in ["one", "two", "three"] {
        sandbox.done(&["backup", "--name", name]);
    }
    sandbox.done(&["delete", "one", "--yes", "--repository", "offsite"]);
    sandbox.done(&["delete", "two", "--yes", "--repository", "here"]);
    sandbox.done(&["backup", "--name", "four"]);
    let names = |repository: &str| -> Vec<String> {
        let listed = in_repository(&sandbox, repository);
        listed.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("here"), ["one", "three", "four"]);
    assert_eq!(names("offsite"), ["two", "three", "four"]);
    // Unless somebody asks for it.
    sandbox.done(&["copy", "--to", "offsite"]);
    assert_eq!(names("offsite"), ["one", "two", "three", "four"]);
}

#[test]
fn each_has_a_secret_of_its_own() {
    let sandbox = Sandbox::bare();
    sandbox.sql("shop.db", T);
    std::fs::write(sandbox.path("passphrase"), "correct horse battery staple\n").expect("written");
    let config = "[[repositories]]\nname = 'here'\nurl = 'backups'\ncreate = true\npassphrase_file = 'passphrase'\n\
         [[repositories]]\nname = 'offsite'\nurl = 'elsewhere'\ncreate = true\nkey_file = 'offsite.key'\n\
         [databases.shop]\nurl = 'shop.db'\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    sandbox.done(&["backup"]);
    assert!(sandbox.path("offsite.key").exists() && !sandbox.path("elsewhere.key").exists());
    // One that does not open keeps the other from nothing.
    std::fs::write(sandbox.path("passphrase"), "another\n").expect("written");
    sandbox.run(&["backup"]).expect(1).says(&["repository here cannot be used, offsite is used instead"]);
    assert_eq!((in_repository(&sandbox, "offsite").len()), 2);
    sandbox.run(&["snapshots", "--repository", "here"]).expect(4);
    // Neither: the first says why.
    std::fs::rename(sandbox.path("offsite.key"), sandbox.path("lost.key")).expect("moved");
    let ran = sandbox.run(&["backup"]).expect(4);
    ran.says(&["cannot open the repository at", "backups", "repository offsite cannot be used either"]);
}

#[test]
fn what_is_about_one_says_which() {
    let sandbox = Sandbox::bare();
    sandbox.sql("shop.db", T);
    let config = format!("{PLACES}[databases.shop]\nurl = 'shop.db'\n");
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    sandbox.done(&["backup", "--name", "first"]);
    for command in [
        &["check"][..],
        &["repair", "--yes"],
        &["prune", "--yes"],
        &["delete", "first", "--yes"],
        &["hold", "first"],
        &["release", "first"],
        &["key", "list"],
        &["init"],
    ] {
        let ran = sandbox.run(command).expect(2);
        ran.says(&["several repositories are configured", "--repository: here, offsite"]);
    }
    for command in
        [&["check"][..], &["repair", "--yes"], &["prune", "--yes"], &["hold", "first"], &["key", "list"]]
    {
        sandbox.done(&[command, &["--repository", "offsite"]].concat());
    }
    sandbox.run(&["copy", "--to", "here"]).expect(2).says(&["is the repository that is copied from"]);
    sandbox.done(&["copy", "--to", "here", "--repository", "offsite"]);
    // A place that is not configured is meant as it is.
    sandbox.run(&["snapshots", "--repository", "nowhere"]).expect(1).says(&["no repository at nowhere"]);
    std::fs::write(sandbox.path("rowkeep.toml"), format!("repository = 'x'\n{PLACES}")).expect("written");
    sandbox.run(&["snapshots"]).expect(2).says(&["write repository or [[repositories]], not both"]);
}

#[test]
fn what_is_of_other_machines_stays_where_it_is() {
    let sandbox = Sandbox::bare();
    for name in ["a", "b"] {
        sandbox.sql(&format!("{name}.db"), T);
        let config = format!(
            "[[repositories]]\nname = 'here'\nurl = 'of-{name}'\ncreate = true\n\
             [[repositories]]\nname = 'shared'\nurl = 'shared'\ncreate = true\n[databases.{name}]\nurl = '{name}.db'\n"
        );
        std::fs::write(sandbox.path(&format!("{name}.toml")), config).expect("written");
    }
    for _ in 0..2 {
        for config in ["a.toml", "b.toml"] {
            sandbox.done(&["backup", "--config", config]);
        }
    }
    let of = |config: &str, repository: &str| -> Vec<String> {
        let listed = sandbox.json(&["snapshots", "--config", config, "--repository", repository]);
        let snapshots = listed["snapshots"].as_array().expect("a list");
        snapshots.iter().map(|one| one["database"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(
        (of("a.toml", "here"), of("b.toml", "here")),
        (vec!["a".to_owned(); 2], vec!["b".to_owned(); 2])
    );
    assert_eq!(of("a.toml", "shared").len(), 4);
    let shown = sandbox.done(&["snapshots", "--config", "a.toml"]);
    assert!(shown.out.contains("repository shared: up to date"), "{shown:?}");
}

#[test]
fn one_that_cannot_be_written_to_keeps_the_others_from_nothing() {
    let sandbox = Sandbox::bare();
    sandbox.sql("shop.db", T);
    let config = format!("{PLACES}[databases.shop]\nurl = 'shop.db'\n");
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("written");
    sandbox.done(&["backup"]);
    for (folder, name, other) in [("backups", "here", "offsite"), ("elsewhere", "offsite", "here")] {
        let before = in_repository(&sandbox, other).len();
        // A file in the place of the folder: nothing can be written below it.
        let (packs, aside) = (sandbox.path(&format!("{folder}/packs")), sandbox.path("aside"));
        std::fs::rename(&packs, &aside).expect("it is there");
        std::fs::write(&packs, "").expect("written");
        sandbox.sql("shop.db", &format!("INSERT INTO t VALUES ({}, '{name}')", before + 10));
        let ran = sandbox.json_of(1, &["backup"]);
        assert_eq!(ran["behind"][0]["repository"], name, "{ran}");
        assert_eq!(in_repository(&sandbox, other).len(), before + 1);
        sandbox.done(&["verify", "latest", "--against", "shop", "--repository", other]);
        std::fs::remove_file(&packs).expect("it is ours");
        std::fs::rename(&aside, &packs).expect("it is there");
        sandbox.done(&["backup"]);
        assert_eq!(origins(&sandbox, "here"), origins(&sandbox, "offsite"));
        sandbox.done(&["verify", "latest", "--against", "shop", "--repository", name]);
        let checked = sandbox.done(&["check", "--read-data", "--repository", name]);
        assert!(checked.out.contains("no damage"), "{checked:?}");
    }
}
