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
        _ if base.starts_with("timestamp") && base.ends_with("with time zone") => Printed::Time,
        "tstzrange" | "tstzmultirange" => Printed::Times,
        _ if base.ends_with("[]") => match printed(definitions, base.trim_end_matches("[]")) {
            Printed::Time | Printed::Times => Printed::Times,
            Printed::Alike | Printed::Bytes => Printed::Alike,
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
    for (column, printed) in batch.columns().iter().zip(printed) {
        columns.push(alike_column(column, *printed)?);
    }
    RowBatch::from_columns(columns, rows).ok_or((0, "rows of a batch have come apart"))
}

fn alike_column(column: &ColumnValues, printed: Printed) -> Result<ColumnValues, (usize, &'static str)> {
    let is_alike = |row: usize| column.kinds()[row] != Kind::Text || is_usual(column.bytes(row), printed);
    let Some(first) = (0..column.len()).find(|row| !is_alike(*row)) else { return Ok(column.clone()) };
    let mut out = ColumnValues::default();
    for row in 0..column.len() {
        let (kind, text) = (column.kinds()[row], column.bytes(row));
        if kind != Kind::Text || row < first || is_usual(text, printed) {
            out.data_mut().extend_from_slice(text);
        } else {
            let data = out.data_mut();
            match printed {
                Printed::Alike => data.extend_from_slice(text),
                Printed::Time => {
                    time::in_utc(text, data).ok_or((row, "a value is no timestamp with time zone"))?
                }
                Printed::Times => time::all_in_utc(text, data),
                Printed::Bytes => bytes::in_hexadecimal(text, data).ok_or((row, "a value is no bytea"))?,
            }
        }
        out.end_value(kind);
    }
    Ok(out)
}

/// Whether a value is as a live database gives it.
fn is_usual(text: &[u8], printed: Printed) -> bool {
    match printed {
        Printed::Alike => true,
        Printed::Time => text.ends_with(b"+00") || text.ends_with(b"+00 BC") || text.ends_with(b"infinity"),
        Printed::Times => false,
        Printed::Bytes => text.starts_with(b"\\x"),
    }
}
