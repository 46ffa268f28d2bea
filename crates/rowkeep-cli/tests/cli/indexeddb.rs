//! Files of the module for pages as states: imported, compared, masked, and exported for the module again.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files_below};

/// States of one database, two days of it. No encoder of this program made them.
const FIRST: &str = include_str!("indexeddb/first.ndjson");
const SECOND: &str = include_str!("indexeddb/second.ndjson");

/// A sandbox in which both are snapshots.
fn imported() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text) in [("first", FIRST), ("second", SECOND)] {
        let file = format!("{name}.ndjson");
        std::fs::write(sandbox.path(&file), text).expect("it is written");
        let told = sandbox.json(&["import", &file, "--as", "prn", "--name", name]);
        assert_eq!(told["imported"][0]["time_from"], "file", "{told}");
    }
    sandbox
}

/// The lines of records and of contents, and what is said of each store.
fn lines(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter(|line| !line.starts_with("{\"complete\"")).collect()
}

#[test]
fn captured_states_become_snapshots_and_files_again() {
    let sandbox = imported();
    let told = sandbox.done(&["inspect", "first.ndjson"]).out;
    assert!(told.contains("IndexedDB") && told.contains("phone_numbers"), "{told}");
    for (name, text) in [("first", FIRST), ("second", SECOND)] {
        let out = sandbox.done(&["export", name, "--format", "own", "-o", "-"]).out;
        assert_eq!(lines(&out), lines(text), "{name}");
        let header = |text: &str| -> Value {
            let line = text.lines().next().expect("it has one");
            let mut said: Value = serde_json::from_str(line).expect("it is JSON");
            said["program"] = Value::Null;
            said
        };
        assert_eq!(header(&out), header(text), "{name}");
        std::fs::write(sandbox.path("again.ndjson"), &out).expect("it is written");
        let found = sandbox.done(&["diff", name, "again.ndjson"]);
        assert!(found.out.starts_with("equal"), "{found:?}");
    }
    let found = sandbox.json_of(3, &["diff", "first", "second"]);
    assert_eq!(found["rows"], json!({ "inserted": 1, "updated": 1, "deleted": 1 }), "{found}");
    let history = sandbox.json(&["history", "phone_numbers", "2"]);
    let change = &history["versions"][1]["columns"][0];
    assert_eq!(change, &json!({ "column": "status", "before": "aging", "after": "quarantine" }), "{history}");
    let some = sandbox.done(&["export", "first", "--format", "own", "--tables", "ranges", "-o", "-"]).out;
    assert!(
        some.starts_with("{\"format\":\"rowkeep-indexeddb\"") && some.contains("\"part\":\"some stores\""),
        "{some}"
    );
    assert_eq!(lines(&some).len(), 4, "{some}");
    // No file of a part stands for all of the database.
    std::fs::write(sandbox.path("some.ndjson"), &some).expect("it is written");
    sandbox.done(&["import", "some.ndjson", "--as", "prn", "--name", "some"]);
    assert_eq!(sandbox.json(&["show", "some"])["scope"], "some_tables");
    assert_eq!(sandbox.json(&["show", "first"])["scope"], "full");
}

/// Records are in the files of applications as they are in those of the module.
#[test]
fn captured_records_are_documents_in_other_files() {
    let sandbox = imported();
    let written: Vec<Value> = FIRST
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).ok().filter(|line| line["store"] == "phone_numbers")
        })
        .map(|line| line["value"].clone())
        .collect();
    let out = sandbox.done(&["export", "first", "--format", "prn", "-o", "-"]).out;
    let document: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(document["data"]["phone_numbers"], Value::from(written.clone()), "{document}");
    sandbox.done(&["export", "first", "--format", "ndjson", "-o", "rows"]);
    let rows = std::fs::read_to_string(sandbox.path("rows/phone_numbers.ndjson")).expect("it is there");
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(rows, written);
    // What is masked is in no file, and the file is one that the module takes.
    std::fs::write(sandbox.path("rules.toml"), "'phone_numbers.number' = 'hash'\n'phone_numbers.photo' = 'null'\n'phone_numbers.note' = 'keep'\n'ranges.area' = 'hash'").expect("it is written");
    sandbox.done(&["export", "first", "--format", "own", "--mask=rules.toml", "-o", "masked.ndjson"]);
    let masked = std::fs::read_to_string(sandbox.path("masked.ndjson")).expect("it is there");
    let is_masked = |record: &Value| record["number"].as_str().is_some_and(|number| !masked.contains(number));
    assert!(written.iter().all(is_masked) && masked.contains("\"part\":\"masked\""), "{masked}");
    assert!(!masked.contains("\"bytes\""), "the content of a photo is gone with it: {masked}");
    let told = sandbox.json(&["import", "masked.ndjson", "--as", "masked", "--name", "masked"]);
    assert_eq!(told["imported"][0]["snapshot"]["rows"], 10, "{told}");
    let shown = sandbox.done(&["show", "masked"]).out;
    assert!(shown.contains("masked = true"), "{shown}");
}

/// Its newest state stands for a database in browsers, and only pages bring it back.
#[test]
fn a_database_whose_states_arrive_is_assessed_by_its_newest() {
    let sandbox = imported();
    let shows = |snapshot: &str, words: &[&str]| {
        let shown = sandbox.done(&["show", snapshot]);
        assert!(words.iter().all(|word| shown.out.contains(word)), "{shown:?}");
    };
    shows("second", &["prn (second.ndjson)", "$.parts"]);
    let config = "[databases.prn]\nurl = 'indexeddb:prn'\n";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
    // Where it is configured, states are of it, wherever their files were.
    sandbox.done(&["delete", "second", "--yes"]);
    sandbox.done(&["import", "second.ndjson", "--as", "prn", "--name", "third"]);
    shows("third", &["prn (indexeddb:prn)"]);
    let told = sandbox.done(&["assess", "prn"]);
    let words = ["the newest snapshot stands for it", "nothing is missing of what arrived"];
    assert!(words.iter().all(|word| told.out.contains(word)), "{told:?}");
    assert!(!told.out.contains("restore --") && !told.out.contains("CANNOT"), "{told:?}");
    let found = sandbox.json(&["assess", "prn"]);
    let database = &found["databases"][0];
    assert_eq!((&found["lacking"], &database["reach"]["is"]), (&json!(false), &json!("arrives")), "{found}");
    // What it tells to do can be done.
    let command = database["next"][0]["command"].as_str().expect("there is one");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!((words[0], words.contains(&"own")), ("export", true), "{command}");
    sandbox.done(&words);
    let file = words.last().expect("it has some");
    assert!(sandbox.done(&["diff", "third", file]).out.starts_with("equal"), "{command}");
}

#[test]
fn what_cannot_be_taken_is_said() {
    let sandbox = imported();
    let write = |text: &str| std::fs::write(sandbox.path("bad.ndjson"), text).expect("it is written");
    for (text, status, words) in [
        (
            FIRST.replace("aging", "fresh"),
            3,
            "the records of store phone_numbers are not as they were written",
        ),
        (FIRST.replace("\"version\":1,", "\"version\":7,"), 1, "version 7 of its form"),
        (FIRST.lines().take(9).map(|line| format!("{line}\n")).collect(), 3, "the file is cut off"),
    ] {
        write(&text);
        sandbox.run(&["import", "bad.ndjson", "--as", "bad"]).expect(status).says(&["bad.ndjson", words]);
    }
    sandbox
        .run(&["restore", "first", "--to", "app.db", "--yes"])
        .expect(2)
        .says(&["is of another engine than the database"]);
    sandbox.sql("shop.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    sandbox
        .run(&["export", "shop.db", "--format", "own", "-o", "-"])
        .expect(1)
        .says(&["choose another format"]);
    assert!(files_below(&sandbox.path("")).iter().all(|path| !path.ends_with("app.db")), "nothing is made");
}
