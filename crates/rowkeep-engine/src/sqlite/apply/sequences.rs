//! The numbers of AUTOINCREMENT: rows of `sqlite_sequence`, which inserting rows changes too.
//!
//! A counter never goes below what an application was already given. So a row that somebody has moved on is no conflict:
//! it stays at the higher number, and that is noted.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep_format::{Change, RowBatch, Table, Value};
use rusqlite::types::Value as Owned;
use rusqlite::{Connection, params};

use super::changed_table::{ChangedTable, Kind, SEQUENCES};
use super::each_change::each_change;
use crate::sqlite::catalog::tables::Facts;
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::quote::quoted;
use crate::{ChangeSource, EngineError};

/// The counters before anything was changed, and what is to become of them.
#[derive(Default)]
pub(super) struct Sequences {
    is_there: bool,
    /// Tables by name: how far they were.
    before: BTreeMap<String, Option<i64>>,
    /// Tables by name: their rows that are to be written, or nothing when those are to go.
    wanted: Vec<(String, Option<Row>)>,
    notes: Vec<String>,
}

/// Where a counter is to be, and how far.
struct Row {
    rowid: Option<i64>,
    number: Option<i64>,
}

impl Sequences {
    pub(super) fn read(connection: &Connection, facts: &[Facts]) -> Result<Self, EngineError> {
        let mut sequences = Self::default();
        if !facts.iter().any(|facts| facts.name == SEQUENCES) {
            return Ok(sequences);
        }
        sequences.is_there = true;
        let read = || -> rusqlite::Result<_> {
            let mut statement =
                connection.prepare("SELECT name, seq FROM main.sqlite_sequence WHERE name NOT NULL")?;
            let rows = statement.query_map([], |row| {
                let number: Owned = row.get(1)?;
                Ok((row.get(0)?, if let Owned::Integer(number) = number { Some(number) } else { None }))
            })?;
            rows.collect()
        };
        sequences.before = read().map_err(when(format!("reading table {SEQUENCES}")))?;
        Ok(sequences)
    }

    /// Compares the counters with those of the changeset.
    pub(super) fn decide(
        &mut self,
        source: &Arc<dyn ChangeSource>,
        changed: &mut ChangedTable<'_>,
        interrupt: &Interrupt,
    ) -> Result<(), EngineError> {
        let table = &changed.changes.table;
        each_change(source, changed.index, interrupt, |at, changes, change| {
            let before = |row| Counter::of(table, changes.before(), row);
            let after = |row| Counter::of(table, changes.after(), row);
            let (was, becomes) = match change {
                Change::Insert { after: row } => (None, Some(after(row))),
                Change::Update { before: row, after: next } => (Some(before(row)), Some(after(next))),
                Change::Delete { before: row } => (Some(before(row)), None),
            };
            // A row that gets another name is one that goes and one that comes.
            if let (Some(was), Some(becomes)) = (&was, &becomes)
                && was.name != becomes.name
            {
                self.wanted.push((was.name.clone(), None));
            }
            let Some(name) = becomes.as_ref().or(was.as_ref()).map(|counter| counter.name.clone()) else {
                return Ok(());
            };
            let present = self.before.get(&name).copied();
            let number = |counter: &Option<Counter>| counter.as_ref().map(|counter| counter.number);
            if present == number(&becomes) && number(&was) != number(&becomes) {
                changed.left.set(at);
                changed.already += 1;
                return Ok(());
            }
            let moved = present != number(&was);
            let present = present.flatten();
            let row = becomes.map(|counter| Row {
                rowid: counter.rowid,
                number: if moved { counter.number.max(present) } else { counter.number },
            });
            if moved {
                self.notes.push(format!(
                    "the counter of table {name} was moved on meanwhile and stays at no less than {}",
                    present.unwrap_or_default()
                ));
                // What somebody has moved on does not go.
                if row.is_none() {
                    changed.left.set(at);
                    changed.skipped += 1;
                    return Ok(());
                }
            }
            self.wanted.push((name, row));
            changed.count(change);
            Ok(())
        })
    }

    /// Writes the counters, after the rows have moved them.
    pub(super) fn write(
        &mut self,
        connection: &Connection,
        changed: &ChangedTable<'_>,
    ) -> Result<(), EngineError> {
        let write = || -> rusqlite::Result<()> {
            for (name, _) in &self.wanted {
                connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?1", [name])?;
            }
            for (name, row) in &self.wanted {
                let Some(Row { rowid, number }) = row else { continue };
                // The rowid is of no matter to anybody but who compares the databases.
                let insert = "INSERT INTO main.sqlite_sequence (rowid, name, seq)
                              SELECT iif(EXISTS (SELECT 1 FROM main.sqlite_sequence WHERE rowid = ?1), NULL, ?1), ?2, ?3";
                connection.execute(insert, params![rowid, name, number])?;
            }
            Ok(())
        };
        write().map_err(when(format!("changing table {}", changed.changes.table.name)))
    }

    /// Moves counters on that are behind the rows of their tables. Returns what people should know.
    pub(super) fn settle(
        mut self,
        connection: &Connection,
        changed_tables: &[ChangedTable<'_>],
    ) -> Result<Vec<String>, EngineError> {
        if !self.is_there {
            return Ok(self.notes);
        }
        let sequences = changed_tables.iter().find(|changed| changed.kind == Kind::Sequences);
        let changed =
            changed_tables.iter().filter(|changed| changed.kind == Kind::Rows && changed.has_inserts);
        let mut names: Vec<_> = changed.map(|changed| changed.changes.table.name.name.clone()).collect();
        names.extend(sequences.into_iter().flat_map(|_| self.wanted.iter().map(|(name, _)| name.clone())));
        names.sort();
        names.dedup();
        for name in names {
            let settled = settle(connection, &name).map_err(when(format!("changing table {SEQUENCES}")))?;
            self.notes.extend(settled);
        }
        Ok(self.notes)
    }
}

/// Moves the counter of a table on, when it is behind its rows. SQLite does so itself while rows are inserted; not when the
/// counter was written afterwards.
fn settle(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql =
        "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 AND sql LIKE '%AUTOINCREMENT%'";
    if !connection.prepare(sql)?.exists([name])? {
        return Ok(None);
    }
    let sql = format!("SELECT max(rowid) FROM main.{}", quoted(name));
    let Some(highest) = connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0))? else {
        return Ok(None);
    };
    let behind = "UPDATE main.sqlite_sequence SET seq = ?2 WHERE name = ?1 AND (seq IS NULL OR seq < ?2)";
    let mut moved = connection.execute(behind, params![name, highest])?;
    if !connection.prepare("SELECT 1 FROM main.sqlite_sequence WHERE name = ?1")?.exists([name])? {
        moved = connection.execute(
            "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)",
            params![name, highest],
        )?;
    }
    Ok((moved > 0).then(|| format!("the counter of table {name} was moved on to {highest}, its highest key")))
}

/// A row of `sqlite_sequence` in a changeset.
struct Counter {
    rowid: Option<i64>,
    name: String,
    number: Option<i64>,
}

impl Counter {
    fn of(table: &Table, batch: &RowBatch, row: usize) -> Self {
        let value = |wanted: &dyn Fn(&rowkeep_format::Column) -> bool| {
            let column = table.columns.iter().position(wanted);
            column.map_or(Value::Null, |column| batch.value(row, column))
        };
        let integer = |value| if let Value::Integer(integer) = value { Some(integer) } else { None };
        Self {
            rowid: integer(value(&|column| column.hidden)),
            name: match value(&|column| column.name == "name") {
                Value::Text(name) => String::from_utf8_lossy(name).into_owned(),
                _ => String::new(),
            },
            number: integer(value(&|column| column.name == "seq")),
        }
    }
}
