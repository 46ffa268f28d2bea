//! Files that others wrote, as states: imported, compared, restored from, looked at.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{Sandbox, filled};

/// What dumps of SQLite write down in an unusual way, in tables whose rowids a dump keeps.
const AWKWARD: &str = "CREATE TABLE \"odd \"\"table\" (id INTEGER PRIMARY KEY, \"a b\" TEXT, n, r REAL, half AS (r / 2));
    INSERT INTO \"odd \"\"table\" VALUES (1, 'it''s; ' || char(10, 9, 1) || 'END', x'00ff', 0.1), (2, '', NULL, 9e999),
        (3, CAST(x'61ff' AS TEXT), -9223372036854775808, -9e999), (4, 'é🦀', 5.0, 1e-300);
    CREATE TABLE kept (k TEXT PRIMARY KEY, v REAL) WITHOUT ROWID; INSERT INTO kept VALUES ('a', 1.5), ('b', -1);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); INSERT INTO counted VALUES (90, 'b');
    CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('the quick fox'), ('the lazy dog');
    CREATE TRIGGER t AFTER INSERT ON counted BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DELETE FROM kept; END;
    CREATE VIEW two AS SELECT 2 AS two; CREATE INDEX by_v ON kept (v) WHERE v > 1;";

/// What `.dump` of a shell writes.
fn dump(sandbox: &Sandbox, shell: &str, database: &str, file: &str) {
    let out = std::fs::File::create(sandbox.path(file)).expect("it is made");
    let dumped =
        Command::new(shell).arg(sandbox.path(database)).arg(".dump").stdout(Stdio::from(out)).status();
    assert!(dumped.is_ok_and(|status| status.success()), "{shell}");
}

fn write(sandbox: &Sandbox, file: &str, content: impl AsRef<[u8]>) {
    std::fs::write(sandbox.path(file), content).expect("it is written");
}

fn read(sandbox: &Sandbox, file: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(sandbox.path(file)).expect("it is there")).into_owned()
}

fn problems(outcome: &Value) -> String {
    outcome["problems"].to_string()
}

#[test]
fn dumps_of_sqlite_are_the_databases_that_they_were_made_of() {
    let newer = std::env::var("ROWKEEP_TEST_SQLITE").expect("tests are run by scripts/with-servers");
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", AWKWARD);
    for (number, shell) in ["sqlite3", &newer].into_iter().enumerate() {
        dump(&sandbox, shell, "app.db", "app.sql");
        let name = format!("by{number}");
        let told = sandbox.done(&["import", "app.sql", "--as", "app", "--name", &name]).out;
        assert!(
            told.contains("a dump of sqlite3") && told.contains("when the file was last changed"),
            "{told}"
        );
        // A file stands wherever a state does.
        sandbox.done(&["diff", &name, "app.db"]);
        sandbox.done(&["diff", "app.sql", "app.db"]);
        sandbox.done(&["verify", &name, "--against", "app.db"]);
        sandbox.done(&["verify", &name, "--against", "app.sql"]);
        sandbox
            .done(&["verify", "app.sql", "--against", "app.db"])
            .says(&["was imported before, as snapshot"]);
    }
    sandbox.done(&["restore", "by0", "--to", "new.db"]);
    assert_eq!(
        sandbox.query("new.db", "SELECT group_concat(body) FROM notes WHERE notes MATCH 'fox'"),
        "the quick fox"
    );
    // One row back from a file, which is imported on the way where it is not the one that was imported, whatever it was called.
    let count = |sandbox: &Sandbox| sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len);
    let before = count(&sandbox);
    for (said, more) in [("was imported before, as snapshot", 0), ("it is imported first", 1)] {
        sandbox.sql("app.db", "DELETE FROM kept WHERE k = 'a'");
        sandbox
            .done(&["restore", "app.sql", "--to", "app.db", "--key", "kept:a", "--yes", "--no-safety"])
            .says(&[said]);
        sandbox.done(&["diff", "by1", "app.db"]);
        assert_eq!(count(&sandbox), before.map(|before| before + more), "{said}");
        let text = std::fs::read(sandbox.path("app.sql")).expect("it is there");
        std::fs::write(sandbox.path("app.sql"), [&text[..], b"-- more\n"].concat()).expect("it is written");
    }
    // What is in no dump by its nature is left as it is: nothing is changed by way of a file.
    sandbox.run(&["restore", "by0", "--to", "app.sql", "--yes"]).expect(1).says(&["only read"]);
}

#[test]
fn exports_of_d1_and_other_scripts_are_read() {
    let sandbox = Sandbox::new();
    let d1 = "PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);\n\
              INSERT INTO \"t\" (\"id\",\"v\") VALUES(1,replace('a\\nb','\\n',char(10)));\n\
              INSERT INTO \"t\" VALUES(2,unistr('\\u0001'));\nINSERT INTO t VALUES(3,Inf);\n";
    write(&sandbox, "d1.sql", d1);
    sandbox.sql("same.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a' || char(10) || 'b'), (2, char(1)), (3, 9e999)");
    assert!(sandbox.done(&["import", "d1.sql"]).out.contains("an export of D1"));
    sandbox.done(&["diff", "latest:d1", "same.db"]);
    for (script, words) in [
        ("CREATE TABLE t (a); ATTACH 'other.db' AS o;", &["line 1", "not authorized"][..]),
        ("CREATE TABLE t (a);\nVACUUM INTO 'other.db';", &["line 2"]),
        ("CREATE TABLE t (a);\nINSERT INTO t VALUES(load_extension('x'));", &["line 2", "not authorized"]),
        ("BEGIN;\nCREATE TABLE t (a);\nINSERT INTO t VALUES (1);\n", &["line 3", "cut off", "COMMIT"]),
        ("CREATE TABLE t (a);\n\nINSERT INTO t VALUES ('x", &["line 3", "cut off"]),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY);\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);\n",
            &["line 3", "UNIQUE"],
        ),
        (
            "BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES (1);\n/****** CORRUPTION ERROR *******/\nROLLBACK; -- due to errors\n",
            &["damaged when it was made"],
        ),
    ] {
        write(&sandbox, "bad.sql", script);
        sandbox.run(&["import", "bad.sql"]).expect(3).says(words);
        assert!(!sandbox.path("other.db").exists());
        let looked = sandbox.json_of(1, &["inspect", "bad.sql"]);
        assert!(words.iter().all(|word| problems(&looked).contains(word)), "{looked:#}");
    }
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
    let saved = sandbox.run(&["import", "bad.sql", "--salvage"]).expect(1).out;
    write(
        &sandbox,
        "cut.sql",
        "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (x);\nINSERT INTO b VALUES (",
    );
    let cut = sandbox.run(&["import", "cut.sql", "--salvage"]).expect(1).out;
    assert!(!cut.contains("rows of a") && cut.contains("not in it: rows of b"), "{cut}");
    assert!(saved.contains("table t is not whole") && saved.contains("not in it: rows of t"), "{saved}");
}

#[test]
fn files_are_told_by_their_content_and_refused_in_words() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(300));
    dump(&sandbox, "sqlite3", "app.db", "app.sql");
    let packed = Command::new("gzip").arg("-k").arg(sandbox.path("app.sql")).status();
    assert!(packed.is_ok_and(|status| status.success()));
    let gz = std::fs::read(sandbox.path("app.sql.gz")).expect("it is there");
    write(&sandbox, "no-name-tells", &gz);
    sandbox.done(&["diff", "no-name-tells", "app.db"]);
    let sum =
        Command::new("sha256sum").arg("app.sql.gz").current_dir(sandbox.path("")).output().expect("it runs");
    write(&sandbox, "app.sql.gz.sha256", &sum.stdout);
    let whole = sandbox.json(&["inspect", "app.sql.gz"]);
    assert_eq!(
        (&whole["whole"], &whole["checksum"]["holds"], &whole["rows"]),
        (&true.into(), &true.into(), &600.into())
    );
    write(&sandbox, "app.sql.gz", &gz[..gz.len() / 2]);
    let cut = sandbox.json_of(1, &["inspect", "app.sql.gz"]);
    assert!(
        problems(&cut).contains("gzip data ends too early") && cut["checksum"]["holds"] == false,
        "{cut:#}"
    );
    sandbox
        .run(&["import", "app.sql.gz"])
        .expect(3)
        .says(&["has another checksum than app.sql.gz.sha256 says"]);
    for (content, words) in [
        (&b"age-encryption.org/v1\n-> X25519"[..], "encrypted by age"),
        (b"Salted__12345678", "encrypted by openssl"),
        (
            b"CREATE TABLE t (id serial PRIMARY KEY);\nINSERT INTO t VALUES (1);",
            "load it into an empty database",
        ),
        (b"hello, this is a letter", "neither an SQLite database nor a dump"),
        (b"PK\x03\x04\x14\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "it is encrypted"),
    ] {
        write(&sandbox, "other", content);
        for command in ["import", "inspect"] {
            let ran = sandbox.run(&[command, "other"]);
            assert!(format!("{ran:?}").contains(words), "{words}: {ran:?}");
        }
    }
}

#[test]
fn a_folder_of_files_is_imported_in_the_order_of_their_times() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("old")).expect("it is made");
    for (day, rows) in [("03", 30), ("01", 10), ("02", 20)] {
        sandbox.sql("shop.db", &format!("DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t SELECT i FROM n"));
        let file = format!("old/{day}.sql");
        dump(&sandbox, "sqlite3", "shop.db", &file);
        let touched = Command::new("touch")
            .args(["-d", &format!("2024-05-{day}T10:00:00Z")])
            .arg(sandbox.path(&file))
            .status();
        assert!(touched.is_ok_and(|status| status.success()));
    }
    write(&sandbox, "old/README", "not a dump");
    sandbox.done(&["backup", "shop.db"]);
    let all = ["import", "--all", "old", "--as", "shop"];
    let told = sandbox.done(&all).out;
    assert!(told.contains("3 files imported") && told.contains("README"), "{told}");
    assert!(sandbox.done(&all).out.contains("0 files imported"));
    let listed = sandbox.json(&["snapshots"]);
    let rows: Vec<u64> = listed["snapshots"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["rows"].as_u64())
        .collect();
    assert_eq!(rows, [10, 20, 30, 20], "{listed:#}");
    sandbox.done(&["diff", "shop@2024-05-02T12:00Z", "old/02.sql"]);
    // What was made of the live database is the latest still.
    sandbox.done(&["verify", "latest", "--against", "shop.db"]);
    assert!(read(&sandbox, "old/01.sql").contains("COMMIT"));
}
