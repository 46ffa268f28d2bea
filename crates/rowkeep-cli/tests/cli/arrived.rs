//! What can be known of databases whose states only arrive: their checks and their drills.

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, files_below};

/// States of one database, two days of it. No encoder of this program made them.
pub(crate) const FIRST: &str = include_str!("indexeddb/first.ndjson");
pub(crate) const SECOND: &str = include_str!("indexeddb/second.ndjson");

const DATABASE: &str = "[databases.prn]\nurl = 'indexeddb:prn'\n";

/// A sandbox with both as snapshots of a database, the second with what is told for it.
fn arrived(config: &str, more: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, config);
    import(&sandbox, "first", FIRST, &[]);
    import(&sandbox, "second", SECOND, more);
    sandbox
}

pub(crate) fn configure(sandbox: &Sandbox, config: &str) {
    std::fs::write(sandbox.path("rowkeep.toml"), format!("{DATABASE}{config}")).expect("it is written");
}

pub(crate) fn import(sandbox: &Sandbox, name: &str, text: &str, more: &[&str]) {
    let file = format!("{name}.ndjson");
    std::fs::write(sandbox.path(&file), text).expect("it is written");
    sandbox.done(&[&["import", &file, "--as", "prn", "--name", name], more].concat());
}

/// The one finding of the only report.
fn finding(ran: &Value) -> &Value {
    assert_eq!(ran["reports"].as_array().map(Vec::len), Some(1), "{ran:#}");
    &ran["reports"][0]["sections"][0]["findings"][0]
}

/// What was found under a title that begins so.
pub(crate) fn found<'r>(report: &'r Value, title: &str) -> &'r Value {
    let sections = report["sections"].as_array().expect("there are sections").iter();
    let mut all = sections.flat_map(|section| section["findings"].as_array().expect("there are findings"));
    let is_it = |found: &&Value| found["title"].as_str().is_some_and(|found| found.starts_with(title));
    all.find(is_it).unwrap_or_else(|| panic!("{title} is not in {report:#}"))
}

/// Each kind of check: whether it holds of the second state, what is said, and what of it is shown.
const KINDS: [(&str, bool, &str, &[&str]); 22] = [
    ("table = 'phone_numbers'\nmin_rows = 3", true, "3 rows", &[]),
    ("table = 'phone_numbers'\nmin_rows = 4", false, "3 rows", &[]),
    ("table = 'ranges'\nrows_within_percent = 0", true, "3 rows, and 3 in the snapshot (+0.0 %)", &[]),
    (
        "table = 'phone_numbers'\ncolumn = 'status'\nvalues = ['available', 'quarantine']",
        true,
        "so it is in every row",
        &[],
    ),
    (
        "table = 'phone_numbers'\ncolumn = 'status'\nvalues = ['aging']",
        false,
        "3 rows have values that are not allowed",
        &["status = available (2 rows)", "status = quarantine (1 row)"],
    ),
    ("table = 'ranges'\ncolumn = 'open'\nvalues = [true, false]", true, "so it is in every row", &[]),
    (
        "table = 'ranges'\ncolumn = 'open'\nvalues = [true]",
        false,
        "1 row has a value that is not allowed",
        &["open = false (1 row)"],
    ),
    ("table = 'phone_numbers'\ncolumn = 'id'\nvalues = [1, 2.0, 4]", true, "so it is in every row", &[]),
    ("table = 'phone_numbers'\nnot_null = ['id', 'status']", true, "so it is in every row", &[]),
    ("table = 'phone_numbers'\nnot_null = 'note'", false, "2 rows have NULL", &["id = 1", "id = 4"]),
    ("table = 'phone_numbers'\nno_rows = \"id > 4 OR note = 'x'\"", true, "so it is in every row", &[]),
    (
        "table = 'phone_numbers'\nno_rows = \"status = 'available' AND id >= 2\"",
        false,
        "1 row is so",
        &["id = 4"],
    ),
    ("table = 'phone_numbers'\nunique = 'number'", true, "so it is in every row", &[]),
    // What a record does not have is none of the same.
    ("table = 'phone_numbers'\nunique = 'note'", true, "so it is in every row", &[]),
    ("table = 'ranges'\nunique = ['area', 'open']", true, "so it is in every row", &[]),
    ("table = 'ranges'\nunique = 'area'", false, "1 value is there more than once", &["area = 20 (2 rows)"]),
    (
        "no_orphans = true\ntable = 'audit_log'\ncolumns = '$key'\nreferences = 'phone_numbers'\nreferenced_columns = 'id'",
        false,
        "2 rows refer to none",
        &["$key = 2026-11-02T08:00:00.000Z (1 row)"],
    ),
    (
        "no_orphans = true\ntable = 'phone_numbers'\ncolumns = 'note'\nreferences = 'phone_numbers'\nreferenced_columns = 'note'",
        true,
        "so it is in every row",
        &[],
    ),
    ("table = 'phone_numbers'\nnewest = 'seen'\nmax_age = '4d'", true, "the newest is 3 d 2 h old", &[]),
    ("table = 'phone_numbers'\nnewest = 'seen'\nmax_age = '1h'", false, "1 h are allowed", &[]),
    ("sql = 'SELECT 1'\nexpect = 'true'", false, "NOT RUN: no SQL runs", &[]),
    ("no_orphans = true", false, "NOT RUN: stores declare no references", &[]),
];

#[test]
fn each_check_is_run_on_the_rows_that_arrived() {
    let sandbox = arrived("", &[]);
    for (check, holds, says, samples) in KINDS {
        configure(&sandbox, &format!("[[databases.prn.checks]]\n{check}\n"));
        let ran = sandbox.json_of(if holds { 0 } else { 3 }, &["check-data", "prn"]);
        let found = finding(&ran);
        assert_eq!(found["status"], if holds { "passed" } else { "failed" }, "{check}: {found:#}");
        assert!(found["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{check}: {found:#}");
        for sample in samples {
            assert!(found["samples"].to_string().contains(sample), "{check}: {found:#}");
        }
        let is_unrun = says.starts_with("NOT RUN");
        configure(&sandbox, &format!("[[databases.prn.checks]]\n{check}\nlevel = 'warning'\n"));
        sandbox.run(&["check-data"]).expect(if is_unrun { 3 } else { 0 });
        // What nothing can run is refused before.
        let told = sandbox.run(&["config", "check"]).expect(if is_unrun { 2 } else { 0 });
        assert_eq!(told.out.contains("of prn is NOT RUN: "), is_unrun, "{check}: {told:?}");
    }
}

#[test]
fn a_snapshot_is_checked_by_its_name() {
    let sandbox = arrived("", &[]);
    let check = "[[checks]]\ntable = 'phone_numbers'\ncolumn = 'status'\nvalues = ['available', 'aging', 'assigned']\n";
    std::fs::write(sandbox.path("checks.toml"), check).expect("it is written");
    let ran = |snapshot: &str| ["check-data", snapshot, "--checks", "checks.toml"].map(str::to_owned);
    let run = |status, snapshot: &str| {
        let arguments = ran(snapshot);
        sandbox.json_of(status, &arguments.each_ref().map(String::as_str))
    };
    assert_eq!(run(0, "first")["reports"][0]["snapshot"]["name"], "first");
    assert_eq!(finding(&run(3, "second"))["samples"][0], "status = quarantine (1 row)");
    let told = |ran: &Value| (finding(ran)["detail"].clone(), finding(ran)["samples"].clone());
    assert_eq!(told(&run(3, "latest:prn")), told(&run(3, "prn")));
    for (check, words) in [
        ("table = 'numbers'\nmin_rows = 1", "no table numbers; there are audit_log, phone_numbers"),
        ("table = 'ranges'\nunique = 'aera'", "no column ranges.aera; there are "),
    ] {
        std::fs::write(sandbox.path("checks.toml"), format!("[[checks]]\n{check}\n")).expect("it is written");
        sandbox.run(&["check-data", "prn", "--checks", "checks.toml"]).expect(2).says(&[words]);
    }
    sandbox.run(&["check-data", "first"]).expect(2).says(&["no checks are configured"]);
    // Others run theirs where they are.
    sandbox.sql("shop.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    sandbox.done(&["backup", "shop.db", "--name", "shop", "--quiet"]);
    sandbox
        .run(&["check-data", "shop", "--checks", "checks.toml"])
        .expect(2)
        .says(&["runs its checks itself", "rowkeep drill --snapshot"]);
    // Nothing has arrived of this one.
    std::fs::write(sandbox.path("rowkeep.toml"), "[databases.new]\nurl = 'indexeddb:new'\n")
        .expect("written");
    sandbox
        .run(&["check-data", "new", "--checks", "checks.toml"])
        .expect(2)
        .says(&["no state of new has arrived", "rowkeep import FILE --as new"]);
}

pub(crate) fn drill(sandbox: &Sandbox, status: i32) -> Value {
    let temporary = sandbox.path("scratch");
    std::fs::create_dir_all(&temporary).expect("it is made");
    let mut command = sandbox.command(&["drill", "prn", "--json"]);
    let ran = Ran::of(&command.env("TMPDIR", &temporary).output().expect("it runs")).expect(status);
    assert!(files_below(&temporary).is_empty(), "something of the drill is left");
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("no JSON: {error}: {ran:?}"))
}

#[test]
fn a_drill_writes_what_arrived_for_its_page_and_reads_it_again() {
    let config = "promise = { lose = '400000h', back_in = '1h' }\n[[databases.prn.checks]]\ntable = 'ranges'\nmin_rows = 3\n\
        [[databases.prn.checks]]\ntable = 'ranges'\nrows_within_percent = 1\n";
    let sandbox = arrived(config, &[]);
    let ran = drill(&sandbox, 0);
    let report = &ran["reports"][0];
    assert_eq!(
        (&report["status"], &report["snapshot"]["name"]),
        (&"passed".into(), &"second".into()),
        "{ran:#}"
    );
    assert!(report["target"].as_str().is_some_and(|target| target.contains("no browser")), "{report:#}");
    assert_eq!(found(report, "stored and checked")["status"], "passed");
    assert_eq!(found(report, "written as its page restores it")["detail"], "3 tables and 10 rows");
    assert_eq!(
        found(report, "read again and equal")["detail"],
        "3 tables by hash, and their definitions; not proven, for no browser restored it"
    );
    assert!(found(report, "recovery time within 1 h")["detail"].to_string().contains("a browser takes"));
    assert_eq!(found(report, "ranges has at least 3 rows")["status"], "passed");
    assert_eq!(found(report, "ranges has as many rows")["detail"], "3 rows, and 3 in the snapshot (+0.0 %)");
    let told = sandbox.done(&["drill", "prn"]).out;
    assert!(told.contains("and what a browser takes to load it") && !told.contains("(restored in"), "{told}");
    // Its promise is one that is kept: by drills that follow from it.
    let told = sandbox.done(&["config", "check"]).out;
    assert!(told.contains("drill") && told.contains("(promise)"), "{told}");
    let told = sandbox.done(&["assess", "prn"]).out;
    assert!(told.contains("measured by the drill") && told.contains("a browser takes"), "{told}");
    configure(&sandbox, "schedule = { backup = 'daily' }\n");
    sandbox.run(&["config", "check"]).expect(2).says(&["its states arrive when its pages send them"]);
    // What does not hold fails it.
    configure(&sandbox, "[[databases.prn.checks]]\ntable = 'ranges'\nmin_rows = 4\n");
    assert_eq!(found(&drill(&sandbox, 3)["reports"][0], "ranges has at least 4 rows")["detail"], "3 rows");
    configure(&sandbox, "[[databases.prn.checks]]\nsql = 'SELECT 1'\nexpect = 'true'\n");
    assert!(found(&drill(&sandbox, 3)["reports"][0], "SELECT 1")["detail"].to_string().contains("NOT RUN"));
}

/// Contents to which no record refers any more are in a snapshot, and not in the file.
#[test]
fn a_drill_says_what_the_page_would_not_get() {
    let sandbox = Sandbox::new();
    configure(
        &sandbox,
        "mask = { 'phone_numbers.photo' = 'null', 'phone_numbers.number' = 'hash', 'phone_numbers.note' = 'keep' }\n",
    );
    import(&sandbox, "masked", FIRST, &["--mask"]);
    let ran = drill(&sandbox, 0);
    let equal = found(&ran["reports"][0], "read again and equal");
    for part in ["without the rows of phone_numbers: masks left", "1 part of contents"] {
        assert!(equal["detail"].to_string().contains(part), "{equal:#}");
    }
}

#[test]
fn of_a_damaged_state_the_rest_is_written_and_read_again() {
    // A file with one store makes packs with its rows, which the whole state has as well.
    let other = arrived("", &[]);
    let ranges = ["export", "first", "--format", "own", "--tables", "ranges", "-o", "-"];
    let ranges = other.done(&ranges).out;
    let sandbox = Sandbox::new();
    configure(&sandbox, "");
    import(&sandbox, "ranges", &ranges, &[]);
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    import(&sandbox, "whole", SECOND, &[]);
    for pack in packs {
        let mut bytes = std::fs::read(&pack).expect("it is read");
        bytes.iter_mut().for_each(|byte| *byte ^= 1);
        std::fs::write(&pack, bytes).expect("it is written");
    }
    let ran = drill(&sandbox, 3);
    let report = &ran["reports"][0];
    assert_eq!(found(report, "written as its page restores it")["status"], "failed", "{ran:#}");
    assert_eq!(found(report, "table ranges")["status"], "failed", "{ran:#}");
    let rest = found(report, "the rest can be written as its page restores it: audit_log, phone_numbers");
    assert_eq!(
        (&rest["status"], &rest["detail"]),
        (&"passed".into(), &"2 tables and 7 rows, written, read again and equal".into()),
        "{rest:#}"
    );
}

/// The first state without the content of its only Blob, of which no sum in it is.
fn without_content() -> String {
    FIRST.lines().filter(|line| !line.starts_with("{\"part\"")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_state_without_the_contents_of_its_records_is_none() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "");
    std::fs::write(sandbox.path("lost.ndjson"), without_content()).expect("it is written");
    let words = ["lost.ndjson", "a part of a content that the record holds is not in it"];
    sandbox.run(&["import", "lost.ndjson", "--as", "prn"]).expect(3).says(&words);
}

/// Where contents were left out of a snapshot, no file can be written that its page takes.
#[test]
fn a_drill_fails_where_contents_are_not_there() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "exclude = ['$.parts']\n");
    import(&sandbox, "first", FIRST, &[]);
    let lack = "records of phone_numbers hold contents of which 1 part is not there";
    let drilled = drill(&sandbox, 3);
    let written = found(&drilled["reports"][0], "written as its page restores it");
    assert_eq!(written["status"], "failed", "{drilled:#}");
    assert!(written["detail"].as_str().is_some_and(|detail| detail.contains(lack)), "{written:#}");
    let export = ["export", "first", "--format", "own", "-o", "first-again.ndjson"];
    sandbox.run(&export).expect(1).says(&[lack, "leave out phone_numbers"]);
    assert!(!sandbox.path("first-again.ndjson").exists(), "nothing is written");
    // Records that hold none need none.
    sandbox.done(&[&export[..], &["--exclude", "phone_numbers"]].concat());
    import(&sandbox, "second", &without_photos(), &[]);
    drill(&sandbox, 0);
}

/// A state whose records hold no contents.
fn without_photos() -> String {
    let sandbox = Sandbox::new();
    configure(&sandbox, "");
    import(&sandbox, "first", FIRST, &[]);
    sandbox.done(&["export", "first", "--format", "own", "--exclude", "phone_numbers", "-o", "-"]).out
}

#[test]
fn of_lost_contents_the_stores_without_them_are_written() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "exclude = ['$.parts']\n");
    import(&sandbox, "rows", FIRST, &[]);
    let rows = files_below(&sandbox.path("rowkeep-repository/packs"));
    configure(&sandbox, "");
    import(&sandbox, "whole", FIRST, &[]);
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    for pack in packs.iter().filter(|pack| !rows.contains(pack)) {
        let mut bytes = std::fs::read(pack).expect("it is read");
        bytes.iter_mut().for_each(|byte| *byte ^= 1);
        std::fs::write(pack, bytes).expect("it is written");
    }
    let ran = drill(&sandbox, 3);
    let report = &ran["reports"][0];
    assert_eq!(found(report, "table $.parts")["status"], "failed", "{ran:#}");
    for (store, status) in [("audit_log", "passed"), ("phone_numbers", "failed"), ("ranges", "passed")] {
        let rest = found(report, &format!("the rest can be written as its page restores it: {store}"));
        assert_eq!(rest["status"], status, "{ran:#}");
    }
}

/// Rules for what is not there mask nothing: they are refused, with the column and what to do.
#[test]
fn a_mask_for_what_is_gone_is_refused_and_said() {
    let rules = |column: &str| {
        format!(
            "mask = {{ 'phone_numbers.photo' = 'null', 'phone_numbers.number' = 'hash', 'phone_numbers.{column}' = 'keep' }}\n"
        )
    };
    let sandbox = Sandbox::new();
    configure(&sandbox, &rules("note"));
    sandbox.run(&["mask", "check", "prn"]).expect(2).says(&["no state of prn has arrived"]);
    import(&sandbox, "first", FIRST, &["--tag", "device=desk"]);
    let checked = sandbox.json(&["mask", "check", "prn"]);
    assert_eq!(
        checked["databases"][0]["masked"],
        serde_json::json!(["phone_numbers.number", "phone_numbers.photo"]),
        "{checked}"
    );
    configure(&sandbox, &rules("remark"));
    let words = ["no column remark in table phone_numbers to mask", "correct the rule, or take it out"];
    let export = ["export", "first", "--format", "own", "--mask", "-o", "masked.ndjson"];
    let import = ["import", "first.ndjson", "--as", "prn", "--mask", "--name", "masked"];
    for command in [&["mask", "check", "prn"][..], &export, &import] {
        sandbox.run(command).expect(2).says(&words);
    }
    assert!(!sandbox.path("masked.ndjson").exists(), "nothing is written");
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
}
