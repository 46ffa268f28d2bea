//! Changing rows, after it was decided about each.

use std::sync::Arc;

use rowkeep_format::{Change, RowBatch, Value};
use rusqlite::Connection;

use super::changed_table::{Kind, Subject};
use super::conflicts::{Conflicts, key_words};
use super::duplicate_rows::Copies;
use super::each;
use super::foreign_keys::References;
use super::refused;
use super::row_locator::{At, By};
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::connect::error::{failure, words};
use crate::sqlite::connect::interrupt::Abort;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::names::quoted;
use crate::{ChangeSource, EngineError, ErrorKind};

/// The connection through which rows are changed, and what is the same for all tables.
pub(super) struct Acting<'c> {
    connection: &'c Connection,
    source: &'c Arc<dyn ChangeSource>,
    abort: &'c Abort,
    utf16: Option<Endian>,
    fire_triggers: bool,
    /// The table because of which `CHECK` is not looked at.
    unchecked: Option<String>,
}

impl<'c> Acting<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        source: &'c Arc<dyn ChangeSource>,
        abort: &'c Abort,
        properties: &Properties,
        fire_triggers: bool,
    ) -> Self {
        Self { connection, source, abort, utf16: properties.utf16(), fire_triggers, unchecked: None }
    }

    /// Makes all changes: deletes in all tables, then updates, then inserts.
    pub(super) fn all(
        &mut self,
        subjects: &mut [Subject<'_>],
        references: &mut References<'c>,
        conflicts: &mut Conflicts,
        stop: bool,
    ) -> Result<(), EngineError> {
        let rows = |subject: &&mut Subject<'_>| subject.kind == Kind::Rows;
        for subject in subjects.iter_mut().filter(rows).filter(|subject| subject.has_removals) {
            self.remove(subject, references, conflicts)?;
        }
        // Rows without a unique key are only found when they are to be removed.
        conflicts.check(stop)?;
        for subject in subjects.iter_mut().filter(rows).filter(|subject| subject.has_updates) {
            self.update(subject, references)?;
        }
        for subject in subjects.iter_mut().filter(rows).filter(|subject| subject.has_inserts) {
            self.insert(subject, references)?;
        }
        Ok(())
    }

    /// What people should know.
    pub(super) fn into_notes(self) -> Option<String> {
        let table = self.unchecked?;
        Some(format!(
            "CHECK constraints were not looked at, for one of table {table} calls a function that only its application has"
        ))
    }

    fn remove(
        &mut self,
        subject: &mut Subject<'_>,
        references: &mut References<'c>,
        conflicts: &mut Conflicts,
    ) -> Result<(), EngineError> {
        let table = &subject.changes.table;
        let by_values = subject.removes_by_values();
        let mut copies = match by_values {
            true => Some(Copies::prepare(self.connection, subject, self.utf16)?),
            false => None,
        };
        let mut delete = if table.key.unique { Some(self.prepare_delete(subject)?) } else { None };
        each(self.source, subject.index, self.abort, |number, changes, change| {
            let (before, after) = match change {
                _ if subject.left.has(number) => return Ok(()),
                Change::Delete { before } => (before, None),
                Change::Update { before, after } if subject.moves(changes, before, after) => {
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
                        .remove(batch, before, after.is_some(), |at| references.gone(subject, at, stays))?;
                    if removed && after.is_none() {
                        subject.count(change);
                    } else if !removed {
                        subject.left.set(number);
                        if after.is_some() {
                            subject.skipped += 1;
                            conflicts.add(table, batch, before);
                        } else {
                            subject.already += 1;
                        }
                    }
                }
                (_, Some(delete)) => {
                    let at = At::Key(batch, before);
                    references.gone(subject, at, stays)?;
                    let values = subject.place.values(at).into_iter();
                    self.changed(delete.run(values, self.utf16, |_| true), subject, batch, before)?;
                    if after.is_none() {
                        subject.count(change);
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
        subject: &mut Subject<'_>,
        references: &mut References<'c>,
    ) -> Result<(), EngineError> {
        let table = &subject.changes.table;
        let columns: Vec<usize> = subject.updated.iter().copied().collect();
        let sets = columns.iter().map(|column| format!("{} = ?", quoted(&table.columns[*column].name)));
        let sql = format!(
            "UPDATE OR ABORT main.{} SET {} WHERE {}",
            quoted(&table.name.name),
            sets.collect::<Vec<_>>().join(", "),
            subject.place.condition(By::Key)
        );
        let mut statement = self.prepare(subject, &sql)?;
        each(self.source, subject.index, self.abort, |number, changes, change| {
            let Change::Update { before, after } = change else { return Ok(()) };
            if subject.left.has(number) || subject.moves(changes, before, after) {
                return Ok(());
            }
            let stays = |column: usize| {
                changes.before().value(before, column) == changes.after().value(after, column)
            };
            references.gone(subject, At::Key(changes.before(), before), stays)?;
            let mut values: Vec<Value<'_>> =
                columns.iter().map(|column| changes.after().value(after, *column)).collect();
            values.extend(subject.place.values(At::Key(changes.before(), before)));
            let ran = statement.run(values.into_iter(), self.utf16, |_| true);
            self.changed(ran, subject, changes.after(), after)?;
            references.asked(subject, At::Key(changes.after(), after), stays)?;
            subject.count(change);
            Ok(())
        })
    }

    fn insert(
        &mut self,
        subject: &mut Subject<'_>,
        references: &mut References<'c>,
    ) -> Result<(), EngineError> {
        let table = &subject.changes.table;
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let defaults = &subject.changes.insert_defaults;
        let given: Vec<usize> = all.iter().copied().filter(|column| !defaults.contains(column)).collect();
        let mut insert = self.prepare_insert(subject, &given)?;
        // Updates know all of their columns.
        let mut put_back = if defaults.is_empty() { None } else { Some(self.prepare_insert(subject, &all)?) };
        each(self.source, subject.index, self.abort, |number, changes, change| {
            let (before, row) = match change {
                _ if subject.left.has(number) => return Ok(()),
                Change::Insert { after } => (None, after),
                Change::Update { before, after } if subject.moves(changes, before, after) => {
                    (Some(before), after)
                }
                _ => return Ok(()),
            };
            let batch = changes.after();
            let (statement, columns) = match (&mut put_back, before) {
                (Some(put_back), Some(_)) => (put_back, &all),
                _ => (&mut insert, &given),
            };
            let values = columns.iter().map(|column| batch.value(row, *column));
            self.changed(statement.run(values, self.utf16, |_| true), subject, batch, row)?;
            let at = match subject.place.rowid {
                Some(_) => At::Rowid(self.connection.last_insert_rowid()),
                None if subject.knows_inserted() => At::Key(batch, row),
                None => At::Values(batch, row),
            };
            let stays = |column: usize| {
                before
                    .is_some_and(|before| changes.before().value(before, column) == batch.value(row, column))
            };
            references.asked(subject, at, stays)?;
            subject.count(change);
            Ok(())
        })
    }

    fn prepare_delete(&mut self, subject: &Subject<'_>) -> Result<Statement<'c>, EngineError> {
        let name = quoted(&subject.table().name.name);
        let sql = format!("DELETE FROM main.{name} WHERE {}", subject.place.condition(By::Key));
        self.prepare(subject, &sql)
    }

    fn prepare_insert(
        &mut self,
        subject: &Subject<'_>,
        columns: &[usize],
    ) -> Result<Statement<'c>, EngineError> {
        let name = quoted(&subject.table().name.name);
        let names = columns.iter().map(|column| quoted(&subject.table().columns[*column].name));
        let names = names.collect::<Vec<_>>().join(", ");
        let sql = match columns.len() {
            0 => format!("INSERT OR ABORT INTO main.{name} DEFAULT VALUES"),
            count => {
                format!("INSERT OR ABORT INTO main.{name} ({names}) VALUES ({})", vec!["?"; count].join(", "))
            }
        };
        self.prepare(subject, &sql)
    }

    fn prepare(&mut self, subject: &Subject<'_>, sql: &str) -> Result<Statement<'c>, EngineError> {
        let name = &subject.table().name;
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
        subject: &Subject<'_>,
        batch: &RowBatch,
        row: usize,
    ) -> Result<(), EngineError> {
        let doing = || {
            let table = subject.table();
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
                self.abort.check()?;
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
