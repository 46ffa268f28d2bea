//! Removing rows that no unique key tells apart: one of those that are the same.

use rowkeep_format::{RowBatch, Table, Value};
use rusqlite::Connection;

use super::changed_table::ChangedTable;
use super::refusal::refused;
use super::row_locator::{At, By, RowLocator};
use crate::sqlite::connect::error::failure;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::quote::quoted;
use crate::sqlite::read::scan::{out_of_memory, push_row};
use crate::{EngineError, ErrorKind};

/// Statements for rows that are found by their values.
pub(super) struct DuplicateRows<'c> {
    connection: &'c Connection,
    table: Table,
    /// Columns that are compared when a row is deleted.
    known: Vec<usize>,
    locator: RowLocator,
    utf16: Option<Endian>,
    /// Gives the columns, and the rowid after them where there is one.
    select: Statement<'c>,
    /// By rowid, or else of all that are equal.
    delete: Statement<'c>,
    /// Puts the others back, where they had to go too.
    insert: Option<Statement<'c>>,
}

impl<'c> DuplicateRows<'c> {
    pub(super) fn prepare(
        connection: &'c Connection,
        changed: &ChangedTable<'_>,
        utf16: Option<Endian>,
    ) -> Result<Self, EngineError> {
        let table = changed.table().clone();
        let unknown = &changed.changes.delete_unknown;
        let locator = changed.locator.clone();
        let name = quoted(&table.name.name);
        let condition = locator.condition(By::Values);
        let mut columns: Vec<_> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let names = columns.join(", ");
        let marks = vec!["?"; columns.len()].join(", ");
        columns.extend(locator.rowid.map(str::to_owned));
        let prepare = |sql: &str| {
            Statement::prepare(connection, sql)
                .map_err(|error| failure(format!("changing table {}", table.name), &error))
        };
        let by = if locator.rowid.is_some() { By::Rowid } else { By::Values };
        Ok(Self {
            connection,
            known: (0..table.columns.len()).filter(|column| !unknown.contains(column)).collect(),
            select: prepare(&format!("SELECT {} FROM main.{name} WHERE {condition}", columns.join(", ")))?,
            delete: prepare(&format!("DELETE FROM main.{name} WHERE {}", locator.condition(by)))?,
            insert: match locator.rowid {
                Some(_) => None,
                None => {
                    Some(prepare(&format!("INSERT OR ABORT INTO main.{name} ({names}) VALUES ({marks})"))?)
                }
            },
            table,
            locator,
            utf16,
        })
    }

    /// Removes one row that is the same as a row of a batch; says no when there is none. `whole` compares columns too
    /// that are not known of rows that are deleted. `before_it_goes` is told where the row is.
    pub(super) fn remove(
        &mut self,
        batch: &RowBatch,
        row: usize,
        whole: bool,
        before_it_goes: impl FnOnce(At<'_>) -> Result<(), EngineError>,
    ) -> Result<bool, EngineError> {
        let doing = || format!("changing table {}", self.table.name);
        let columns = self.table.columns.len();
        let all: Vec<usize> = (0..columns).collect();
        let compared = if whole { &all } else { &self.known };
        let at = At::Values(batch, row);
        let by_rowid = self.insert.is_none();
        let utf16 = self.utf16;
        // All that SQL holds to be equal; where the rowid tells the one that is the same, only that.
        let (mut equal, mut place, mut failed) = (RowBatch::new(columns), None, false);
        let values = self.locator.values(at).into_iter();
        let ran = self.select.run(values, utf16, |found| {
            if by_rowid {
                equal = RowBatch::new(columns);
            }
            failed = push_row(found, &mut equal, utf16).is_none();
            let last = equal.rows().saturating_sub(1);
            let same = !failed
                && compared.iter().all(|column| equal.value(last, *column) == batch.value(row, *column));
            if same && place.is_none() {
                let rowid = match found.value(columns) {
                    Some(Value::Integer(rowid)) => rowid,
                    _ => 0,
                };
                place = Some((last, rowid));
            }
            !(failed || by_rowid && place.is_some())
        });
        ran.map_err(|error| failure(doing(), &error))?;
        if failed {
            return Err(out_of_memory(&self.table));
        }
        let Some((gone, rowid)) = place else { return Ok(false) };
        let at = if by_rowid { At::Rowid(rowid) } else { at };
        before_it_goes(at)?;
        let values = self.locator.values(at).into_iter();
        self.delete.run(values, utf16, |_| true).map_err(|error| refused(doing(), &error))?;
        if by_rowid && self.connection.changes() != 1 {
            let message = format!("{}: a trigger of the database has kept a row from being deleted", doing());
            return Err(EngineError::new(ErrorKind::Constraint, message));
        }
        if let Some(insert) = &mut self.insert {
            for other in (0..equal.rows()).filter(|other| *other != gone) {
                let values = equal.columns().iter().map(|column| column.value(other));
                insert.insert(values, utf16).map_err(|error| refused(doing(), &error))?;
            }
        }
        Ok(true)
    }
}
