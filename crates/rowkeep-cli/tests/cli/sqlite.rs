//! The whole loop on SQLite.

use serde_json::json;

use crate::sandbox::{Sandbox, filled};

#[test]
fn back_up_restore_and_prove() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20_000));
    let first = sandbox.done(&["backup", "app.db"]);
    assert!(first.out.contains("40,000 rows"), "{first:?}");

    sandbox.done(&["restore", "latest", "--to", "copy.db"]);
    let equal = sandbox.done(&["verify", "latest", "--against", "copy.db"]);
    assert!(equal.out.starts_with("equal"), "{equal:?}");

    sandbox.sql("copy.db", "UPDATE people SET balance = balance + 0.25 WHERE email = 'p777@example.org'");
    let differs = sandbox.run(&["verify", "latest", "--against", "copy.db"]).expect(3);
    assert!(differs.out.contains("people") && !differs.out.contains("events"), "{differs:?}");
}

#[test]
fn a_second_backup_stores_only_what_changed() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(200_000));
    let first = sandbox.json(&["backup", "app.db"])["snapshots"][0].clone();
    let same = sandbox.json(&["backup", "app.db"])["snapshots"][0].clone();
    assert!(same["new_bytes"].as_u64() < Some(1000), "{same}");
    sandbox.sql("app.db", "UPDATE events SET what = 'changed' WHERE id = 25000");
    let changed = sandbox.json(&["backup", "app.db"])["snapshots"][0].clone();
    let (first, changed) = (first["new_bytes"].as_u64().expect("a number"), changed["new_bytes"].as_u64());
    assert!(changed > Some(0) && changed < Some(first / 3), "{changed:?} of {first}");
    let listed = sandbox.json(&["snapshots"]);
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(3));
}

#[test]
fn equal_rows_have_equal_hashes_whatever_their_history() {
    let sandbox = Sandbox::new();
    let hash = || {
        sandbox.done(&["backup", "app.db", "--quiet"]);
        let shown = sandbox.json(&["show", "latest"]);
        let mut tables = shown["tables"].as_array().expect("a list").iter();
        tables.find(|table| table["name"] == "t").expect("it was backed up")["hash"].clone()
    };
    sandbox.sql(
        "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1,'a'),(2,'b'),(3,'c')",
    );
    let before = hash();
    sandbox.sql("app.db", "DELETE FROM t WHERE id = 2; UPDATE t SET v = 'x' WHERE id = 3");
    assert_ne!(hash(), before);
    sandbox.sql("app.db", "UPDATE t SET v = 'c' WHERE id = 3; INSERT INTO t VALUES (2,'b')");
    assert_eq!(hash(), before);
}

#[test]
fn parts_of_a_database() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    let tables = |reference: &str| -> Vec<String> {
        let shown = sandbox.json(&["show", reference]);
        let tables = shown["tables"].as_array().expect("a list").iter();
        tables
            .filter(|table| table["kind"] == "table")
            .map(|table| table["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    sandbox.done(&["backup", "app.db", "--name", "some", "--tables", "people"]);
    assert_eq!(tables("some"), ["people"]);
    sandbox.done(&["backup", "app.db", "--name", "others", "--exclude", "peop*"]);
    assert_eq!(tables("others"), ["events"]);
    sandbox.done(&["backup", "app.db", "--name", "schema", "--schema-only"]);
    assert!(tables("schema").is_empty());
    sandbox.done(&["restore", "schema", "--to", "empty.db"]);
    sandbox.sql("empty.db", "INSERT INTO people VALUES ('a', 'b', 1.5)");
    sandbox.done(&["backup", "app.db", "--name", "rows", "--data-only", "--tag", "reason=test"]);
    assert_eq!(sandbox.json(&["show", "rows"])["tags"], json!({ "reason": "test" }));
    sandbox.run(&["restore", "rows", "--to", "none.db"]).expect(2).says(&["without a schema"]);
    assert!(!sandbox.path("none.db").exists());
    sandbox.done(&["restore", "some", "--to", "some.db"]);
    sandbox
        .run(&["backup", "app.db", "--tables", "nobody"])
        .expect(2)
        .says(&["no table nobody", "events, people"]);
}

#[test]
fn databases_of_a_configuration() {
    let sandbox = Sandbox::new();
    sandbox.sql("one.db", &filled(5));
    sandbox.sql("two.db", &filled(7));
    let config = "environment = 'test'
        [databases.first]\nurl = 'one.db'\ngroups = { money = ['people'] }\nexclude = ['money']
        [databases.second]\nurl = '${SECOND}'";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("the file can be written");
    // A variable that is not set is in the way of its own database alone.
    sandbox.run(&["backup"]).expect(1).says(&[
        "error: second: the URL of second is incomplete",
        "SECOND is not set",
        "hint: set it",
    ]);
    sandbox.run(&["backup", "second"]).expect(2).says(&["SECOND is not set"]);
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
    let output = sandbox.command(&["backup", "--json"]).env("SECOND", "two.db").output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    std::fs::write(sandbox.path("rowkeep.toml"), config.replace("${SECOND}", "two.db"))
        .expect("it can be written");
    let first = sandbox.json(&["show", "latest:first"]);
    assert_eq!(first["environment"]["environment"], "test");
    assert_eq!(first["tables"].as_array().map(Vec::len), Some(1 + settings(&first)));
    assert_eq!(sandbox.json(&["snapshots", "second"])["snapshots"].as_array().map(Vec::len), Some(1));
    sandbox.run(&["show", "latest:third"]).expect(2).says(&["no snapshot of database third"]);
}

/// One database that cannot be read keeps no other from being backed up.
#[test]
fn all_databases_have_their_turn() {
    let sandbox = Sandbox::new();
    sandbox.sql("one.db", &filled(5));
    sandbox.sql("three.db", &filled(7));
    std::fs::write(sandbox.path("two.db"), "no database").expect("the file can be written");
    let config = "databases.one.url = 'one.db'\ndatabases.three.url = 'three.db'\n\
        databases.two.url = 'two.db'\ndatabases.zero.url = 'missing.db'\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("the file can be written");
    let ran = sandbox.run(&["backup"]).expect(1);
    assert_eq!(ran.out.matches("snapshot ").count(), 2, "{ran:?}");
    let ran = ran.says(&[
        "error: two: ",
        "hint: rowkeep reads plain SQLite files",
        "error: zero: ",
        "2 of 4 databases were not backed up: two, zero",
    ]);
    assert_eq!(ran.err.matches("error: ").count(), 2, "{ran:?}");
    let told = sandbox.json_of(1, &["backup"]);
    let names = |list: &str, name: &str| {
        let list = told[list].as_array().expect("a list");
        list.iter().map(|of| of[name].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names("snapshots", "database"), names("failed", "database")),
        (vec!["one".to_owned(), "three".to_owned()], vec!["two".to_owned(), "zero".to_owned()],)
    );
    assert!(names("failed", "error")[1].contains("missing.db"));
    // One that was asked for by itself fails as itself.
    sandbox.run(&["backup", "zero"]).expect(1);
}

/// One database that cannot be looked at keeps no other from it, whatever a command does with all of them.
#[test]
fn every_command_for_all_databases_serves_those_that_it_can() {
    let sandbox = Sandbox::new();
    sandbox.sql("one.db", "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO people VALUES (1, 'a@b.example')");
    let config = |first: &str, last: &str| {
        let of = |name: &str, url: &str| {
            format!(
                "[databases.{name}]\nurl = '{url}'\nmask = {{ 'people.email' = 'fake-email' }}\n[[databases.{name}.checks]]\nname = 'some'\nsql = 'SELECT count(*) > 0 FROM people'\nexpect = 'true'\n"
            )
        };
        std::fs::write(
            sandbox.path("rowkeep.toml"),
            [of("first", first), of("good", "one.db"), of("last", last)].concat(),
        )
    };
    config("one.db", "one.db").expect("the file can be written");
    sandbox.done(&["backup", "good"]);
    std::fs::write(sandbox.path("two.db"), "no database").expect("the file can be written");
    config("${NOT_SET}", "two.db").expect("the file can be written");
    let commands: [(&[&str], &str, &str); 6] = [
        (&["doctor"], "databases", "checked"),
        (&["check-data"], "reports", "checked"),
        (&["drill"], "reports", "drilled"),
        (&["assess"], "databases", "assessed"),
        (&["mask", "suggest"], "databases", "looked at"),
        (&["mask", "check"], "databases", "checked"),
    ];
    for (command, list, done) in commands {
        let ran = sandbox.run(command).expect(1);
        let told = sandbox.json_of(1, command);
        let names = |list: &str| -> Vec<String> {
            let list = told[list].as_array().unwrap_or_else(|| panic!("{command:?}: {told}"));
            list.iter().map(|of| of["database"].as_str().expect("a name").to_owned()).collect()
        };
        // A database that cannot be read is itself what an assessment finds, and of its snapshots there is none to drill.
        let failed: &[&str] = if command == ["assess"] { &["first"] } else { &["first", "last"] };
        assert_eq!(names("failed"), failed, "{command:?}: {told}");
        assert!(names(list).contains(&"good".to_owned()), "{command:?}: {told}");
        let all = format!("{} of 3 databases", failed.len());
        let ran = ran.says(&["error: first: ", "NOT_SET is not set", &all, &format!("not {done}: first")]);
        assert_eq!(ran.err.matches("error: ").count(), failed.len(), "{command:?}: {ran:?}");
    }
    let kept = std::fs::read_dir(sandbox.path("rowkeep-reports")).expect("there is a folder").count();
    assert_eq!(kept, 2, "of each of both drills");
}

fn settings(shown: &serde_json::Value) -> usize {
    shown["tables"].as_array().expect("a list").iter().filter(|table| table["kind"] != "table").count()
}

#[test]
fn deleting_leaves_other_snapshots_whole() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(1000));
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id % 2 = 0");
    sandbox.done(&["backup", "app.db", "--name", "second"]);
    sandbox.run(&["delete", "first", "nothing", "--yes"]).expect(2);
    let planned = sandbox.json(&["delete", "first", "first", "--dry-run"]);
    assert_eq!((planned["planned"].as_array().map(Vec::len), &planned["deleted"]), (Some(1), &json!([])));
    sandbox.run(&["delete", "first"]).expect(4).says(&["--dry-run", "--yes"]);
    sandbox.done(&["show", "first"]);
    sandbox.done(&["delete", "first", "--yes"]);
    sandbox.run(&["show", "first"]).expect(2);
    sandbox.done(&["check", "--read-data"]);
    sandbox.done(&["restore", "second", "--to", "copy.db"]);
}
