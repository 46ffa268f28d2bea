//! Values as a live database gives them, where a dump has them by the settings of the server that it was made on.
//!
//! `pg_dump` sets how dates, intervals and floating-point numbers are printed, but neither the time zone nor the form of `bytea`:
//! these are the server's, its database's or its role's own. A live database is read in UTC and hexadecimal digits.

mod bytes;
mod printed;
mod time;

use std::collections::HashMap;

use rowkeep_format::RowBatch;
use rowkeep_format::batch::{ColumnValues, Kind};

use super::definition::Definitions;
pub(super) use printed::Printed;
use printed::{Form, Holding};

/// Why a dump with such literals is refused: what its quotes hold is not what they say.
pub(super) const BACKSLASHES: &str = "it was made with standard_conforming_strings off, and is not read; make it with \
                                      PGOPTIONS='-c standard_conforming_strings=on' pg_dump";

/// How the values of columns may be printed, by their types.
pub(super) struct Printing<'d> {
    definitions: &'d Definitions,
    /// Types that were looked at. One that holds itself, directly or not, is taken as it is there.
    known: HashMap<String, Printed>,
}

/// So deep types are looked at which hold others.
const DEEPEST: u32 = 64;

impl<'d> Printing<'d> {
    pub(super) fn new(definitions: &'d Definitions) -> Self {
        Self { definitions, known: HashMap::new() }
    }

    /// How values of a type may be printed.
    pub(super) fn of(&mut self, type_name: &str) -> Printed {
        self.within(type_name, DEEPEST)
    }

    fn within(&mut self, type_name: &str, depth: u32) -> Printed {
        let base = self.definitions.base(type_name);
        if let Some(known) = self.known.get(&base) {
            return known.clone();
        }
        if let Some(of) = scalar(&base) {
            return of;
        }
        let Some(depth) = depth.checked_sub(1) else { return Printed::Alike };
        self.known.insert(base.clone(), Printed::Alike);
        let definitions = self.definitions;
        let found = if let Some(of) = base.strip_suffix("[]") {
            let of = self.within(of.trim_end_matches("[]"), depth);
            Holding::of(Form::Array, vec![of])
        } else if matches!(base.as_str(), "tstzrange" | "tstzmultirange") {
            Holding::of(Form::Range, vec![Printed::Time])
        } else if let Some(bound) = definitions.ranges.get(&base) {
            let bound = self.within(bound, depth);
            Holding::of(Form::Range, vec![bound])
        } else if let Some(columns) = definitions.columns_of_type(&base) {
            let columns = columns.iter().map(|column| self.within(&column.type_name, depth)).collect();
            Holding::of(Form::Row, columns)
        } else {
            Printed::Alike
        };
        self.known.insert(base, found.clone());
        found
    }
}

/// How values are printed that hold no others.
fn scalar(base: &str) -> Option<Printed> {
    Some(match base {
        _ if base.ends_with("[]") => return None,
        "bytea" => Printed::Bytes,
        "smallint" | "integer" | "bigint" | "oid" => Printed::Of(b"0123456789-"),
        "real" | "double precision" => Printed::Of(b"0123456789.+-eNaIinfty"),
        "boolean" => Printed::Of(b"tf"),
        "uuid" => Printed::Of(b"0123456789abcdef-"),
        "date" => Printed::Of(b"0123456789- BCinfty"),
        _ if base == "numeric" || base.starts_with("numeric(") => Printed::Of(b"0123456789.-eENaIinfty"),
        _ if base.starts_with("timestamp") && base.ends_with("without time zone") => {
            Printed::Of(b"0123456789-:. BCinfty")
        }
        _ if base.starts_with("timestamp") && base.ends_with("with time zone") => Printed::Time,
        _ => return None,
    })
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
        let found = alike_column(column, printed)?;
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
    printed: &Printed,
) -> Result<Option<ColumnValues>, (usize, &'static str)> {
    if let Printed::Of(characters) = printed {
        return match first_other(column, characters) {
            None => Ok(None),
            Some(row) => Err((row, "a value is not of the type of its column")),
        };
    }
    let is_alike = |row: usize| column.kinds()[row] != Kind::Text || printed.is_usual(column.bytes(row));
    let Some(first) = (0..column.len()).find(|row| !is_alike(*row)) else { return Ok(None) };
    let mut out = ColumnValues::default();
    for row in 0..column.len() {
        let (kind, text) = (column.kinds()[row], column.bytes(row));
        if kind != Kind::Text || row < first || printed.is_usual(text) {
            out.data_mut().extend_from_slice(text);
        } else {
            printed.write(text, out.data_mut()).map_err(|what| (row, what))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_hold_themselves_end_somewhere() {
        let mut definitions = Definitions::default();
        let mut script = "CREATE TYPE public.a AS (x public.b, t timestamp with time zone);
             CREATE TYPE public.b AS (x public.a); CREATE DOMAIN public.c AS public.c[];"
            .to_owned();
        for number in 1..100 {
            let within = format!("public.t{}", number - 1);
            script += &format!("CREATE TYPE public.t{number} AS (a {within}, b {within});");
        }
        let statements = crate::postgres::schema::split::statements(&script);
        statements.into_iter().for_each(|statement| definitions.read(statement));
        let mut printing = Printing::new(&definitions);
        assert!(matches!(printing.of("public.a"), Printed::Holding(_)));
        for other in ["public.c", "public.t99", "numeric[]", "numeric(10,2)[]"] {
            assert_eq!(printing.of(other), Printed::Alike, "{other}");
        }
        assert!(matches!(printing.of("timestamp(3) with time zone[]"), Printed::Holding(_)));
        assert!(matches!(printing.of("numeric(10,2)"), Printed::Of(_)));
    }
}
