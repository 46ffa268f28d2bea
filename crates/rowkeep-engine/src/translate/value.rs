//! The map of values, column by column.

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{Column, RowBatch, Table, TableName, Value};

use crate::outline::{numbers, times};
use crate::{EngineError, ErrorKind};

/// What becomes of the values of a column; NULL stays NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueMap {
    /// Text stays text.
    Text,
    /// Integers become their digits.
    Digits,
    /// 0 and 1 become `f` and `t`.
    Boolean,
    /// Reals become floating-point numbers of the same bits.
    Floating,
    /// Integers and reals become decimal numbers, with so many digits after the point where that is fixed.
    Decimal(Option<usize>),
    /// Integers, reals and text become text.
    AnyText,
    /// Blobs become `bytea`, and so do the bytes of what [`ValueMap::AnyText`] makes of other kinds.
    Bytea,
    /// ISO times become those that PostgreSQL prints: without a zone, with one, of a day.
    Timestamp,
    Instant,
    TimeOfDay,
    /// Digits become integers.
    FromDigits,
    /// `f` and `t` become 0 and 1.
    FromBoolean,
    /// Floating-point numbers become reals of the same bits, but for the sign of zero.
    FromFloating,
    /// `bytea` becomes blobs.
    FromBytea,
    /// Times in UTC get a zone that SQLite's functions read.
    FromInstant,
}

impl ValueMap {
    fn push(self, value: Value<'_>, out: &mut ColumnValues) -> Result<(), &'static str> {
        let mut text = |text: String| out.push(Value::Text(text.as_bytes()));
        match (self, value) {
            (_, Value::Null) => out.push(Value::Null),
            (ValueMap::Text | ValueMap::AnyText, Value::Text(_)) => out.push(value),
            (ValueMap::Digits | ValueMap::AnyText, Value::Integer(integer)) => text(integer.to_string()),
            (ValueMap::AnyText, Value::Real(bits)) => text(printed_real(f64::from_bits(bits))),
            (ValueMap::Boolean, Value::Integer(integer @ (0 | 1))) => {
                out.push(Value::Text(if integer == 1 { b"t" } else { b"f" }));
            }
            (ValueMap::Floating, Value::Real(bits)) => text(numbers::floating(f64::from_bits(bits))),
            (ValueMap::Decimal(scale), Value::Integer(integer)) => text(padded(integer.to_string(), scale)),
            (ValueMap::Decimal(scale), Value::Real(bits)) => {
                let real = f64::from_bits(bits);
                text(if real.is_finite() {
                    padded(numbers::decimal(real), scale)
                } else {
                    numbers::floating(real)
                });
            }
            (ValueMap::Bytea, Value::Blob(bytes) | Value::Text(bytes)) => text(bytea(bytes)),
            (ValueMap::Bytea, Value::Integer(integer)) => text(bytea(integer.to_string().as_bytes())),
            (ValueMap::Bytea, Value::Real(bits)) => {
                text(bytea(printed_real(f64::from_bits(bits)).as_bytes()));
            }
            (ValueMap::Timestamp, Value::Text(bytes)) => {
                text(times::printed_timestamp(bytes).ok_or("is no time without a zone")?);
            }
            (ValueMap::Instant, Value::Text(bytes)) => {
                text(times::printed_instant(bytes).ok_or("is no time with a zone")?);
            }
            (ValueMap::TimeOfDay, Value::Text(bytes)) => {
                text(times::printed_time(bytes).ok_or("is no time of day")?);
            }
            (ValueMap::FromDigits, Value::Text(digits)) => {
                let integer = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                out.push(Value::Integer(integer.ok_or("is no integer of 64 bits")?));
            }
            (ValueMap::FromBoolean, Value::Text(b"t")) => out.push(Value::Integer(1)),
            (ValueMap::FromBoolean, Value::Text(b"f")) => out.push(Value::Integer(0)),
            (ValueMap::FromFloating, Value::Text(bytes)) => {
                // Of the two zeros the sum is the one that is not below zero.
                out.push(Value::Real((numbers::real(bytes).ok_or("is no number")? + 0.0).to_bits()));
            }
            (ValueMap::FromBytea, Value::Text(bytes)) => {
                let bytes = bytes.strip_prefix(b"\\x").and_then(|digits| hex::decode(digits).ok());
                out.push(Value::Blob(&bytes.ok_or("is not in hexadecimal digits")?));
            }
            (ValueMap::FromInstant, Value::Text(bytes)) => match bytes.strip_suffix(b"+00") {
                Some(_) => out.push(Value::Text(&[bytes, b":00"].concat())),
                None => out.push(value),
            },
            _ => return Err("is of a kind that was not there before"),
        }
        Ok(())
    }

    /// Puts a value of the target, made or read back, into a form in which equal values have equal bytes.
    fn settle<'v>(self, value: Value<'v>) -> Value<'v> {
        match (self, value) {
            // Which of several shortest forms is printed is the engine's to choose.
            (ValueMap::Floating, Value::Text(text)) => {
                numbers::real(text).map_or(value, |real| Value::Real(real.to_bits()))
            }
            _ => value,
        }
    }
}

/// A real as a text that is no integer's.
fn printed_real(real: f64) -> String {
    if !real.is_finite() {
        return numbers::floating(real);
    }
    let text = format!("{real:?}");
    // Rust leaves `.0` out only before an exponent.
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

/// A decimal number with so many digits after the point.
fn padded(mut text: String, scale: Option<usize>) -> String {
    // Negative zero is no decimal number.
    if text == "-0" {
        text = "0".to_owned();
    }
    if let Some(scale) = scale.filter(|scale| *scale > 0) {
        let there = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if there == 0 {
            text.push('.');
        }
        text.extend(std::iter::repeat_n('0', scale.saturating_sub(there)));
    }
    text
}

/// Bytes as PostgreSQL prints them.
fn bytea(bytes: &[u8]) -> String {
    format!("\\x{}", hex::encode(bytes))
}

/// What becomes of the rows of a table.
#[derive(Debug, Clone)]
pub struct RowMap {
    pub(crate) source: TableName,
    /// For each column of the target, the column of the source and what becomes of its values.
    pub(crate) columns: Vec<(usize, ValueMap)>,
}

impl RowMap {
    /// Maps all rows of a batch.
    ///
    /// Fails, naming the column, for a value of a kind that the translation was not made for.
    pub fn apply(&self, batch: &RowBatch) -> Result<RowBatch, EngineError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, (source, map)) in self.columns.iter().enumerate() {
            let from = batch.columns().get(*source).ok_or_else(|| self.error(at, "is missing"))?;
            let mut to = ColumnValues::default();
            for row in 0..batch.rows() {
                map.push(from.value(row), &mut to).map_err(|problem| self.error(at, problem))?;
            }
            columns.push(to);
        }
        RowBatch::from_columns(columns, batch.rows()).ok_or_else(|| self.error(0, "is missing"))
    }

    /// Takes the declared columns of rows of the target, in a form in which equal values have equal bytes.
    ///
    /// `table` is the table as the target's own schema has it, with columns that are hidden among its own.
    pub fn settle(&self, table: &Table, batch: &RowBatch) -> Option<RowBatch> {
        let declared = table.columns.iter().zip(batch.columns()).filter(|(column, _)| !column.hidden);
        let settled = declared.zip(&self.columns).map(|((_, values), (_, map))| match map {
            ValueMap::Floating => {
                let mut out = ColumnValues::default();
                (0..values.len()).for_each(|row| out.push(map.settle(values.value(row))));
                out
            }
            _ => values.clone(),
        });
        let settled: Vec<ColumnValues> = settled.collect();
        if settled.len() == self.columns.len() { RowBatch::from_columns(settled, batch.rows()) } else { None }
    }

    fn error(&self, at: usize, problem: &str) -> EngineError {
        let column = self.columns.get(at).map_or(0, |(source, _)| *source + 1);
        let message = format!("table {}: a value of column {column} {problem}", self.source);
        EngineError::new(ErrorKind::Unstorable, message)
    }
}

/// A column of the target.
pub(crate) fn column(name: &str, type_name: &str, not_null: bool) -> Column {
    Column { name: name.to_owned(), type_name: type_name.to_owned(), not_null, hidden: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(map: ValueMap, value: Value<'_>) -> Result<String, &'static str> {
        let mut out = ColumnValues::default();
        map.push(value, &mut out)?;
        Ok(match out.value(0) {
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn values_have_the_other_engines_form() {
        let real = |real: f64| Value::Real(real.to_bits());
        for (map, value, expected) in [
            (ValueMap::Digits, Value::Integer(i64::MIN), "-9223372036854775808"),
            (ValueMap::Boolean, Value::Integer(1), "t"),
            (ValueMap::Floating, real(0.1), "1e-1"),
            (ValueMap::Decimal(None), real(1e-7), "0.0000001"),
            (ValueMap::Decimal(Some(2)), real(19.9), "19.90"),
            (ValueMap::Decimal(Some(2)), Value::Integer(-5), "-5.00"),
            (ValueMap::Decimal(Some(2)), real(-0.0), "0.00"),
            (ValueMap::Decimal(Some(0)), Value::Integer(7), "7"),
            (ValueMap::AnyText, real(5.0), "5.0"),
            (ValueMap::AnyText, real(1e300), "1e300"),
            (ValueMap::Bytea, Value::Text(b"a\0"), "\\x6100"),
            (ValueMap::Bytea, Value::Blob(b"\xff"), "\\xff"),
            (ValueMap::Bytea, Value::Integer(10), "\\x3130"),
            (ValueMap::FromDigits, Value::Text(b"-7"), "Integer(-7)"),
            (ValueMap::FromBoolean, Value::Text(b"f"), "Integer(0)"),
            (ValueMap::FromBytea, Value::Text(b"\\x00ff"), "Blob([0, 255])"),
            (ValueMap::FromInstant, Value::Text(b"2024-01-01 00:00:00+00"), "2024-01-01 00:00:00+00:00"),
            (ValueMap::FromInstant, Value::Text(b"infinity"), "infinity"),
            (ValueMap::FromInstant, Value::Null, "Null"),
        ] {
            assert_eq!(mapped(map, value).as_deref(), Ok(expected), "{map:?} {value:?}");
        }
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        for (map, value) in [
            (ValueMap::Text, Value::Integer(1)),
            (ValueMap::Boolean, Value::Integer(2)),
            (ValueMap::Timestamp, Value::Text(b"soon")),
            (ValueMap::FromDigits, Value::Text(b"1.5")),
            (ValueMap::FromFloating, Value::Text(b"NaN")),
            (ValueMap::FromBytea, Value::Text(b"\\x0")),
            (ValueMap::FromBoolean, Value::Text(b"true")),
        ] {
            assert!(mapped(map, value).is_err(), "{map:?} {value:?}");
        }
    }
}
