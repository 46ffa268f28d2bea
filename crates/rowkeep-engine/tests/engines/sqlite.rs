//! SQLite.

mod awkward;
mod changes;
mod faults;
mod kills;
mod many_tables;
mod pages;
mod replacing;
mod virtual_tables;
mod writers;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rowkeep_engine::conformance::{Fixture, Sandbox};
use rowkeep_engine::sqlite::Sqlite;
use rowkeep_engine::{CreateOptions, Engine, Finished, Surroundings, ViewOptions};
use rusqlite::Connection;
use tempfile::TempDir;

struct Files {
    wal: bool,
}

#[async_trait]
impl Fixture for Files {
    async fn empty(&self) -> Box<dyn Sandbox> {
        let file = TestFile::new();
        std::fs::File::create(file.path()).expect("an empty file is an empty database");
        if self.wal {
            file.execute("PRAGMA journal_mode = wal; CREATE TABLE x (y); DROP TABLE x;");
        }
        Box::new(file)
    }

    async fn missing(&self) -> Arc<dyn Engine> {
        // Never removed, as nobody would know when.
        let folder = TempDir::new().expect("a folder").keep();
        Arc::new(Sqlite::new(folder.join("missing.db"), &Surroundings::default()))
    }

    fn blob_type(&self) -> &'static str {
        "blob"
    }

    fn blob_literal(&self, bytes: &[u8]) -> String {
        format!("x'{}'", hex::encode(bytes))
    }

    fn logging_trigger(&self, table: &str, log: &str) -> String {
        let trigger = |event: &str| {
            format!(
                "CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN INSERT INTO {log} VALUES ('row'); END;"
            )
        };
        ["INSERT", "UPDATE", "DELETE"].map(trigger).concat()
    }
}

/// A database file in a folder of its own.
pub(crate) struct TestFile {
    folder: TempDir,
}

impl TestFile {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    pub(crate) fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).expect("the file opens");
        connection.busy_timeout(Duration::from_secs(20)).expect("a timeout");
        connection
    }

    pub(crate) fn sqlite(&self) -> Sqlite {
        Sqlite::new(self.path(), &Surroundings::default())
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connect()
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error}: {}", &sql[..sql.len().min(500)]));
    }
}

/// What `integrity_check` says.
pub(crate) fn integrity(connection: &Connection) -> String {
    let mut statement = connection.prepare("PRAGMA integrity_check").expect("a pragma");
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).expect("a pragma");
    lines.collect::<Result<Vec<_>, _>>().expect("lines").join("\n")
}

/// Everything of a database down to the kind and bytes of each value, as text.
///
/// The shell's `.dump` does not tell text with NUL from text that ends there, nor anything of the header.
pub(crate) fn print_exactly(connection: &Connection) -> String {
    let mut out = String::new();
    for pragma in ["encoding", "page_size", "auto_vacuum", "journal_mode", "user_version", "application_id"] {
        let value: rusqlite::types::Value =
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).expect("a pragma");
        let _ = writeln!(out, "{pragma} {value:?}");
    }
    // Indexes without SQL come with their tables, wherever among the others.
    for order in ["type = 'table'", "type <> 'table' AND sql NOT NULL"] {
        let sql = format!(
            "SELECT type, name, tbl_name, sql, rootpage > 0 FROM sqlite_schema WHERE {order} ORDER BY rowid"
        );
        print_rows(connection, &sql, &mut out);
    }
    let tables =
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
                  AND name NOT IN ('sqlite_schema') ORDER BY name";
    let mut statement = connection.prepare(tables).expect("a list");
    let tables = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))
        .expect("a list");
    for (name, without_rowid) in tables.map(|table| table.expect("a table")) {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let columns = "SELECT name FROM pragma_table_xinfo(?1)";
        let mut statement = connection.prepare(columns).expect("columns");
        let columns = statement.query_map([&name], |row| row.get::<_, String>(0)).expect("columns");
        let hidden = if without_rowid { None } else { Some("rowid".to_owned()) };
        let exact = hidden.into_iter().chain(columns.map(|name| name.expect("a name"))).map(|name| {
            let name = format!("\"{}\"", name.replace('"', "\"\""));
            format!("typeof({name}), hex({name}), {name}")
        });
        let exact = exact.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "table {name}");
        print_rows(connection, &format!("SELECT {exact} FROM {quoted} ORDER BY 2, 5"), &mut out);
    }
    out
}

fn print_rows(connection: &Connection, sql: &str, out: &mut String) {
    let mut statement = connection.prepare(sql).expect("a query");
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().expect("a row") {
        let values = (0..columns).map(|column| format!("{:?}", row.get_ref(column).expect("a value")));
        let _ = writeln!(out, "{}", values.collect::<Vec<_>>().join("|"));
    }
}

/// Copies a file through a view and a target and checks that nothing differs; returns the copy and what was noted.
pub(crate) async fn copied(original: &TestFile) -> (TestFile, Vec<String>) {
    let copy = TestFile::new();
    let notes = rowkeep_engine::conformance::copy(&original.sqlite(), &copy.sqlite()).await;
    let (before, after) = (print_exactly(&original.connect()), print_exactly(&copy.connect()));
    let difference = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    assert!(before == after, "the same to the byte; first difference: {difference:#?}");
    assert!(original.dump().await == copy.dump().await, "the same for the shell");
    assert_eq!(integrity(&copy.connect()), "ok");
    let (schema, rows) = rowkeep_engine::conformance::read_all(&original.sqlite()).await;
    let (copied_schema, copied_rows) = rowkeep_engine::conformance::read_all(&copy.sqlite()).await;
    assert_eq!(schema, copied_schema);
    rowkeep_engine::conformance::assert_same_rows(&rows, &copied_rows);
    (copy, notes)
}

/// Copies a file without what SQLite refuses; returns the copy and what that was.
pub(crate) async fn copied_in_part(original: &TestFile) -> (TestFile, Finished) {
    let copy = TestFile::new();
    let view = original.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the original opens");
    let options = CreateOptions { leaves_out: true, ..CreateOptions::default() };
    let target = copy.sqlite().create(view.schema(), &options).await.expect("the copy is created");
    for table in &view.schema().tables {
        let rows = view.rows(table).await.expect("the rows are read");
        target.load(table, rows).await.unwrap_or_else(|error| panic!("loading {}: {error:?}", table.name));
    }
    let finished = target.finish().await.expect("the copy is finished");
    (copy, finished)
}

#[async_trait]
impl Sandbox for TestFile {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(Sqlite::new(self.path(), &Surroundings::default()))
    }

    async fn run(&self, sql: &str) {
        let (path, sql) = (self.path(), format!("BEGIN; {sql}; COMMIT;"));
        let run = move || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(20))?;
            connection.execute_batch(&sql)
        };
        tokio::task::spawn_blocking(run).await.expect("no panic").expect("the statements run");
    }

    async fn dump(&self) -> String {
        let output =
            Command::new("sqlite3").arg(self.path()).arg(".dump").output().expect("sqlite3 is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

mod rollback {
    rowkeep_engine::conformance_tests!(super::Files { wal: false });
    rowkeep_engine::conformance_tests!(@changes super::Files { wal: false });
}

mod wal {
    rowkeep_engine::conformance_tests!(super::Files { wal: true });
    rowkeep_engine::conformance_tests!(@changes super::Files { wal: true });
}
