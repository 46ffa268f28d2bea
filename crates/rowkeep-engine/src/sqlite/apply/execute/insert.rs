//! Rows that come, and those of updates that were taken out: each with its rowid where that is free.

use rowkeep_format::Change;

use super::Executor;
use crate::EngineError;
use crate::sqlite::apply::bit_set::BitSet;
use crate::sqlite::apply::changed_table::ChangedTable;
use crate::sqlite::apply::each_change::each_change;
use crate::sqlite::apply::foreign_keys::References;
use crate::sqlite::apply::row_locator::At;
use crate::sqlite::connect::error::is_rowid_taken;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::quote::quoted;

/// Changes whose rows cannot have their rowids, for others have them.
#[derive(Default)]
struct Displaced {
    numbers: BitSet,
    rows: u64,
}

/// Columns that are given values.
struct Given {
    of_inserts: Vec<usize>,
    /// Updates know all of their columns.
    of_updates: Vec<usize>,
}

impl<'c> Executor<'c> {
    pub(super) fn insert(
        &mut self,
        changed: &mut ChangedTable<'_>,
        references: &mut References<'c>,
    ) -> Result<(), EngineError> {
        let table = &changed.changes.table;
        let defaults = &changed.changes.insert_defaults;
        let columns = |left_out: Option<usize>| {
            let all = (0..table.columns.len()).filter(move |column| Some(*column) != left_out);
            Given {
                of_inserts: all.clone().filter(|column| !defaults.contains(column)).collect(),
                of_updates: all.collect(),
            }
        };
        let mut displaced = Displaced::default();
        match changed.rowid_value() {
            None => self.insert_rows(changed, references, &columns(None), |_, _| true, None),
            rowid => {
                let all = columns(None);
                // Rows that were there go first: none that comes may take their rowids.
                if changed.has_moves {
                    let is_update = |_, is_update| is_update;
                    self.insert_rows(changed, references, &all, is_update, Some(&mut displaced))?;
                }
                let is_insert = |_, is_update: bool| !is_update;
                self.insert_rows(changed, references, &all, is_insert, Some(&mut displaced))?;
                if displaced.rows == 0 {
                    return Ok(());
                }
                // Only now, so that none of them takes the rowid of another that comes.
                let is_left = |number, _| displaced.numbers.has(number);
                self.insert_rows(changed, references, &columns(rowid), is_left, None)?;
                let (rows, verb) = if displaced.rows == 1 { ("row", "its") } else { ("rows", "their") };
                self.notes.push(format!(
                    "{} {rows} of table {} got another rowid, as other rows have {verb} former one by now",
                    displaced.rows, table.name
                ));
                Ok(())
            }
        }
    }

    /// Inserts the rows of some changes, by their numbers and whether they are updates, and puts those aside whose rowids are taken.
    fn insert_rows(
        &mut self,
        changed: &mut ChangedTable<'_>,
        references: &mut References<'c>,
        given: &Given,
        is_meant: impl Fn(u64, bool) -> bool,
        mut displaced: Option<&mut Displaced>,
    ) -> Result<(), EngineError> {
        let mut insert = self.prepare_insert(changed, &given.of_inserts)?;
        let mut put_back = match given.of_inserts == given.of_updates {
            true => None,
            false => Some(self.prepare_insert(changed, &given.of_updates)?),
        };
        each_change(self.source, changed.index, self.interrupt, |number, changes, change| {
            let is_update = matches!(change, Change::Update { .. });
            let (before, row) = match change {
                _ if changed.left.has(number) || !is_meant(number, is_update) => return Ok(()),
                Change::Insert { after } => (None, after),
                Change::Update { before, after } if changed.moves(changes, before, after) => {
                    (Some(before), after)
                }
                _ => return Ok(()),
            };
            let batch = changes.after();
            let (statement, columns) = match (&mut put_back, before) {
                (Some(put_back), Some(_)) => (put_back, &given.of_updates),
                _ => (&mut insert, &given.of_inserts),
            };
            let values = columns.iter().map(|column| batch.value(row, *column));
            let ran = statement.run(values, self.utf16, |_| true);
            // A row that nothing but its rowid tells would be another with any other.
            if let (Err(error), Some(displaced), At::Key(..)) =
                (&ran, &mut displaced, changed.locator.at(batch, row))
                && is_rowid_taken(error)
            {
                displaced.numbers.set(number);
                displaced.rows += 1;
                return Ok(());
            }
            self.changed(ran, changed, batch, row)?;
            let at = match changed.locator.rowid {
                Some(_) => At::Rowid(self.connection.last_insert_rowid()),
                None if changed.knows_inserted() => At::Key(batch, row),
                None => At::Values(batch, row),
            };
            let stays = |column: usize| {
                before
                    .is_some_and(|before| changes.before().value(before, column) == batch.value(row, column))
            };
            references.asked(changed, at, stays)?;
            changed.count(change);
            Ok(())
        })
    }

    fn prepare_insert(
        &mut self,
        changed: &ChangedTable<'_>,
        columns: &[usize],
    ) -> Result<Statement<'c>, EngineError> {
        let name = quoted(&changed.table().name.name);
        let names = columns.iter().map(|column| quoted(&changed.table().columns[*column].name));
        let names = names.collect::<Vec<_>>().join(", ");
        let sql = match columns.len() {
            0 => format!("INSERT OR ABORT INTO main.{name} DEFAULT VALUES"),
            count => {
                format!("INSERT OR ABORT INTO main.{name} ({names}) VALUES ({})", vec!["?"; count].join(", "))
            }
        };
        self.prepare(changed, &sql)
    }
}
