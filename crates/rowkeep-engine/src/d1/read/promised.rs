//! Tables of which the rows that changed are known by a column that rises with each change, because whoever writes them promises that.

use std::collections::BTreeMap;

use rowkeep_format::{Schema, TableName, Value};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::d1::address::ChangedBy;
use crate::sqlite::connect::error::when;
use crate::sqlite::literal;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// A highest value with more bytes stands in no statement.
const LONGEST_BYTES: usize = 1_000;

/// Such a table, and the column by its place.
#[derive(Debug, Clone)]
pub(super) struct Promised {
    pub(super) table: TableName,
    pub(super) column: usize,
    name: String,
}

/// Finds the tables and columns that promises name.
pub(super) fn found(
    promises: &[ChangedBy],
    schema: &Schema,
    shown: &str,
) -> Result<Vec<Promised>, EngineError> {
    let find = |promise: &ChangedBy| {
        let table = schema.tables.iter().find(|table| table.name.name == promise.table)?;
        let is_it = |column: &rowkeep_format::Column| !column.hidden && column.name == promise.column;
        let column = table.columns.iter().position(is_it)?;
        Some(Promised { table: table.name.clone(), column, name: promise.column.clone() })
    };
    let find_or_fail = |promise| {
        find(promise).ok_or_else(|| {
            let ChangedBy { table, column } = promise;
            let message =
                format!("{shown}: it has no column {table}.{column}, which changed-by of its URL names");
            EngineError::new(ErrorKind::Other, message)
        })
    };
    promises.iter().map(find_or_fail).collect()
}

/// The highest value of the column of each such table, as SQL: what a snapshot keeps for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Highest(BTreeMap<String, (String, String)>);

impl Highest {
    /// What a snapshot has kept; nothing of what is no such thing.
    pub(super) fn parse(kept: &str) -> Self {
        Self(serde_json::from_str(kept).unwrap_or_default())
    }

    /// To be kept.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// That of a table, if it was kept for the same column.
    pub(super) fn of(&self, promised: &Promised) -> Option<&str> {
        let (column, value) = self.0.get(&promised.table.name)?;
        (*column == promised.name).then_some(value)
    }

    /// Looks them up in a copy; blocks.
    pub(super) fn look(connection: &Connection, promised: &[Promised]) -> Result<Self, EngineError> {
        let mut all = BTreeMap::new();
        for one in promised {
            let sql = format!("SELECT max({}) FROM main.{}", quoted(&one.name), quoted(&one.table.name));
            let highest = connection.query_row(&sql, [], |row| Ok(written(row.get_ref(0)?)));
            if let Some(highest) = highest.map_err(when(format!("looking at table {}", one.table)))? {
                all.insert(one.table.name.clone(), (one.name.clone(), highest));
            }
        }
        Ok(Self(all))
    }
}

/// A value as SQL; nothing for NULL, and for what is too long to stand in statements.
fn written(value: ValueRef<'_>) -> Option<String> {
    let value = match value {
        ValueRef::Null => return None,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real.to_bits()),
        ValueRef::Text(text) => Value::Text(text),
        ValueRef::Blob(blob) => Value::Blob(blob),
    };
    let mut out = Vec::new();
    literal::value(value, None, &mut out);
    String::from_utf8(out).ok().filter(|sql| sql.len() <= LONGEST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_values_are_kept_and_asked_for_again() {
        let connection = Connection::open_in_memory().expect("it opens");
        let sql = "CREATE TABLE o (id INTEGER PRIMARY KEY, at TEXT, r REAL); CREATE TABLE e (id);
                   INSERT INTO o VALUES (1, '2026', 0.1), (2, '2026-11-30 it''s', NULL), (3, NULL, 1e999)";
        connection.execute_batch(sql).expect("it is made");
        let promised = |table: &str, column: usize, name: &str| Promised {
            table: TableName::plain(table),
            column,
            name: name.to_owned(),
        };
        for (of, expected) in [
            (promised("o", 1, "at"), Some("'2026-11-30 it''s'")),
            (promised("o", 0, "id"), Some("3")),
            (promised("o", 2, "r"), Some("1e999")),
            (promised("e", 0, "id"), None),
        ] {
            let highest = Highest::look(&connection, std::slice::from_ref(&of)).expect("it is looked up");
            let highest = Highest::parse(&highest.text());
            assert_eq!(highest.of(&of), expected);
            assert_eq!(highest.of(&Promised { name: "other".to_owned(), ..of }), None);
        }
        assert_eq!(Highest::parse("0/1A2B3C"), Highest::default());
    }
}
