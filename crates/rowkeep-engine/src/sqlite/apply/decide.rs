//! Deciding about each row, before anything is changed.

use std::sync::Arc;

use rowkeep_format::{Change, RowBatch, Table, key};
use rusqlite::Connection;

use super::changed_table::ChangedTable;
use super::conflicts::Conflicts;
use super::each_change::each_change;
use super::located::Located;
use super::row_locator::RowLocator;
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::quote::quoted;
use crate::sqlite::read::scan::{out_of_memory, push_row};
use crate::{ChangeSource, EngineError};

/// What is to be done about a change.
enum Decision {
    Make,
    /// The row already is as it is to become.
    Already,
    /// Somebody has changed the row.
    Conflict,
}

/// Compares every row that a changeset names with the one that is there.
pub(super) fn decide(
    connection: &Connection,
    source: &Arc<dyn ChangeSource>,
    changed: &mut ChangedTable<'_>,
    conflicts: &mut Conflicts,
    interrupt: &Interrupt,
) -> Result<(), EngineError> {
    let table = &changed.changes.table;
    let mut present = Present::prepare(connection, table, &changed.locator, changed.utf16)?;
    let all: Vec<usize> = (0..table.columns.len()).collect();
    // Another rowid makes no other row.
    let rowid = changed.rowid_value();
    let except = |left_out: &[usize]| -> Vec<usize> {
        all.iter().copied().filter(|column| !left_out.contains(column) && Some(*column) != rowid).collect()
    };
    let values = except(&[]);
    let inserted = except(&changed.changes.insert_defaults);
    let deleted = except(&changed.changes.delete_unknown);

    each_change(source, changed.index, interrupt, |number, changes, change| {
        let (batch, row) = match change {
            Change::Insert { after } => (changes.after(), after),
            Change::Update { before, .. } | Change::Delete { before } => (changes.before(), before),
        };
        let decision = match change {
            Change::Insert { after } => {
                changed.has_inserts = true;
                if !changed.knows_inserted() || !present.find(&changed.locator, batch, row)? {
                    Decision::Make
                } else if present.is(changes.after(), after, &inserted) {
                    Decision::Already
                } else {
                    Decision::Conflict
                }
            }
            Change::Delete { before } => {
                changed.has_removals = true;
                if changed.removes_by_values() {
                    // Found and counted when they are removed: there may be several that are the same.
                    Decision::Make
                } else if !present.find(&changed.locator, batch, row)? {
                    Decision::Already
                } else if present.is(changes.before(), before, &deleted) {
                    Decision::Make
                } else {
                    Decision::Conflict
                }
            }
            Change::Update { before, after } => {
                let differs = |column: &usize| {
                    changes.before().value(before, *column) != changes.after().value(after, *column)
                };
                changed.updated.extend(values.iter().copied().filter(differs));
                if changed.moves(changes, before, after) {
                    changed.has_removals = true;
                    changed.has_inserts = true;
                    changed.has_moves = true;
                } else {
                    changed.has_updates = true;
                }
                let moves_alone = !values.iter().any(differs);
                let becomes = if moves_alone { &all } else { &values };
                if !table.key.unique {
                    Decision::Make
                } else if !present.find(&changed.locator, batch, row)? {
                    Decision::Conflict
                } else if present.is(changes.after(), after, becomes) {
                    Decision::Already
                } else if present.is(changes.before(), before, &values) {
                    Decision::Make
                } else {
                    Decision::Conflict
                }
            }
        };
        match decision {
            Decision::Make => {}
            Decision::Already => {
                changed.left.set(number);
                changed.already += 1;
            }
            Decision::Conflict => {
                changed.left.set(number);
                changed.skipped += 1;
                conflicts.add(table, batch, row);
            }
        }
        Ok(())
    })
}

/// Looks up rows by their key.
struct Present<'c, 't> {
    statement: Located<'c>,
    table: &'t Table,
    utf16: Option<Endian>,
    /// The row that was found last, alone.
    found: RowBatch,
}

impl<'c, 't> Present<'c, 't> {
    fn prepare(
        connection: &'c Connection,
        table: &'t Table,
        locator: &RowLocator,
        utf16: Option<Endian>,
    ) -> Result<Self, EngineError> {
        let columns = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let statement = Located::prepare(locator, |condition| {
            // Where no key is unique, nothing is looked up.
            let condition = if table.key.unique { condition } else { "false" };
            let sql = format!("SELECT {columns} FROM main.{} WHERE {condition}", quoted(&table.name.name));
            Statement::prepare(connection, &sql).map_err(when(format!("reading table {}", table.name)))
        })?;
        Ok(Self { statement, table, utf16, found: RowBatch::new(table.columns.len()) })
    }

    /// Finds the row that has the key of a row of a batch; says no when there is none.
    ///
    /// An index may hold keys to be the same that are not, such as text of other case: such a row is another one.
    fn find(&mut self, locator: &RowLocator, batch: &RowBatch, row: usize) -> Result<bool, EngineError> {
        let doing = || format!("reading table {}", self.table.name);
        let mut wanted = Vec::new();
        key::encode(&self.table.key, batch, row, &mut wanted)?;
        let at = locator.at(batch, row);
        let values = locator.values(at).into_iter();
        let (found, table, utf16) = (&mut self.found, self.table, self.utf16);
        let (mut is_there, mut failed) = (false, None);
        let mut this = Vec::new();
        let ran = self.statement.at(at).run(values, utf16, |statement| {
            *found = RowBatch::new(table.columns.len());
            this.clear();
            if push_row(statement, found, utf16).is_none() {
                failed = Some(out_of_memory(table));
            } else if let Err(error) = key::encode(&table.key, found, 0, &mut this) {
                failed = Some(error.into());
            } else {
                is_there = this == wanted;
            }
            !is_there && failed.is_none()
        });
        ran.map_err(|error| failure(doing(), &error))?;
        match failed {
            Some(error) => Err(error),
            None => Ok(is_there),
        }
    }

    /// Whether the row that was found is the same in these columns, to the kind and bytes of each value.
    fn is(&self, batch: &RowBatch, row: usize, columns: &[usize]) -> bool {
        columns.iter().all(|column| self.found.value(0, *column) == batch.value(row, *column))
    }
}
