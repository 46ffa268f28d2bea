//! Reading while others write, or have crashed while they did.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use rowkeep_engine::conformance::{read, read_all};
use rowkeep_engine::sqlite::Sqlite;
use rowkeep_engine::{Engine, Surroundings, View, ViewOptions};
use rowkeep_format::{RowBatch, Table, Value};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{TestFile, integrity};

fn accounts(journal: &str) -> TestFile {
    let file = TestFile::new();
    file.execute(&format!(
        "PRAGMA journal_mode = {journal}; CREATE TABLE a (id INTEGER PRIMARY KEY, money INT, filler);
         CREATE TABLE b (id INT NOT NULL, n INT NOT NULL, money INT, PRIMARY KEY (id, n)) WITHOUT ROWID;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO a SELECT i, 100, 'some more bytes, so that there are several batches' FROM n;
         INSERT INTO b SELECT id, 0, 100 FROM a;"
    ));
    file
}

fn table<'a>(view: &'a dyn View, name: &str) -> &'a Table {
    view.schema().tables.iter().find(|table| table.name.name == name).expect("a table")
}

fn money(view: &dyn View, name: &str, rows: &RowBatch) -> i64 {
    let column =
        table(view, name).columns.iter().position(|column| column.name == "money").expect("a column");
    (0..rows.rows())
        .map(|row| if let Value::Integer(money) = rows.value(row, column) { money } else { 0 })
        .sum()
}

/// Moves money between the two tables until it is told to stop; returns how often.
fn keep_writing(path: PathBuf, stop: Arc<AtomicBool>) -> u64 {
    let connection = Connection::open(path).expect("the file opens");
    connection.busy_timeout(Duration::from_secs(30)).expect("a timeout");
    connection.execute_batch("PRAGMA synchronous = OFF").expect("a pragma");
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let id = count * 7919 % 20_000 + 1;
        connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; UPDATE a SET money = money - 10 WHERE id = {id}; UPDATE b SET money = money + 10 WHERE id = {id}; COMMIT;"
            ))
            .expect("a transaction");
        count += 1;
    }
    count
}

async fn money_is_never_lost(journal: &str) {
    let file = accounts(journal);
    let temporary = TempDir::new().expect("a folder");
    let surroundings =
        Surroundings { temporary: Some(temporary.path().to_owned()), ..Surroundings::default() };
    let engine = Sqlite::new(file.path(), &surroundings);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (path, stop) = (file.path(), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || keep_writing(path, stop))
    };
    for _ in 0..6 {
        let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
        let (a, b) = tokio::join!(read(&*view, table(&*view, "a")), read(&*view, table(&*view, "b")));
        assert_eq!(
            money(&*view, "a", &a) + money(&*view, "b", &b),
            4_000_000,
            "both tables are of one instant"
        );
        let again = read(&*view, table(&*view, "a")).await;
        assert!(a == again);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.expect("the writer is not disturbed") > 0);
    assert_eq!(integrity(&file.connect()), "ok");
    assert_eq!(fs::read_dir(temporary.path()).expect("a folder").count(), 0, "copies are removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_rollback_mode() {
    for journal in ["delete", "persist", "memory"] {
        money_is_never_lost(journal).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_wal_mode() {
    money_is_never_lost("wal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_that_stands_still_lets_writers_through() {
    let file = accounts("delete");
    let view = file.sqlite().open(&ViewOptions::default()).await.expect("the database opens");
    let mut a = view.rows(table(&*view, "a")).await.expect("the rows are read");
    let mut b = view.rows(table(&*view, "b")).await.expect("the rows are read");
    let first = a.next().await.expect("a batch").expect("a batch");
    // Nobody takes more from either, as when an upload is slow.
    let write = {
        let path = file.path();
        tokio::task::spawn_blocking(move || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(20))?;
            connection.execute_batch("BEGIN; DELETE FROM a WHERE id % 2 = 0; UPDATE b SET money = 0; COMMIT;")
        })
    };
    let written =
        tokio::time::timeout(Duration::from_secs(30), write).await.expect("the writer is let through");
    written.expect("no panic").expect("the statements run");
    let mut rows = first.rows();
    let mut last = 0;
    while let Some(batch) = a.try_next().await.expect("the rows are read") {
        for row in 0..batch.rows() {
            let Value::Integer(id) = batch.value(row, 0) else { panic!("ids are integers") };
            assert!(last == 0 || id == last + 1, "no row is missing or twice");
            last = id;
        }
        rows += batch.rows();
    }
    assert_eq!((rows, last), (20_000, 20_000));
    let mut money = 0;
    while let Some(batch) = b.try_next().await.expect("the rows are read") {
        money += (0..batch.rows()).filter(|row| batch.value(*row, 2) == Value::Integer(100)).count();
    }
    assert_eq!(money, 20_000);
}

/// A copy of what a process would leave that is killed now.
fn crashed(file: &TestFile) -> TestFile {
    let copy = TestFile::new();
    for entry in fs::read_dir(file.path().parent().expect("a folder")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        // The index of the log is shared memory; who comes first makes it anew.
        if !name.to_string_lossy().ends_with("-shm") {
            fs::copy(file.path().with_file_name(&name), copy.path().with_file_name(&name)).expect("a copy");
        }
    }
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_writer_left_is_rolled_back() {
    let file = accounts("delete");
    let writer = file.connect();
    writer
        .execute_batch("PRAGMA cache_size = 5; BEGIN; UPDATE a SET money = -1; UPDATE b SET money = -1;")
        .expect("rows");
    writer.cache_flush().expect("pages are written");
    let crashed = crashed(&file);
    assert!(crashed.path().with_file_name("test.db-journal").exists());
    drop(writer);
    let (_, rows) = read_all(&crashed.sqlite()).await;
    let (_, before) = read_all(&file.sqlite()).await;
    rowkeep_engine::conformance::assert_same_rows(&rows, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_a_crashed_writer_left_is_read_and_kept() {
    let file = accounts("wal");
    let writer = file.connect();
    writer
        .execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE a SET money = 7 WHERE id < 500;")
        .expect("rows");
    let crashed = crashed(&file);
    let log = crashed.path().with_file_name("test.db-wal");
    let (database_before, log_before) =
        (fs::read(crashed.path()).expect("a file"), fs::read(&log).expect("a log"));
    assert!(!log_before.is_empty());
    let (_, rows) = read_all(&crashed.sqlite()).await;
    let (_, expected) = read_all(&file.sqlite()).await;
    rowkeep_engine::conformance::assert_same_rows(&rows, &expected);
    assert!(fs::read(crashed.path()).expect("a file") == database_before, "the database is not changed");
    assert!(fs::read(&log).expect("a log") == log_before, "the log is not carried over");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_leaves_no_files() {
    for journal in ["wal", "delete"] {
        let file = accounts(journal);
        let names = || {
            let folder = fs::read_dir(file.path().parent().expect("a folder")).expect("a folder");
            let mut names: Vec<_> = folder.map(|entry| entry.expect("an entry").file_name()).collect();
            names.sort();
            names
        };
        let (before, bytes) = (names(), fs::read(file.path()).expect("a file"));
        read_all(&file.sqlite()).await;
        file.sqlite().examine().await.expect("the database is examined");
        assert_eq!(before, names());
        assert!(bytes == fs::read(file.path()).expect("a file"));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_look_into_a_copy() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = accounts("delete");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("a mode");
    let temporary = TempDir::new().expect("a folder");
    let surroundings =
        Surroundings { temporary: Some(temporary.path().to_owned()), ..Surroundings::default() };
    let view = Sqlite::new(file.path(), &surroundings).open(&ViewOptions::default()).await.expect("it opens");
    let writer = file.connect();
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE a SET money = 100 WHERE id = 1").expect("it writes");
    // The copy is whole when the writer may go on.
    writer.execute_batch("COMMIT").expect("the view moves to a copy");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let folders: Vec<_> = fs::read_dir(temporary.path()).expect("a folder").collect();
    assert_eq!(folders.len(), 1);
    for folder in folders {
        let folder = folder.expect("an entry").path();
        assert_eq!(mode(&folder), 0o700);
        let copies: Vec<_> = fs::read_dir(&folder).expect("a folder").collect();
        assert_eq!(copies.len(), 1);
        for copy in copies {
            assert_eq!(mode(&copy.expect("an entry").path()), 0o600);
        }
    }
    drop(view);
}

/// Nothing of a view holds a lock any more when it has been dropped, be it that a copy was being made just then.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_dropped_a_view_can_write_at_once() {
    let file = accounts("delete");
    let temporary = TempDir::new().expect("a folder");
    let surroundings =
        Surroundings { temporary: Some(temporary.path().to_owned()), ..Surroundings::default() };
    let engine = Sqlite::new(file.path(), &surroundings);
    let copies = || fs::read_dir(temporary.path()).expect("a folder").count();
    let writer = file.connect();
    writer.busy_timeout(Duration::ZERO).expect("no timeout");
    for _ in 0..100 {
        drop(engine.open(&ViewOptions::default()).await.expect("the database opens"));
        writer.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").expect("nobody reads any more");
    }
    for _ in 0..10 {
        let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
        writer.execute_batch("BEGIN IMMEDIATE; UPDATE a SET money = 100 WHERE id = 1").expect("it writes");
        while copies() == 0 {
            tokio::task::yield_now().await;
        }
        drop(view);
        writer.execute_batch("COMMIT").expect("nobody reads any more");
        assert_eq!(copies(), 0, "the copy is gone");
    }
}
