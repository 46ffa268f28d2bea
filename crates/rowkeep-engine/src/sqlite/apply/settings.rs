//! `user_version` and `application_id`, which stand in the header of the file and change with the transaction.

use std::sync::Arc;

use rowkeep_format::{Change, RowBatch, Value};
use rusqlite::Connection;

use super::changed_table::ChangedTable;
use super::conflicts::Conflicts;
use super::each_change::each_change;
use crate::sqlite::catalog::properties::{SETTINGS, pragma};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::interrupt::Interrupt;
use crate::{ChangeSource, EngineError, ErrorKind};

/// Compares the settings with those of the changeset. One that was never set is 0.
pub(super) fn decide(
    connection: &Connection,
    source: &Arc<dyn ChangeSource>,
    changed: &mut ChangedTable<'_>,
    conflicts: &mut Conflicts,
    interrupt: &Interrupt,
) -> Result<(), EngineError> {
    let table = &changed.changes.table;
    each_change(source, changed.index, interrupt, |number, changes, change| {
        let (was, becomes) = match change {
            Change::Insert { after } => (None, Some(setting(changes.after(), after)?)),
            Change::Update { before, after } => {
                (Some(setting(changes.before(), before)?), Some(setting(changes.after(), after)?))
            }
            Change::Delete { before } => (Some(setting(changes.before(), before)?), None),
        };
        let Some((name, _)) = becomes.or(was) else { return Ok(()) };
        let present = pragma::<i32>(connection, name).map_err(when(format!("reading {name}")))?;
        let value = |setting: Option<(&str, i32)>| setting.map_or(0, |(_, value)| value);
        if present == value(becomes) {
            changed.left.set(number);
            changed.already += 1;
        } else if present != value(was) {
            changed.left.set(number);
            changed.skipped += 1;
            let (batch, row) = match change {
                Change::Insert { after } => (changes.after(), after),
                Change::Update { before, .. } | Change::Delete { before } => (changes.before(), before),
            };
            conflicts.add(table, batch, row);
        } else {
            changed.count(change);
        }
        Ok(())
    })
}

/// Writes what is to be changed.
pub(super) fn write(
    connection: &Connection,
    source: &Arc<dyn ChangeSource>,
    changed: &ChangedTable<'_>,
    interrupt: &Interrupt,
) -> Result<(), EngineError> {
    each_change(source, changed.index, interrupt, |number, changes, change| {
        if changed.left.has(number) {
            return Ok(());
        }
        let (name, value) = match change {
            Change::Insert { after } | Change::Update { after, .. } => setting(changes.after(), after)?,
            Change::Delete { before } => (setting(changes.before(), before)?.0, 0),
        };
        connection.pragma_update(None, name, value).map_err(when(format!("setting {name}")))
    })
}

/// A row of the table of settings.
fn setting(batch: &RowBatch, row: usize) -> Result<(&'static str, i32), EngineError> {
    let known = match (batch.value(row, 0), batch.value(row, 1)) {
        (Value::Text(name), Value::Integer(value)) => {
            let name = SETTINGS.into_iter().find(|known| known.as_bytes() == name);
            name.zip(i32::try_from(value).ok())
        }
        _ => None,
    };
    known.ok_or_else(|| {
        let message =
            "the changeset has a setting that SQLite does not have, or a value that does not fit it";
        EngineError::new(ErrorKind::Unsupported, message)
    })
}
