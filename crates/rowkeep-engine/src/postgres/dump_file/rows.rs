//! The rows of a table of a dump, in the order of the dump.

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
