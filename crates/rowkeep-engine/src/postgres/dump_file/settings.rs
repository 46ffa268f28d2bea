//! Values as a live database gives them, where a dump has them by the settings of the server that it was made on.
//!
//! `pg_dump` sets how dates, intervals and floating-point numbers are printed, but neither the time zone nor the form of `bytea`:
//! these are the server's, its database's or its role's own. A live database is read in UTC and hexadecimal digits.

mod bytes;
mod time;

use rowkeep_format::RowBatch;
use rowkeep_format::batch::{ColumnValues, Kind};

use super::definition::Definitions;

/// What has to be done to the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// Nothing.
    Alike,
    /// Nothing, but values are made of few characters only: whatever else is in one came there by damage.
    Of(&'static [u8]),
    /// A timestamp with time zone.
    Time,
    /// A text that holds timestamps with time zone: an array, a range, a row.
    Times,
    /// Bytes.
    Bytes,
}

/// How values of a type may be printed.
pub(super) fn printed(definitions: &Definitions, type_name: &str) -> Printed {
    let base = definitions.base(type_name);
    match base.as_str() {
        "bytea" => Printed::Bytes,
        "smallint" | "integer" | "bigint" | "oid" => Printed::Of(b"0123456789-"),
        "real" | "double precision" => Printed::Of(b"0123456789.+-eNaIinfty"),
        "boolean" => Printed::Of(b"tf"),
        "uuid" => Printed::Of(b"0123456789abcdef-"),
        "date" => Printed::Of(b"0123456789- BCinfty"),
        _ if base.starts_with("numeric") => Printed::Of(b"0123456789.-eENaIinfty"),
        _ if base.starts_with("timestamp") && base.ends_with("without time zone") => {
            Printed::Of(b"0123456789-:. BCinfty")
        }
        _ if base.starts_with("timestamp") && base.ends_with("with time zone") => Printed::Time,
        "tstzrange" | "tstzmultirange" => Printed::Times,
        _ if base.ends_with("[]") => match printed(definitions, base.trim_end_matches("[]")) {
            Printed::Time | Printed::Times => Printed::Times,
            Printed::Alike | Printed::Of(_) | Printed::Bytes => Printed::Alike,
        },
        _ => {
            let columns = definitions.composites.get(&base).into_iter().flatten();
            let holds =
                |type_name: &str| matches!(printed(definitions, type_name), Printed::Time | Printed::Times);
            let holds_times =
                columns.into_iter().any(|column| column.type_name != base && holds(&column.type_name));
            if holds_times { Printed::Times } else { Printed::Alike }
        }
    }
}

/// The batch with its values as a live database gives them. Fails with what is no value of its column.
pub(super) fn alike(batch: RowBatch, printed: &[Printed]) -> Result<RowBatch, (usize, &'static str)> {
    if printed.iter().all(|one| *one == Printed::Alike) {
        return Ok(batch);
    }
    let rows = batch.rows();
    let mut columns = Vec::with_capacity(batch.columns().len());
    let mut is_changed = false;
    for (column, printed) in batch.columns().iter().zip(printed) {
        let found = alike_column(column, *printed)?;
        is_changed |= found.is_some();
        columns.push(found);
    }
    if !is_changed {
        return Ok(batch);
    }
    let columns = columns.into_iter().zip(batch.columns());
    let columns = columns.map(|(changed, column)| changed.unwrap_or_else(|| column.clone())).collect();
    RowBatch::from_columns(columns, rows).ok_or((0, "rows of a batch have come apart"))
}

/// The column with other values; nothing where they are as they should be.
fn alike_column(
    column: &ColumnValues,
    printed: Printed,
) -> Result<Option<ColumnValues>, (usize, &'static str)> {
    if let Printed::Of(characters) = printed {
        return match first_other(column, characters) {
            None => Ok(None),
            Some(row) => Err((row, "a value is not of the type of its column")),
        };
    }
    let is_alike = |row: usize| column.kinds()[row] != Kind::Text || is_usual(column.bytes(row), printed);
    let Some(first) = (0..column.len()).find(|row| !is_alike(*row)) else { return Ok(None) };
    let mut out = ColumnValues::default();
    for row in 0..column.len() {
        let (kind, text) = (column.kinds()[row], column.bytes(row));
        if kind != Kind::Text || row < first || is_usual(text, printed) {
            out.data_mut().extend_from_slice(text);
        } else {
            let data = out.data_mut();
            match printed {
                Printed::Alike | Printed::Of(_) => data.extend_from_slice(text),
                Printed::Time => {
                    time::in_utc(text, data).ok_or((row, "a value is no timestamp with time zone"))?
                }
                Printed::Times => time::all_in_utc(text, data),
                Printed::Bytes => bytes::in_hexadecimal(text, data).ok_or((row, "a value is no bytea"))?,
            }
        }
        out.end_value(kind);
    }
    Ok(Some(out))
}

/// The first row with any other character.
fn first_other(column: &ColumnValues, characters: &[u8]) -> Option<usize> {
    let mut is_of = [false; 256];
    characters.iter().for_each(|character| is_of[usize::from(*character)] = true);
    // All values at once, for there are millions.
    let place = column.data().iter().position(|byte| !is_of[usize::from(*byte)])?;
    column.ends().iter().position(|end| *end as usize > place)
}

/// Whether a value is as a live database gives it.
fn is_usual(text: &[u8], printed: Printed) -> bool {
    match printed {
        Printed::Alike | Printed::Of(_) => true,
        Printed::Time => text.ends_with(b"+00") || text.ends_with(b"+00 BC") || text.ends_with(b"infinity"),
        Printed::Times => false,
        Printed::Bytes => text.starts_with(b"\\x"),
    }
}
