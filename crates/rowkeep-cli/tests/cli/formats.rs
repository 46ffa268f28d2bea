//! Repositories of every version of the format, as they were once written: they stay readable for ever.

use std::path::Path;

use crate::sandbox::{Sandbox, copy_folder};

/// Nothing in these folders is ever written anew; a new version of the format gets folders of its own. Each with the tables
/// of its database, whose snapshot is called `pinned`.
pub(crate) const REPOSITORIES: [(&str, &str, &[&str]); 4] = [
    ("format-1", "format-1", &["kinds", "forms", "nokey", "empty", "sqlite_schema"]),
    ("format-1-plain", "format-1", &["kinds", "forms", "nokey", "empty", "sqlite_schema"]),
    // With rows that are stored as differences, a hold, a tag, and the record of a prune.
    ("format-2", "format-2", &["kinds", "forms", "nokey", "empty", "changed", "sqlite_schema"]),
    ("format-2-plain", "format-2", &["kinds", "forms", "nokey", "empty", "changed", "sqlite_schema"]),
];

/// A folder with a copy of such a repository, its database and its key file.
pub(crate) fn copied(name: &str, files: &str) -> Sandbox {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let sandbox = Sandbox::bare();
    copy_folder(&data.join(name), &sandbox.path(name));
    for file in ["db", "key"].map(|kind| format!("{files}.{kind}")) {
        std::fs::copy(data.join(&file), sandbox.path(&file)).expect("the file can be copied");
    }
    sandbox
}

#[test]
fn old_repositories_are_pruned_and_grow() {
    for (name, files, _) in REPOSITORIES {
        let sandbox = copied(name, files);
        let on = ["--repository", name];
        let done = |args: &[&str]| sandbox.done(&[args, &on[..]].concat());
        let file = format!("{files}.db");
        done(&["verify", "pinned", "--against", &file]);
        sandbox.sql(
            &file,
            "CREATE TABLE more (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO more VALUES (1, 'x')",
        );
        done(&["backup", &file, "--name", "grown"]);
        sandbox.sql(&file, "DROP TABLE more");
        done(&["delete", "grown", "--yes"]);
        done(&["prune", "--grace", "0s", "--yes"]);
        done(&["verify", "pinned", "--against", &file]);
        let config = std::fs::read_to_string(sandbox.path(name).join("config")).expect("it is text");
        assert!(config.starts_with("{\"format\":2,"), "{config}");
        let checked = done(&["check", "--read-data"]);
        assert!(checked.out.contains("no damage"), "{checked:?}");
    }
}

#[test]
fn old_repositories_are_copied() {
    for (name, files, _) in REPOSITORIES {
        let sandbox = copied(name, files);
        let file = format!("{files}.db");
        let number = sandbox.json(&["copy", "--to", "new", "--create", "--repository", name])["copied"]
            .as_array()
            .map(Vec::len);
        assert!(number > Some(0), "{name}");
        for repository in ["new", name] {
            sandbox.done(&["verify", "pinned", "--against", &file, "--repository", repository]);
        }
        // The other way nothing is new, but for what a backup adds.
        sandbox.done(&["backup", &file, "--repository", "new"]);
        let back = sandbox.json(
            &["copy", "--to", name, "--repository", "new", "--to-key-file", &format!("{files}.key")]
                [..if name.ends_with("plain") { 5 } else { 7 }],
        );
        assert_eq!(back["copied"].as_array().map(Vec::len), Some(1), "{name}: {back}");
        for repository in ["new", name] {
            let checked = sandbox.done(&["check", "--read-data", "--repository", repository]);
            assert!(checked.out.contains("no damage"), "{checked:?}");
        }
    }
}

#[test]
fn old_repositories_are_whole_and_restore() {
    for (name, files, tables) in REPOSITORIES {
        let sandbox = copied(name, files);
        let on = ["--repository", name];
        let file = format!("{files}.db");
        sandbox.done(&[&["check", "--read-data"], &on[..]].concat());
        sandbox.done(&[&["verify", "pinned", "--against", &*file], &on[..]].concat());
        sandbox.done(&[&["restore", "pinned", "--to", "copy.db"], &on[..]].concat());
        let dump = |file: &str| {
            let database = rusqlite::Connection::open(sandbox.path(file)).expect("it opens");
            let mut rows = Vec::new();
            for table in tables {
                let (columns, order) = match *table {
                    "sqlite_schema" => ("type, name, sql", "ORDER BY 1, 2"),
                    _ => ("*", ""),
                };
                let mut statement = database
                    .prepare(&format!("SELECT {columns} FROM {table} {order}"))
                    .expect("the table is there");
                let width = statement.column_count();
                let mut found = statement.query([]).expect("it can be read");
                while let Some(row) = found.next().expect("it can be read") {
                    rows.push(
                        (0..width)
                            .map(|at| format!("{:?}", row.get_ref(at).expect("a value")))
                            .collect::<Vec<_>>(),
                    );
                }
            }
            rows
        };
        assert_eq!(dump("copy.db"), dump(&file), "{name}");
    }
}
