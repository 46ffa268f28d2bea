//! Repositories of every version of the format, as they were once written: they stay readable for ever.

use std::path::Path;

use crate::sandbox::{Sandbox, copy_folder};

/// Nothing in these folders is ever written anew; a new version of the format gets folders of its own.
const REPOSITORIES: [&str; 2] = ["format-1", "format-1-plain"];

#[test]
fn old_repositories_are_whole_and_restore() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in REPOSITORIES {
        let sandbox = Sandbox::bare();
        copy_folder(&data.join(name), &sandbox.path(name));
        for file in ["format-1.db", "format-1.key"] {
            std::fs::copy(data.join(file), sandbox.path(file)).expect("the file can be copied");
        }
        let on = ["--repository", name];
        sandbox.done(&[&["check", "--read-data"], &on[..]].concat());
        sandbox.done(&[&["verify", "pinned", "--against", "format-1.db"], &on[..]].concat());
        sandbox.done(&[&["restore", "pinned", "--to", "copy.db"], &on[..]].concat());
        let dump = |file: &str| {
            let database = rusqlite::Connection::open(sandbox.path(file)).expect("it opens");
            let mut rows = Vec::new();
            for table in ["kinds", "forms", "nokey", "empty", "sqlite_schema"] {
                let columns = if table == "sqlite_schema" { "type, name, sql" } else { "*" };
                let mut statement =
                    database.prepare(&format!("SELECT {columns} FROM {table}")).expect("the table is there");
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
        assert_eq!(dump("copy.db"), dump("format-1.db"), "{name}");
    }
}
