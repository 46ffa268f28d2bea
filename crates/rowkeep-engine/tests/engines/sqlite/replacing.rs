//! Making a database again in place of what it holds, while others have it open.

use std::fs;
use std::time::Duration;

use rowkeep_engine::{CreateOptions, Engine, EngineError, ErrorKind, ViewOptions};
use rusqlite::Connection;

use super::{TestFile, integrity, print_exactly};

fn listed(file: &TestFile) -> Vec<String> {
    let folder = file.path().parent().expect("a folder").to_owned();
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Puts the content of one database in the place of another's.
async fn replace(from: &TestFile, engine: &dyn Engine) -> Result<Vec<String>, EngineError> {
    let view = from.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the original opens");
    let target = engine.replace(view.schema(), &CreateOptions::default()).await?;
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("rows")).await.expect("rows are loaded");
    }
    target.finish().await.map(|finished| finished.notes)
}

fn original(journal: &str) -> TestFile {
    let file = TestFile::new();
    file.execute(&format!(
        "PRAGMA journal_mode = {journal}; CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); CREATE INDEX i ON t (v);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, 'new ' || i FROM n;
         CREATE VIEW w AS SELECT v FROM t; CREATE VIRTUAL TABLE f USING fts5 (x); INSERT INTO f VALUES ('a word'); PRAGMA user_version = 9;"
    ));
    file
}

fn other(journal: &str) -> TestFile {
    let file = TestFile::new();
    file.execute(&format!(
        "PRAGMA journal_mode = {journal}; CREATE TABLE old (a); CREATE TABLE t (a, b); INSERT INTO t VALUES ('old', 1); INSERT INTO old VALUES (1);"
    ));
    file
}

/// The first value of table `t` in a column, which tells the old content from the new.
fn first(connection: &Connection, column: &str) -> String {
    connection.query_row(&format!("SELECT {column} FROM t LIMIT 1"), [], |row| row.get(0)).expect("a row")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_open_sees_the_new_content() {
    for journal in ["wal", "delete"] {
        let (from, file) = (original(journal), other(journal));
        let open = file.connect();
        assert_eq!(first(&open, "a"), "old");
        // A statement that was prepared before, and its connection, are not left on another file.
        let mut prepared = open.prepare("SELECT count(*) FROM t").expect("a statement");
        let notes = replace(&from, &file.sqlite()).await.expect("the content is replaced");
        assert_eq!(notes, Vec::<String>::new(), "{journal}");
        let count: i64 = prepared.query_row([], |row| row.get(0)).expect("a count");
        assert_eq!(count, 5000, "{journal}");
        assert_eq!(first(&open, "v"), "new 1");
        open.execute_batch("INSERT INTO t (v) VALUES ('written by who had it open')").expect("a row");
        from.execute("INSERT INTO t (v) VALUES ('written by who had it open')");
        drop(prepared);
        drop(open);
        assert!(print_exactly(&file.connect()) == print_exactly(&from.connect()), "{journal}");
        assert_eq!(integrity(&file.connect()), "ok");
        assert_eq!(listed(&file), ["test.db"], "{journal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sizes_and_other_journals() {
    let from = original("wal");
    for sql in [
        "PRAGMA page_size = 1024; CREATE TABLE t (a);",
        "PRAGMA page_size = 16384; PRAGMA journal_mode = wal; CREATE TABLE t (a);",
        "",
    ] {
        let file = TestFile::new();
        fs::write(file.path(), b"").expect("a file");
        file.execute(sql);
        replace(&from, &file.sqlite()).await.expect("the content is replaced");
        let lines = |file: &TestFile| {
            let all = print_exactly(&file.connect());
            all.lines().filter(|line| !line.starts_with("page_size")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(lines(&file) == lines(&from), "{sql}");
        assert_eq!(integrity(&file.connect()), "ok");
        assert_eq!(listed(&file), ["test.db"]);
    }
    let missing = TestFile::new();
    replace(&from, &missing.sqlite()).await.expect("what is missing is created");
    assert!(print_exactly(&missing.connect()) == print_exactly(&from.connect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_finished_leaves_the_database_as_it_was() {
    let (from, file) = (original("delete"), other("delete"));
    let before = fs::read(file.path()).expect("a file");
    let view = from.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the original opens");
    let begin =
        async || file.sqlite().replace(view.schema(), &CreateOptions::default()).await.expect("begun");
    begin().await.abandon().await.expect("abandoned");
    drop(begin().await);
    assert_eq!(listed(&file), ["test.db"]);
    fs::write(file.path().with_file_name("test.db.rowkeep-unfinished"), b"remains of a kill")
        .expect("a file");

    let reader = file.connect();
    reader.execute_batch("BEGIN; SELECT * FROM t;").expect("a reader");
    reader.query_row("SELECT count(*) FROM t", [], |_| Ok(())).expect("a reader");
    let impatient = file.sqlite().with_patience(Duration::from_millis(100));
    let error = replace(&from, &impatient).await.expect_err("a reader is in the way");
    assert_eq!(error.kind(), ErrorKind::FileBusy, "{error}");
    assert_eq!(first(&reader, "a"), "old");
    reader.execute_batch("COMMIT").expect("no reader");
    assert_eq!(listed(&file), ["test.db"]);
    assert!(fs::read(file.path()).expect("a file") == before);
    replace(&from, &impatient).await.expect("nobody is in the way");
    assert_eq!(first(&reader, "v"), "new 1");
}

/// A process that is killed between giving the new file its name and taking the other away leaves two names of one file.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_name_of_a_database_is_no_remains_to_be_emptied() {
    let (from, file) = (original("delete"), other("delete"));
    let before = print_exactly(&file.connect());
    let mut unfinished = file.path().into_os_string();
    unfinished.push(".rowkeep-unfinished");
    fs::hard_link(file.path(), &unfinished).expect("it has two names");
    let view = from.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the original opens");
    let target = file.sqlite().replace(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    target.abandon().await.expect("it is abandoned");
    assert!(print_exactly(&file.connect()) == before, "it is as it was");
    assert_eq!(listed(&file), ["test.db"]);
    replace(&from, &file.sqlite()).await.expect("the content is replaced");
    assert!(print_exactly(&file.connect()) == print_exactly(&from.connect()));
}
