//! The databases, by their names. What keeps each is a connection that nobody else has.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::backup::Backup;

pub(super) type Database = Arc<Mutex<Connection>>;

static DATABASES: Mutex<BTreeMap<String, Database>> = Mutex::new(BTreeMap::new());

fn databases() -> MutexGuard<'static, BTreeMap<String, Database>> {
    DATABASES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn get(name: &str) -> Option<Database> {
    databases().get(name).cloned()
}

/// Puts a database in the place of what is there.
pub(super) fn put(name: &str, database: Connection) {
    databases().insert(name.to_owned(), Arc::new(Mutex::new(database)));
}

pub(super) fn remove(name: &str) {
    databases().remove(name);
}

pub(super) fn lock(database: &Database) -> MutexGuard<'_, Connection> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing, which does not look after references.
pub(super) fn empty() -> Connection {
    let database = Connection::open_in_memory().expect("there is memory");
    database.execute_batch("PRAGMA foreign_keys = off").expect("a setting");
    database
}

/// Another database that holds the same.
pub(super) fn copy(of: &Connection) -> Connection {
    let mut copy = empty();
    let copying = Backup::new(of, &mut copy).expect("it begins");
    copying.run_to_completion(1000, std::time::Duration::ZERO, None).expect("it is copied");
    drop(copying);
    copy
}

/// Runs statements as an application would: all or none.
pub(super) fn run(name: &str, sql: &str) {
    let database = get(name).expect("it is there");
    let run = lock(&database).execute_batch(&format!("BEGIN; {sql}; COMMIT;"));
    run.unwrap_or_else(|error| panic!("{error}: {}", &sql[..sql.len().min(500)]));
}

/// All of a database as text.
pub(super) fn dump(name: &str) -> String {
    let database = get(name).expect("it is there");
    let database = lock(&database);
    let mut out = String::new();
    let names: Vec<String> =
        lines(&database, "SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY type, name");
    names.iter().for_each(|sql| writeln!(out, "{sql}").expect("it is text"));
    for table in lines(&database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
        let quoted = format!("\"{}\"", table.replace('"', "\"\""));
        let mut statement = database.prepare(&format!("SELECT * FROM {quoted}")).expect("a query");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            Ok((0..columns).map(|at| format!("{:?}|", row.get_ref(at).expect("a value"))).collect::<String>())
        });
        let mut rows: Vec<String> = rows.expect("rows").collect::<Result<_, _>>().expect("rows");
        rows.sort();
        writeln!(out, "{table}\n{}", rows.join("\n")).expect("it is text");
    }
    out
}

/// The first column of what a query gives.
pub(super) fn lines(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).expect("a query");
    let lines = statement.query_map([], |row| row.get(0)).expect("rows");
    lines.collect::<Result<_, _>>().expect("text")
}
