//! Rows of a file on their way into tables: each value as JSON, until all are seen and it is known what keeps them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Statement, params_from_iter};

use super::column::{Column, staged_text};
use super::finish::finish;
use super::table::{Refused, Row, Staged};
use crate::sqlite::quote::quoted;

/// The most columns of a table, which is SQLite's own limit without one.
const MOST_COLUMNS: usize = 1999;

/// For how many columns there is room at first: each change of a table has SQLite read the definitions of all of them again.
const ROOM: usize = 32;

/// The most tables of a file.
const MOST_TABLES: usize = 10_000;

/// The tables of a file that is being read.
pub(super) struct Tables<'c> {
    connection: &'c Connection,
    tables: Vec<Staged>,
    /// What adds a row to each table, for as many columns as it then has.
    inserts: HashMap<usize, (usize, Statement<'c>)>,
    /// What takes a row of a key away, and what says whether there is one.
    deletes: HashMap<usize, Statement<'c>>,
    lookups: HashMap<usize, Statement<'c>>,
    by_name: HashMap<String, usize>,
    notes: Vec<String>,
    is_typed: bool,
    /// Which of several files of rows is being read.
    file: usize,
}

impl<'c> Tables<'c> {
    /// None yet, in a database that holds nothing.
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("plain_text", 1, flags, |context| {
            let raw = context.get_raw(0);
            Ok(raw.as_bytes_or_null()?.map(staged_text))
        })?;
        connection.create_scalar_function("plain_real", 1, flags, |context| {
            let raw: Option<String> = context.get(0)?;
            Ok(raw.and_then(|raw| raw.parse::<f64>().ok()))
        })?;
        connection.execute_batch("BEGIN")?;
        Ok(Self {
            connection,
            tables: Vec::new(),
            inserts: HashMap::new(),
            deletes: HashMap::new(),
            lookups: HashMap::new(),
            by_name: HashMap::new(),
            notes: Vec::new(),
            is_typed: true,
            file: 0,
        })
    }

    /// The table of a name, which is begun where there is none yet.
    pub(super) fn table(&mut self, name: &str) -> Result<usize, Refused> {
        if let Some(at) = self.by_name.get(name) {
            if self.tables[*at].file != self.file {
                return Err(Refused::Words(format!(
                    "another file beside it has rows of {name} as well: leave the one that is meant"
                )));
            }
            return Ok(*at);
        }
        if self.tables.len() == MOST_TABLES {
            return Err(Refused::Words(format!("it has more than {MOST_TABLES} tables")));
        }
        let at = self.tables.len();
        let staging = format!("rowkeep staging {at}");
        self.create(&staging, ROOM)?;
        self.tables.push(Staged {
            name: name.to_owned(),
            staging,
            room: ROOM,
            file: self.file,
            columns: Vec::new(),
            by_name: HashMap::new(),
            rows: 0,
            key: Vec::new(),
            found_by: Vec::new(),
            has_twice: false,
            has_lost: false,
        });
        self.by_name.insert(name.to_owned(), at);
        Ok(at)
    }

    fn create(&self, staging: &str, room: usize) -> rusqlite::Result<()> {
        let columns: Vec<String> = (0..room).map(|at| format!("c{at}")).collect();
        let columns = columns.join(", ");
        self.connection.execute_batch(&format!("CREATE TABLE {} ({columns})", quoted(staging)))
    }

    /// Says that what follows is of another file, which may not have rows of the same tables.
    pub(super) fn next_file(&mut self) {
        self.file += 1;
    }

    /// The names of all tables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    /// The names of those that are of the file that is being read.
    pub(super) fn of_file(&self) -> impl Iterator<Item = &str> {
        let own = self.tables.iter().filter(|table| table.file == self.file);
        own.map(|table| table.name.as_str())
    }

    /// Says which columns name the rows of a table, where any do.
    pub(super) fn key(&mut self, name: &str, key: Vec<String>) {
        if let Some(at) = self.by_name.get(name).filter(|_| !key.is_empty()) {
            self.tables[*at].key = key;
        }
    }

    /// Takes the rows of a table for named by `id` where nothing says what names them.
    pub(super) fn presume_key(&mut self, at: usize) {
        if self.tables[at].key.is_empty() {
            self.tables[at].key.push("id".to_owned());
        }
    }

    /// Says that the file has no types, so that what a text looks like tells nothing.
    pub(super) fn untyped(&mut self) {
        self.is_typed = false;
    }

    /// Says something of the file.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// How many rows there are of each table.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.tables.iter().map(|table| (table.name.as_str(), table.rows))
    }

    /// Says which columns a table has, whatever its rows do.
    pub(super) fn columns<'n>(
        &mut self,
        at: usize,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Result<(), Refused> {
        let table = &mut self.tables[at];
        for name in names {
            let column = table.columns.len();
            if table.by_name.contains_key(name) {
                continue;
            }
            if column == MOST_COLUMNS {
                let name = &table.name;
                return Err(Refused::Words(format!("table {name} has more than {MOST_COLUMNS} columns")));
            }
            table.columns.push(Column::new(name.clone()));
            table.by_name.insert(name.clone(), column);
        }
        match table.columns.len() > table.room {
            true => Ok(self.widen(at)?),
            false => Ok(()),
        }
    }

    /// Gives a table room for twice the columns that it has.
    fn widen(&mut self, at: usize) -> rusqlite::Result<()> {
        self.inserts.remove(&at);
        self.deletes.remove(&at);
        self.lookups.remove(&at);
        let table = &self.tables[at];
        let (staging, room) = (format!("{} wider", table.staging), table.columns.len() * 2);
        self.create(&staging, room)?;
        let columns: Vec<String> = (0..table.room).map(|at| format!("c{at}")).collect();
        let columns = columns.join(", ");
        self.connection.execute_batch(&format!(
            "INSERT INTO {new} ({columns}) SELECT {columns} FROM {old} ORDER BY rowid; DROP TABLE {old}",
            new = quoted(&staging),
            old = quoted(&table.staging)
        ))?;
        let table = &mut self.tables[at];
        (table.staging, table.room) = (staging, room);
        if table.found_by.is_empty() { Ok(()) } else { self.index(at) }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, at: usize, row: &Row) -> Result<(), Refused> {
        if row.iter().any(|(name, _)| !self.tables[at].by_name.contains_key(name)) {
            self.columns(at, row.iter().map(|(name, _)| name))?;
        }
        let table = &mut self.tables[at];
        let mut values: Vec<Option<&[u8]>> = vec![None; table.columns.len()];
        for (name, raw) in row {
            let Some(column) = table.by_name.get(name).copied() else { continue };
            if values[column].replace(raw).is_some() {
                table.has_twice = true;
            }
        }
        for (column, value) in table.columns.iter_mut().zip(&values) {
            if let Some(raw) = value {
                column.see(raw);
            }
        }
        let is_value = |raw: &&[u8]| *raw != b"null";
        let stored = values.iter().map(|value| {
            let raw = value.filter(is_value);
            // What was read is UTF-8.
            raw.map(|raw| String::from_utf8_lossy(raw).into_owned())
        });
        let count = values.len().max(1);
        let (columns, insert) = match self.inserts.remove(&at) {
            Some((columns, insert)) if columns == count => (columns, insert),
            _ => {
                let (slots, names) = (vec!["?"; count].join(", "), (0..count).map(|at| format!("c{at}")));
                let names = names.collect::<Vec<_>>().join(", ");
                let sql = format!("INSERT INTO {} ({names}) VALUES ({slots})", quoted(&table.staging));
                (count, self.connection.prepare(&sql)?)
            }
        };
        let (_, insert) = self.inserts.entry(at).insert_entry((columns, insert)).into_mut();
        match values.is_empty() {
            true => insert.execute([None::<String>])?,
            false => insert.execute(params_from_iter(stored))?,
        };
        table.rows += 1;
        Ok(())
    }

    /// Says of what types the columns of a table are, where the file says so.
    #[cfg(feature = "parquet")]
    pub(super) fn declare(&mut self, at: usize, types: impl Iterator<Item = &'static str>) {
        for (column, declared) in self.tables[at].columns.iter_mut().zip(types) {
            column.own = Some(declared);
        }
    }

    /// Adds a row of such a table, with a value for each of its columns.
    #[cfg(feature = "parquet")]
    pub(super) fn add_values(&mut self, at: usize, row: &[rusqlite::types::Value]) -> Result<(), Refused> {
        let table = &mut self.tables[at];
        for (column, value) in table.columns.iter_mut().zip(row) {
            column.present += 1;
            column.values += u64::from(*value != rusqlite::types::Value::Null);
        }
        let (_, insert) = match self.inserts.entry(at) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let (slots, names) =
                    (vec!["?"; row.len()].join(", "), (0..row.len()).map(|at| format!("c{at}")));
                let names = names.collect::<Vec<_>>().join(", ");
                let sql = format!("INSERT INTO {} ({names}) VALUES ({slots})", quoted(&table.staging));
                free.insert((row.len(), self.connection.prepare(&sql)?))
            }
        };
        insert.execute(params_from_iter(row))?;
        table.rows += 1;
        Ok(())
    }

    /// Adds a row of which there is none with the same key, where something names the rows of the table.
    pub(super) fn insert(&mut self, at: usize, row: &Row) -> Result<(), Refused> {
        let table = &self.tables[at];
        let is_known = |name: &String| table.by_name.contains_key(name);
        if table.rows > 0 && !table.key.is_empty() && table.key.iter().all(is_known) {
            let key = self.keyed(at)?;
            let table = &self.tables[at];
            let value = |column: &usize| {
                let name = &table.columns[*column].name;
                let raw = row.iter().rev().find(|(own, _)| own == name).map(|(_, raw)| raw)?;
                Some(String::from_utf8_lossy(raw).into_owned())
            };
            if let Some(values) = key.iter().map(value).collect::<Option<Vec<String>>>() {
                let lookup = match self.lookups.entry(at) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(free) => free.insert(self.connection.prepare(&format!(
                        "SELECT 1 FROM {} WHERE {}",
                        quoted(&table.staging),
                        tests(&key)
                    ))?),
                };
                if lookup.exists(params_from_iter(&values))? {
                    return Err(Refused::Words(format!(
                        "table {} has a row of the key {} already, which it says is new: it is not the increment of this state",
                        table.name,
                        values.join(", ")
                    )));
                }
            }
        }
        self.add(at, row)
    }

    /// Puts a row in the place of that with the same key.
    pub(super) fn update(&mut self, at: usize, row: &Row) -> Result<(), Refused> {
        let key = self.keyed(at)?;
        let names: Vec<&String> = key.iter().map(|column| &self.tables[at].columns[*column].name).collect();
        let value = |name: &&String| row.iter().find(|(own, _)| own == *name).map(|(_, raw)| raw.clone());
        let Some(values) = names.iter().map(value).collect::<Option<Vec<_>>>() else {
            let table = &self.tables[at].name;
            return Err(Refused::Words(format!("a changed row of table {table} lacks a column of its key")));
        };
        self.delete(at, &values)?;
        self.add(at, row)
    }

    /// Takes the row of a key away.
    pub(super) fn delete(&mut self, at: usize, values: &[Vec<u8>]) -> Result<(), Refused> {
        let key = self.keyed(at)?;
        let table = &mut self.tables[at];
        if key.len() != values.len() {
            let name = &table.name;
            return Err(Refused::Words(format!(
                "a key of table {name} has {} values, and its rows are named by {}",
                values.len(),
                key.len()
            )));
        }
        let delete = match self.deletes.entry(at) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let sql = format!("DELETE FROM {} WHERE {}", quoted(&table.staging), tests(&key));
                free.insert(self.connection.prepare(&sql)?)
            }
        };
        let given = values.iter().map(|raw| String::from_utf8_lossy(raw).into_owned());
        match delete.execute(params_from_iter(given))? {
            1 => {
                table.rows -= 1;
                table.has_lost = true;
            }
            found => {
                let key: Vec<_> = values.iter().map(|raw| String::from_utf8_lossy(raw)).collect();
                return Err(Refused::Words(format!(
                    "table {} has {found} rows of the key {}, which it says it changes: it is not the increment of this state",
                    table.name,
                    key.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// The columns that the rows of a table are found by.
    fn keyed(&mut self, at: usize) -> Result<Vec<usize>, Refused> {
        let table = &mut self.tables[at];
        if table.found_by.is_empty() {
            let named = match table.key.is_empty() {
                true => vec!["id".to_owned()],
                false => table.key.clone(),
            };
            let found: Option<Vec<usize>> =
                named.iter().map(|name| table.by_name.get(name).copied()).collect();
            let Some(found) = found else {
                return Err(Refused::Words(format!(
                    "rows of table {} change, and it has no column {} to find them by",
                    table.name,
                    named.join(", ")
                )));
            };
            table.found_by = found;
            self.index(at)?;
        }
        Ok(self.tables[at].found_by.clone())
    }

    /// Has rows of a table found by its key.
    fn index(&self, at: usize) -> rusqlite::Result<()> {
        let table = &self.tables[at];
        let columns: Vec<String> = table.found_by.iter().map(|column| format!("c{column}")).collect();
        self.connection.execute_batch(&format!(
            "CREATE INDEX {} ON {} ({})",
            quoted(&format!("rowkeep index {at}")),
            quoted(&table.staging),
            columns.join(", ")
        ))
    }

    /// Makes the tables; gives what there is to say of them.
    pub(super) fn finish(self) -> Result<Vec<String>, Refused> {
        drop((self.inserts, self.deletes, self.lookups));
        let mut notes = self.notes;
        for table in &self.tables {
            if table.has_twice {
                notes.push(format!(
                    "{}: a row has two members of one name; the last counts, as in JavaScript",
                    table.name
                ));
            }
        }
        notes.extend(finish(self.connection, &self.tables, self.is_typed)?);
        self.connection.execute_batch("COMMIT")?;
        Ok(notes)
    }
}

/// What finds the rows of a key.
fn tests(key: &[usize]) -> String {
    key.iter().map(|column| format!("c{column} = ?")).collect::<Vec<_>>().join(" AND ")
}
