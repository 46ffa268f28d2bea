//! Statements that make a database as one in a file, from nothing.

use std::collections::HashSet;
use std::path::Path;

use rowkeep_format::{TableKind, Value};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::order::Order;
use super::pack::Packer;
use super::rows::{Inserts, Updates};
use super::shape::{Shape, shapes};
use super::virtual_tables::Virtual;
use crate::sqlite::catalog::properties::{SETTINGS, pragma};
use crate::sqlite::catalog::tables::{Object, objects};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// The most columns of a table.
const COLUMNS: usize = 100;

/// The table of the highest keys that AUTOINCREMENT has given, which comes by itself.
pub(super) const SEQUENCES: &str = "sqlite_sequence";

/// What ANALYZE has found, which comes by it alone.
const STATISTICS: &str = "sqlite_stat1";

/// Composes a database; blocks. Says what does not come with it.
///
/// Foreign keys are checked at the end of each step. So a table comes after those that it refers to; where that cannot be, and there
/// are several steps, its columns that refer get their values when all rows are there.
pub(crate) fn compose(path: &Path, packer: &mut Packer) -> Result<Vec<String>, EngineError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(when(path.display()))?;
    let objects = objects(&connection)?;
    let shapes = shapes(&connection, &objects)?;
    let own = |shape: &Shape| shape.columns.len() - usize::from(shape.has_hidden);
    if let Some(wide) = shapes.iter().find(|shape| own(shape) > COLUMNS) {
        let (name, columns) = (&wide.name, own(wide));
        let message = format!("table {name} has {columns} columns, and D1 takes {COLUMNS}");
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    check_references(&connection)?;
    let bytes = std::fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
    // Literals take six times as much as what they stand for at most: NULL does.
    let is_one_step = bytes.saturating_mul(6) < packer.room().bytes as u64;
    let mut whole = Whole { connection: &connection, packer, notes: settings(&connection) };
    whole.tables(&objects, &shapes)?;
    whole.rows(&shapes, is_one_step)?;
    whole.virtual_rows(&objects)?;
    whole.rest(&objects, &shapes)?;
    Ok(whole.notes)
}

/// Refuses rows that refer to nothing: D1 holds none.
fn check_references(connection: &Connection) -> Result<(), EngineError> {
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 LIMIT 1";
    let found = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional();
    let found: Option<(String, String, i64)> = found.map_err(when("checking foreign keys"))?;
    match found {
        None => Ok(()),
        Some((table, parent, rows)) => {
            let message = format!(
                "rows of table {table} ({rows}) refer to rows of table {parent} that are not there, and D1 takes no such rows"
            );
            Err(EngineError::new(ErrorKind::Dangling, message))
        }
    }
}

struct Whole<'c> {
    connection: &'c Connection,
    packer: &'c mut Packer,
    notes: Vec<String>,
}

impl Whole<'_> {
    fn tables(&mut self, objects: &[Object], shapes: &[Shape]) -> Result<(), EngineError> {
        let is_kept: HashSet<&str> = shapes
            .iter()
            .filter(|shape| shape.kind == TableKind::Table)
            .map(|shape| shape.name.as_str())
            .collect();
        for object in objects.iter().filter(|object| object.kind == "table") {
            match virtual_of(object, shapes) {
                Some(table) => {
                    self.notes.extend(table.note());
                    self.packer.add(table.sql)?;
                }
                None if is_kept.contains(object.name.as_str()) => self.packer.add(object.sql.clone())?,
                None => {}
            }
        }
        Ok(())
    }

    fn rows(&mut self, shapes: &[Shape], is_one_step: bool) -> Result<(), EngineError> {
        let Order { places, late } = Order::of(shapes);
        for at in places {
            let shape = &shapes[at];
            if shape.kind != TableKind::Table {
                continue;
            }
            let late: &[usize] = if is_one_step || shape.key.is_empty() { &[] } else { &late[at] };
            self.rows_of(shape, late)?;
            if !late.is_empty() {
                self.late_values(shape, late)?;
            }
        }
        Ok(())
    }

    /// All rows of a table; those columns that come later are NULL.
    fn rows_of(&mut self, shape: &Shape, late: &[usize]) -> Result<(), EngineError> {
        let doing = || format!("reading table {}", shape.name);
        let mut rows = Statement::prepare(self.connection, &select(shape)).map_err(when(doing()))?;
        let mut inserts = Inserts::new(&shape.name, &shape.names(), self.packer.room().longest);
        let mut sink = |sql: String| self.packer.add(sql);
        while rows.step().map_err(when(doing()))? {
            let value = |at: usize| match late.contains(&at) {
                true => Value::Null,
                false => rows.value(at).unwrap_or(Value::Null),
            };
            inserts.add((0..shape.columns.len()).map(value), &mut sink)?;
        }
        inserts.end(&mut sink)
    }

    fn late_values(&mut self, shape: &Shape, late: &[usize]) -> Result<(), EngineError> {
        let doing = || format!("reading table {}", shape.name);
        let some = late.iter().map(|at| format!("{} IS NOT NULL", quoted(&shape.columns[*at])));
        let sql = format!("{} WHERE {}", select(shape), some.collect::<Vec<_>>().join(" OR "));
        let mut rows = Statement::prepare(self.connection, &sql).map_err(when(doing()))?;
        let mut updates = Updates::new(shape, self.packer.room().longest);
        let mut sink = |sql: String| self.packer.add(sql);
        while rows.step().map_err(when(doing()))? {
            let value = |at: &usize| rows.value(*at).unwrap_or(Value::Null);
            updates.add(late, shape.key.iter().map(value), late.iter().map(value), &mut sink)?;
        }
        updates.end(&mut sink)
    }

    fn virtual_rows(&mut self, objects: &[Object]) -> Result<(), EngineError> {
        let has = |name: &str| objects.iter().any(|object| object.name == name);
        for table in objects.iter().filter_map(|object| Virtual::of(object, has)) {
            let longest = self.packer.room().longest;
            table.fill(self.connection, "main", longest, &mut |sql| self.packer.add(sql))?;
        }
        Ok(())
    }

    /// What comes after rows.
    fn rest(&mut self, objects: &[Object], shapes: &[Shape]) -> Result<(), EngineError> {
        let of = |name: &str| shapes.iter().find(|shape| shape.name == name);
        if let Some(sequences) = of(SEQUENCES) {
            self.packer.add(format!("DELETE FROM {SEQUENCES}"))?;
            self.rows_of(sequences, &[])?;
        }
        for object in objects.iter().filter(|object| object.kind != "table") {
            self.packer.add(object.sql.clone())?;
        }
        if let Some(statistics) = of(STATISTICS) {
            self.packer.add("ANALYZE sqlite_schema".to_owned())?;
            self.packer.add(format!("DELETE FROM {STATISTICS}"))?;
            self.rows_of(statistics, &[])?;
        }
        Ok(())
    }
}

fn virtual_of(object: &Object, shapes: &[Shape]) -> Option<Virtual> {
    Virtual::of(object, |name| shapes.iter().any(|shape| shape.name == name))
}

/// All rows of a table in its own order.
fn select(shape: &Shape) -> String {
    format!("SELECT {} FROM main.{} NOT INDEXED", shape.names().join(", "), quoted(&shape.name))
}

/// What D1 has no place for.
fn settings(connection: &Connection) -> Vec<String> {
    let mut notes = Vec::new();
    for name in SETTINGS {
        if pragma::<i64>(connection, name).is_ok_and(|value| value != 0) {
            notes.push(format!("{name} is 0: D1 lets nobody set it"));
        }
    }
    notes
}
