//! The rows of a table of a dump, in the order of the dump.

use rowkeep_format::{Table, key};

use super::contents::{Form, TableData};
use super::output::{Ended, Output, Shape, damaged, unreadable};
use super::{copied, inserts};
use crate::file_source::Damage;

/// Reads all rows of a part of a table.
pub(super) fn read(data: &TableData, shape: &Shape, output: &mut Output<'_>) -> Result<Ended, Damage> {
    let bytes = data.place.open().map_err(|error| unreadable(data, 0, &error))?;
    let ended = match data.form {
        Form::Copy => copied::read(data, bytes, shape, output),
        Form::Inserts => inserts::read(data, bytes, shape, output),
    };
    match output.wrong() {
        Some((row, what)) => Err(damaged(data, row, what.to_owned())),
        None => ended,
    }
}

/// Whether the first rows of a table stand in the order of its key; what cannot be read does not.
pub(super) fn begins_in_order(data: &[TableData], shape: &Shape, table: &Table) -> bool {
    let Some(first) = data.first() else { return true };
    let mut batch = None;
    let mut output = Output::new(shape.columns, shape.printed.clone(), |found| {
        batch = Some(found);
        false
    });
    let read = read(first, shape, &mut output);
    drop(output);
    let (Ok(_), Some(batch)) = (read, batch) else { return false };
    let (mut before, mut key) = (Vec::new(), Vec::new());
    for row in 0..batch.rows() {
        key.clear();
        if key::encode(&table.key, &batch, row, &mut key).is_err() || (row > 0 && key <= before) {
            return false;
        }
        std::mem::swap(&mut before, &mut key);
    }
    true
}
