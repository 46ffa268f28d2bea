//! Databases of hundreds of tables, of which SQLite knows only some at a time while they are made.

use std::fmt::Write;

use rusqlite::Connection;

use super::{TestFile, copied, copied_in_part, integrity, print_exactly};

/// Tables of every sort, with what belongs to them, so many that they are made in several goes.
fn hundreds() -> String {
    let mut sql = String::from("PRAGMA foreign_keys = off; BEGIN;");
    for number in 0..450 {
        let columns = match number % 5 {
            0 => "(id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)".to_owned(),
            1 => format!(
                "(id INTEGER PRIMARY KEY, v TEXT UNIQUE, up REFERENCES t{} (id))",
                (number + 220) % 450
            ),
            2 => "(id TEXT PRIMARY KEY, v) WITHOUT ROWID".to_owned(),
            3 => "(id INT, v TEXT COLLATE NOCASE, UNIQUE (v, id), PRIMARY KEY (id)) STRICT".to_owned(),
            _ => "(id, v, both AS (id || v))".to_owned(),
        };
        let _ = writeln!(sql, "CREATE TABLE t{number} {columns};");
        let _ = writeln!(sql, "INSERT INTO t{number} (id, v) VALUES ({number}, 'a'), ({number} + 1, 'b');");
        let _ = match number % 7 {
            0 => writeln!(sql, "CREATE INDEX i{number} ON t{number} (v DESC) WHERE id > 5;"),
            1 => {
                writeln!(sql, "CREATE TRIGGER r{number} AFTER DELETE ON t{number} BEGIN DELETE FROM t0; END;")
            }
            2 => writeln!(sql, "CREATE VIEW w{number} AS SELECT * FROM t{number};"),
            _ => Ok(()),
        };
        if number % 150 == 99 {
            let _ = writeln!(
                sql,
                "CREATE VIRTUAL TABLE f{number} USING fts5 (a); INSERT INTO f{number} VALUES ('x');"
            );
        }
    }
    sql + "COMMIT;"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_what_it_was() {
    for pragma in ["", "PRAGMA auto_vacuum = full;", "PRAGMA encoding = 'UTF-16le';"] {
        let original = TestFile::new();
        original.execute(&format!("{pragma}{}", hundreds()));
        let (copy, notes) = copied(&original).await;
        assert_eq!(notes, Vec::<String>::new());
        copy.execute("INSERT INTO t5 (v) VALUES ('c'); INSERT INTO t445 (v) VALUES ('c');");
        let counter = "SELECT seq FROM sqlite_sequence WHERE name = 't445'";
        assert_eq!(copy.connect().query_row(counter, [], |row| row.get(0)), Ok(447));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_left_out_moves_no_other() {
    for pragma in ["", "PRAGMA auto_vacuum = full;"] {
        let [original, without] = [(); 2].map(|()| TestFile::new());
        for file in [&original, &without] {
            file.execute(&format!("{pragma}{}", hundreds()));
        }
        let connection: Connection = original.connect();
        connection.create_collation("own", |a, b| b.cmp(a)).expect("a collation");
        let more = "CREATE INDEX after_all ON t9 (id);";
        connection
            .execute_batch(&format!("CREATE INDEX own ON t8 (v COLLATE own); {more}"))
            .expect("an index in the order of the collation");
        drop(connection);
        without.execute(more);
        let (restored, finished) = copied_in_part(&original).await;
        assert!(
            matches!(&finished.left_out[..], [index] if index.statement.starts_with("CREATE INDEX own ON t8"))
        );
        assert!(print_exactly(&restored.connect()) == print_exactly(&without.connect()));
        assert_eq!(integrity(&restored.connect()), "ok");
    }
}
