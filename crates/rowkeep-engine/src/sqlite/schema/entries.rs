//! The rows of `sqlite_schema`, kept out of it while objects are created.
//!
//! For each object that is created SQLite searches all of `sqlite_schema` for the row that it has just added. What it
//! knows of a table it has in memory besides, and that is enough to use the table on the same connection.
//!
//! Nothing may be dropped meanwhile: with `auto_vacuum` that can move other tables, whose rows would have to say so.

use rusqlite::{Connection, Statement, params};

use crate::sqlite::catalog::tables::Object;

/// The table of the numbers that AUTOINCREMENT has given. SQLite makes it when it knows of none.
pub(super) const SEQUENCES: &str = "sqlite_sequence";

/// Rows that were taken out of `sqlite_schema`, in their order.
#[derive(Debug, Default)]
pub(super) struct Entries(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    kind: String,
    name: String,
    table: String,
    root_page: i64,
    /// Indexes that come with a table have none.
    sql: Option<String>,
}

impl Entries {
    /// Takes out all rows that there are.
    pub(super) fn take(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "SELECT type, name, tbl_name, rootpage, sql FROM main.sqlite_schema ORDER BY rowid";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Entry {
                kind: row.get(0)?,
                name: row.get(1)?,
                table: row.get(2)?,
                root_page: row.get(3)?,
                sql: row.get(4)?,
            })
        })?;
        for row in rows {
            let entry = row?;
            if entry.name != SEQUENCES || !self.0.iter().any(|known| known.name == SEQUENCES) {
                self.0.push(entry);
            }
        }
        connection.execute("DELETE FROM main.sqlite_schema WHERE true", []).map(|_| ())
    }

    /// Puts all rows back.
    pub(super) fn put_back(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(INSERT)?;
        self.0.drain(..).try_for_each(|entry| entry.insert(&mut statement))
    }

    /// Puts the row of [`SEQUENCES`] back, and keeps it.
    pub(super) fn put_back_sequences(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self.0.iter().find(|entry| entry.name == SEQUENCES) {
            Some(entry) => entry.insert(&mut connection.prepare(INSERT)?),
            None => Ok(()),
        }
    }

    /// Adds an object that has no pages of its own.
    pub(super) fn define(&mut self, object: &Object) {
        self.0.push(Entry {
            kind: object.kind.clone(),
            name: object.name.clone(),
            table: object.table.clone(),
            root_page: 0,
            sql: Some(object.sql.clone()),
        });
    }

    /// Corrects the SQL of an object, which need not be what was run.
    ///
    /// It is looked for from the end, where what was just created is.
    pub(super) fn keep_sql(&mut self, object: &Object) {
        let is = |entry: &&mut Entry| entry.kind == object.kind && entry.name == object.name;
        if let Some(entry) = self.0.iter_mut().rev().find(is) {
            entry.sql = Some(object.sql.clone());
        }
    }
}

const INSERT: &str =
    "INSERT INTO main.sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?1, ?2, ?3, ?4, ?5)";

impl Entry {
    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
        let Entry { kind, name, table, root_page, sql } = self;
        statement.execute(params![kind, name, table, root_page, sql]).map(|_| ())
    }
}
