//! Changing rows, after it was decided about each.

mod insert;

use std::sync::Arc;

use rowkeep_format::{Change, RowBatch, Value};
use rusqlite::Connection;

use super::changed_table::{ChangedTable, Kind};
use super::conflicts::{Conflicts, key_words};
use super::duplicate_rows::DuplicateRows;
use super::each_change::each_change;
use super::foreign_keys::References;
use super::located::Located;
use super::refusal::refused;
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::connect::error::{failure, words};
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::quote::quoted;
use crate::{ChangeSource, EngineError, ErrorKind};

/// The connection through which rows are changed, and what is the same for all tables.
pub(super) struct Executor<'c> {
    connection: &'c Connection,
    source: &'c Arc<dyn ChangeSource>,
    interrupt: &'c Interrupt,
    utf16: Option<Endian>,
    fire_triggers: bool,
    /// The table because of which `CHECK` is not looked at.
    unchecked: Option<String>,
    /// What people should know beside that.
    notes: Vec<String>,
}

impl<'c> Executor<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        source: &'c Arc<dyn ChangeSource>,
        interrupt: &'c Interrupt,
        properties: &Properties,
        fire_triggers: bool,
    ) -> Self {
        let (utf16, notes) = (properties.utf16(), Vec::new());
        Self { connection, source, interrupt, utf16, fire_triggers, unchecked: None, notes }
    }

    /// Makes all changes: deletes in all tables, then updates, then inserts.
    pub(super) fn all(
        &mut self,
        changed_tables: &mut [ChangedTable<'_>],
        references: &mut References<'c>,
        conflicts: &mut Conflicts,
        stop: bool,
    ) -> Result<(), EngineError> {
        let rows = |changed: &&mut ChangedTable<'_>| changed.kind == Kind::Rows;
        for changed in changed_tables.iter_mut().filter(rows).filter(|changed| changed.has_removals) {
            self.remove(changed, references, conflicts)?;
        }
        // Rows without a unique key are only found when they are to be removed.
        conflicts.check(stop)?;
        for changed in changed_tables.iter_mut().filter(rows).filter(|changed| changed.has_updates) {
            self.update(changed, references)?;
        }
        for changed in changed_tables.iter_mut().filter(rows).filter(|changed| changed.has_inserts) {
            self.insert(changed, references)?;
        }
        Ok(())
    }

    /// What people should know.
    pub(super) fn into_notes(self) -> Vec<String> {
        let mut notes = self.notes;
        notes.extend(self.unchecked.map(|table| {
            format!(
                "CHECK constraints were not looked at, for one of table {table} calls a function that only its application has"
            )
        }));
        notes
    }

    fn remove(
        &mut self,
        changed: &mut ChangedTable<'_>,
        references: &mut References<'c>,
        conflicts: &mut Conflicts,
    ) -> Result<(), EngineError> {
        let table = &changed.changes.table;
        let by_values = changed.removes_by_values();
        let mut copies = match by_values {
            true => Some(DuplicateRows::prepare(self.connection, changed, self.utf16)?),
            false => None,
        };
        let mut delete = if table.key.unique { Some(self.prepare_delete(changed)?) } else { None };
        each_change(self.source, changed.index, self.interrupt, |number, changes, change| {
            let (before, after) = match change {
                _ if changed.left.has(number) => return Ok(()),
                Change::Delete { before } => (before, None),
                Change::Update { before, after } if changed.moves(changes, before, after) => {
                    (before, Some(after))
                }
                _ => return Ok(()),
            };
            let batch = changes.before();
            // What an update leaves as it was is still there to be referred to.
            let stays = |column: usize| {
                after.is_some_and(|after| batch.value(before, column) == changes.after().value(after, column))
            };
            match (&mut copies, &mut delete) {
                (Some(copies), _) if after.is_none() || !table.key.unique => {
                    let removed = copies
                        .remove(batch, before, after.is_some(), |at| references.gone(changed, at, stays))?;
                    if removed && after.is_none() {
                        changed.count(change);
                    } else if !removed {
                        changed.left.set(number);
                        if after.is_some() {
                            changed.skipped += 1;
                            conflicts.add(table, batch, before);
                        } else {
                            changed.already += 1;
                        }
                    }
                }
                (_, Some(delete)) => {
                    let at = changed.locator.at(batch, before);
                    references.gone(changed, at, stays)?;
                    let values = changed.locator.values(at).into_iter();
                    let ran = delete.at(at).run(values, self.utf16, |_| true);
                    self.changed(ran, changed, batch, before)?;
                    if after.is_none() {
                        changed.count(change);
                    }
                }
                // One of them is there: `copies` where the key is not unique, `delete` where it is.
                _ => {}
            }
            Ok(())
        })
    }

    fn update(
        &mut self,
        changed: &mut ChangedTable<'_>,
        references: &mut References<'c>,
    ) -> Result<(), EngineError> {
        let table = &changed.changes.table;
        let columns: Vec<usize> = changed.updated.iter().copied().collect();
        let sets = columns.iter().map(|column| format!("{} = ?", quoted(&table.columns[*column].name)));
        let sets = sets.collect::<Vec<_>>().join(", ");
        let name = quoted(&table.name.name);
        let mut statement = Located::prepare(&changed.locator, |condition| {
            self.prepare(changed, &format!("UPDATE OR ABORT main.{name} SET {sets} WHERE {condition}"))
        })?;
        each_change(self.source, changed.index, self.interrupt, |number, changes, change| {
            let Change::Update { before, after } = change else { return Ok(()) };
            if changed.left.has(number) || changed.moves(changes, before, after) {
                return Ok(());
            }
            let stays = |column: usize| {
                changes.before().value(before, column) == changes.after().value(after, column)
            };
            let at = changed.locator.at(changes.before(), before);
            references.gone(changed, at, stays)?;
            let mut values: Vec<Value<'_>> =
                columns.iter().map(|column| changes.after().value(after, *column)).collect();
            values.extend(changed.locator.values(at));
            let ran = statement.at(at).run(values.into_iter(), self.utf16, |_| true);
            self.changed(ran, changed, changes.after(), after)?;
            references.asked(changed, changed.locator.at(changes.after(), after), stays)?;
            changed.count(change);
            Ok(())
        })
    }

    fn prepare_delete(&mut self, changed: &ChangedTable<'_>) -> Result<Located<'c>, EngineError> {
        let name = quoted(&changed.table().name.name);
        Located::prepare(&changed.locator, |condition| {
            self.prepare(changed, &format!("DELETE FROM main.{name} WHERE {condition}"))
        })
    }

    fn prepare(&mut self, changed: &ChangedTable<'_>, sql: &str) -> Result<Statement<'c>, EngineError> {
        let name = &changed.table().name;
        let doing = || format!("changing table {name}");
        let error = match Statement::prepare(self.connection, sql) {
            Ok(statement) => return Ok(statement),
            Err(error) => error,
        };
        // The statement may do without, when it is for a CHECK.
        if lacks_function(&error) && self.unchecked.is_none() {
            let off = self.connection.execute_batch("PRAGMA ignore_check_constraints = ON");
            off.map_err(|error| failure(doing(), &error))?;
            if let Ok(statement) = Statement::prepare(self.connection, sql) {
                self.unchecked = Some(name.to_string());
                return Ok(statement);
            }
        }
        let found = failure(doing(), &error);
        if lacks_function(&error) || words(&error).starts_with("no such collation sequence: ") {
            let message =
                format!("{found}; only the database's application has it, and can make this change");
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        Err(found)
    }

    /// Looks at how a statement ended that was to change one row.
    fn changed(
        &self,
        ran: rusqlite::Result<()>,
        changed: &ChangedTable<'_>,
        batch: &RowBatch,
        row: usize,
    ) -> Result<(), EngineError> {
        let doing = || {
            let table = changed.table();
            format!("changing the row {} of table {}", key_words(table, batch, row), table.name)
        };
        match ran {
            Ok(()) if self.connection.changes() == 1 => Ok(()),
            Ok(()) if self.fire_triggers => Err(EngineError::new(
                ErrorKind::Constraint,
                format!("{}: a trigger of the database has kept it from being changed", doing()),
            )),
            Ok(()) => {
                Err(EngineError::new(ErrorKind::Conflict, format!("{}: it is not there alone", doing())))
            }
            Err(error) => {
                self.interrupt.check()?;
                Err(refused(doing(), &error))
            }
        }
    }
}

/// Whether a function is missing: in a statement, or in the definition of what it changes.
fn lacks_function(error: &rusqlite::Error) -> bool {
    let words = words(error);
    words.starts_with("no such function: ") || words.starts_with("unknown function: ")
}
