//! Tables of their own for the rows of a file, once all are seen.

use std::collections::HashSet;

use rusqlite::{Connection, ErrorCode};

use super::table::{Refused, Staged};
use crate::sqlite::quote::quoted;

/// Columns that may name rows though nobody says so, beside those made of the table's own name.
const NAMING: [&str; 4] = ["id", "_id", "uuid", "key"];

/// Makes all tables; gives what there is to say of them.
pub(super) fn finish(
    connection: &Connection,
    tables: &[Staged],
    is_typed: bool,
) -> Result<Vec<String>, Refused> {
    let (mut notes, mut taken) = (Vec::new(), HashSet::new());
    // Nobody's table may be in the way.
    taken.extend(tables.iter().map(|table| table.staging.to_lowercase()));
    for table in tables {
        let name = named(&table.name, &mut taken);
        if name != table.name {
            notes.push(format!(
                "table {} becomes {name}: SQLite keeps its name for itself or another",
                table.name
            ));
        }
        Making { connection, table, name: &name, is_typed }.make(&mut notes)?;
    }
    Ok(notes)
}

/// A name that SQLite takes and that no other has.
fn named(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.replace('\0', "\u{fffd}");
    if name.to_ascii_lowercase().starts_with("sqlite_") {
        name.insert(0, '_');
    }
    let (plain, mut number) = (name.clone(), 2);
    while !taken.insert(name.to_lowercase()) {
        name = format!("{plain}_{number}");
        number += 1;
    }
    name
}

struct Making<'m> {
    connection: &'m Connection,
    table: &'m Staged,
    name: &'m str,
    is_typed: bool,
}

impl Making<'_> {
    fn make(&self, notes: &mut Vec<String>) -> Result<(), Refused> {
        let table = self.table;
        let mut taken = HashSet::new();
        let names: Vec<String> = table.columns.iter().map(|column| named(&column.name, &mut taken)).collect();
        for (name, column) in names.iter().zip(&table.columns) {
            if *name != column.name {
                notes.push(format!("column {}.{} becomes {name}", table.name, column.name));
            }
            let told = if self.is_typed { column.told(table.rows) } else { Vec::new() };
            notes.extend(told.into_iter().map(|told| format!("{}.{name}: {told}", table.name)));
        }
        if names.is_empty() {
            notes.push(match table.rows {
                0 => format!("{} has no rows, so its columns are not known", table.name),
                _ => format!("the rows of {} have no members: each becomes one whose id is NULL", table.name),
            });
            self.create(&["\"id\"".to_owned()], &[])?;
            let (own, staging) = (quoted(self.name), quoted(&table.staging));
            self.connection.execute_batch(&format!("INSERT INTO {own} SELECT NULL FROM {staging}"))?;
            return self.clear();
        }
        for key in self.candidates()? {
            let columns: Vec<String> = (0..names.len()).map(|at| self.declared(&names, at, &key)).collect();
            let key_names: Vec<String> = key.iter().map(|at| quoted(&names[*at])).collect();
            self.create(&columns, &key_names)?;
            match self.fill(&names) {
                Ok(()) => {
                    if key.is_empty() && table.rows > 0 {
                        notes.push(format!(
                            "nothing in {} names its rows: they are known by their place in the file",
                            table.name
                        ));
                    }
                    return self.clear();
                }
                Err(error) if !key.is_empty() && is_repeated(&error) => {
                    notes.push(format!("{}.{}: two rows have the same", table.name, names[key[0]]));
                    self.connection.execute_batch(&format!("DROP TABLE {}", quoted(self.name)))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The columns that may name rows, the likeliest first; none in the end.
    fn candidates(&self) -> rusqlite::Result<Vec<Vec<usize>>> {
        let table = self.table;
        let place = |name: &str| table.columns.iter().position(|column| column.name == name);
        let is_whole = |at: &usize| {
            let column = &table.columns[*at];
            let values = if table.has_lost { self.values(*at)? } else { column.values };
            Ok(values > 0 && values == table.rows && column.kept().may_name())
        };
        let said: Option<Vec<usize>> = table.key.iter().map(|name| place(name)).collect();
        let mut candidates: Vec<Vec<usize>> = said.filter(|key| !key.is_empty()).into_iter().collect();
        let single = table.name.strip_suffix('s').unwrap_or(&table.name);
        let of_name = [format!("{single}_id"), format!("{single}Id")];
        let names = NAMING.into_iter().chain(of_name.iter().map(String::as_str));
        candidates.extend(names.filter_map(place).map(|at| vec![at]));
        let mut whole: Vec<Vec<usize>> = Vec::new();
        for key in candidates {
            let parts: rusqlite::Result<Vec<bool>> = key.iter().map(is_whole).collect();
            if parts?.into_iter().all(|is_whole| is_whole) && !whole.contains(&key) {
                whole.push(key);
            }
        }
        whole.push(Vec::new());
        Ok(whole)
    }

    /// In how many rows a column has a value.
    fn values(&self, at: usize) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(c{at}) FROM {}", quoted(&self.table.staging));
        self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }

    fn declared(&self, names: &[String], at: usize, key: &[usize]) -> String {
        let not_null = if key.contains(&at) { " NOT NULL" } else { "" };
        let declared = self.table.columns[at].kept().declared();
        format!("{} {declared}{not_null}", quoted(&names[at])).trim_end().to_owned()
    }

    fn create(&self, columns: &[String], key: &[String]) -> rusqlite::Result<()> {
        let mut parts = columns.to_vec();
        let mut after = "";
        if !key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
            after = " WITHOUT ROWID";
        }
        let sql = format!("CREATE TABLE {} ({}){after}", quoted(self.name), parts.join(", "));
        self.connection.execute_batch(&sql)
    }

    fn fill(&self, names: &[String]) -> rusqlite::Result<()> {
        let own: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let values = self.table.columns.iter().enumerate();
        let values: Vec<String> =
            values.map(|(at, column)| column.kept().expression(&format!("c{at}"))).collect();
        self.connection.execute_batch(&format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY rowid",
            quoted(self.name),
            own.join(", "),
            values.join(", "),
            quoted(&self.table.staging)
        ))
    }

    fn clear(&self) -> Result<(), Refused> {
        Ok(self.connection.execute_batch(&format!("DROP TABLE {}", quoted(&self.table.staging)))?)
    }
}

fn is_repeated(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::ConstraintViolation)
}
