//! The state from a server into a file, and from a file onto a server, table by table.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::copy::{Copy, Luggage, PassingFile, packed};
use super::failure;
use super::sqlite::make_tables;
use super::transaction::{Transaction, row_of_sqlite};
use super::value::{Row, Value, places};

/// So many rows are read at once.
const ROWS: i64 = 2_000;

/// So many rows go onto a server with one statement, each with at most some twenty values; there may be 65,535 of them.
const AT_ONCE: usize = 200;

/// A table, and what says in which order its rows are read.
struct Table {
    name: &'static str,
    key: &'static str,
    /// Whether the server numbers its rows.
    is_numbered: bool,
}

const fn table(name: &'static str, key: &'static str, is_numbered: bool) -> Table {
    Table { name, key, is_numbered }
}

/// All tables but the sessions, which go nowhere.
const TABLES: [Table; 12] = [
    table("jobs", "number", true),
    table("marks", "work, database", false),
    table("tokens", "id", false),
    table("audit", "number", false),
    table("users", "id", false),
    table("incidents", "number", true),
    table("deliveries", "number", true),
    table("channels", "name", false),
    table("kept", "one", false),
    table("additions", "subject", false),
    table("runs", "number", true),
    table("storage", "time", false),
];

/// The mark of the key goes along as everything else.
const KEY_MARK: Table = table("key_mark", "one", false);

fn tables() -> impl Iterator<Item = Table> {
    TABLES.into_iter().chain([KEY_MARK])
}

/// Copies a state on a server into a file that nobody else can read. Its transaction is the only one that writes, so that what it reads is
/// one state.
pub(super) fn into_file(state: &Transaction<'_>, path: PathBuf, luggage: &Luggage) -> failure::Result<Copy> {
    let file = PassingFile::at(path);
    rowkeep::private_files::create_if_missing(file.path())?;
    let mut copy = Connection::open(file.path())?;
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF")?;
    make_tables(&mut copy)?;
    for table in tables() {
        let transaction = copy.transaction()?;
        let columns = columns(&transaction, table.name)?;
        let names = columns.join(", ");
        let insert = format!("INSERT INTO {} ({names}) VALUES {}", table.name, places(1, columns.len()));
        let query = format!("SELECT {names} FROM {} ORDER BY {} LIMIT ?1 OFFSET ?2", table.name, table.key);
        let mut from: i64 = 0;
        loop {
            let rows = state.query(&query, params![ROWS, from], |row| Ok(row.values().to_vec()))?;
            for values in &rows {
                Transaction::of_sqlite(&transaction).execute(&insert, values)?;
            }
            from += ROWS;
            if (rows.len() as i64) < ROWS {
                break;
            }
        }
        transaction.commit()?;
    }
    packed(&mut copy, file, luggage)
}

/// Fills the tables of a state on a server that has none of them filled with what is in a file.
pub(super) fn from_file(file: &Path, state: &Transaction<'_>) -> failure::Result<()> {
    let file = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    for table in tables() {
        let columns = columns(&file, table.name)?;
        let kinds = kinds(&file, table.name)?;
        let names = columns.join(", ");
        let mut statement = file.prepare(&format!("SELECT {names} FROM {}", table.name))?;
        let mut rows = statement.query(())?;
        let mut values: Vec<Value> = Vec::new();
        loop {
            let row = rows.next()?;
            if let Some(row) = row {
                values.extend(typed(row_of_sqlite(row, columns.len())?, &kinds));
            }
            let count = values.len() / columns.len();
            if count > 0 && (count == AT_ONCE || row.is_none()) {
                let rows: Vec<String> =
                    (0..count).map(|at| places(1 + at * columns.len(), columns.len())).collect();
                let insert = format!("INSERT INTO {} ({names}) VALUES {}", table.name, rows.join(", "));
                state.execute(&insert, &values)?;
                values.clear();
            }
            if row.is_none() {
                break;
            }
        }
        if table.is_numbered {
            // Its next number comes after those that are there.
            let name = table.name;
            let next = format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'number'), (SELECT coalesce(max(number), 0) + 1 FROM {name}), false)"
            );
            state.query(&next, &[], |_| Ok(()))?;
        }
    }
    Ok(())
}

fn columns(file: &Connection, table: &str) -> failure::Result<Vec<String>> {
    let mut statement = file.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    Ok(statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn kinds(file: &Connection, table: &str) -> failure::Result<Vec<String>> {
    let mut statement = file.prepare("SELECT type FROM pragma_table_info(?1) ORDER BY cid")?;
    Ok(statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The values of a row, where nothing is nothing of the column's type.
fn typed(row: Row, kinds: &[String]) -> Vec<Value> {
    let typed = |(value, kind): (&Value, &String)| match (value, kind.as_str()) {
        (Value::Text(None), "INTEGER") => Value::Integer(None),
        (Value::Text(None), "BLOB") => Value::Blob(None),
        (value, _) => value.clone(),
    };
    row.values().iter().zip(kinds).map(typed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of a table on a server.
    fn on_server(table: &str) -> Vec<String> {
        let (_, behind) = include_str!("postgres/version_1.sql")
            .split_once(&format!("CREATE TABLE {table} ("))
            .unwrap_or_else(|| panic!("{table} is not on servers"));
        let (inside, _) = behind.split_once("\n);").expect("it ends");
        let names = inside.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned).collect()
    }

    #[test]
    fn every_table_is_in_files_and_on_servers_and_goes_from_one_to_the_other() {
        let mut file = Connection::open_in_memory().expect("it opens");
        make_tables(&mut file).expect("they are made");
        let list =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
        let mut statement = file.prepare(list).expect("it is understood");
        let names = statement.query_map((), |row| row.get::<_, String>(0)).expect("it is read");
        let names: Vec<String> = names.collect::<Result<_, _>>().expect("they are read");
        for name in &names {
            assert_eq!(columns(&file, name).expect("they are read"), on_server(name), "{name}");
        }
        let mut known: Vec<&str> = tables().map(|table| table.name).chain(["sessions"]).collect();
        known.sort_unstable();
        assert_eq!(known, names);
    }
}
