//! Forms of text that a column of a chunk may have throughout, each with fewer bytes than the text itself.
//!
//! A form is only ever taken when printing gives back exactly the text that was read, byte for byte. Nothing here
//! passes through a floating-point number.

mod date;
mod hex;
mod number;
mod timestamp;

use self::hex::{parse_uuid, print_uuid, put_hex, take_hex};
use crate::batch::{ColumnValues, Kind};
use crate::varint::Cursor;
use crate::{FormatError, Value, ints};
use date::{parse_date, print_date};
use number::{parse_decimal, parse_integer, print_decimal, print_integer};
use timestamp::{Fraction, Zone, parse_timestamp, print_timestamp, timestamp_candidates};

const INTEGER: u8 = 0;
const DECIMAL: u8 = 1;
const DATE: u8 = 2;
const TIMESTAMP: u8 = 3;
const UUID: u8 = 4;
const HEX: u8 = 5;

/// A form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `0`, `42`, `-7`: no leading zeros, at most 18 digits.
    Integer,
    /// The same with a point and this many digits after it.
    Decimal { scale: u8 },
    /// `2026-11-20`, years 0001 to 9999.
    Date,
    /// A date, `separator`, `10:30:00`, a fraction, a suffix.
    Timestamp { separator: u8, fraction: Fraction, zone: Zone },
    /// 36 characters, lower case.
    Uuid,
    /// `\x` and lower-case hexadecimal digits: PostgreSQL's bytea.
    Hex,
}

/// The forms that a column may have whose first value is this, in the order in which they are to be tried.
pub(crate) fn candidates(first: &[u8]) -> Vec<Form> {
    if parse_integer(first).is_some() {
        return vec![Form::Integer];
    }
    if let Some(point) = memchr::memchr(b'.', first)
        && let Ok(scale) = u8::try_from(first.len() - point - 1)
        && parse_decimal(first, scale).is_some()
    {
        return vec![Form::Decimal { scale }];
    }
    if parse_date(first).is_some() {
        return vec![Form::Date];
    }
    if first.len() == 36 && parse_uuid(first).is_some() {
        return vec![Form::Uuid];
    }
    if first.starts_with(b"\\x") {
        return vec![Form::Hex];
    }
    let form = |(separator, fraction, zone)| Form::Timestamp { separator, fraction, zone };
    timestamp_candidates(first).into_iter().map(form).collect()
}

/// Appends the form and the values, or nothing when a value does not have the form.
pub(crate) fn encode<'a>(
    form: Form,
    values: impl Iterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    let done = match form {
        Form::Integer => {
            out.push(INTEGER);
            put_ints(values.map(parse_integer), out)
        }
        Form::Decimal { scale } => {
            out.extend_from_slice(&[DECIMAL, scale]);
            put_ints(values.map(|text| parse_decimal(text, scale)), out)
        }
        Form::Date => {
            out.push(DATE);
            put_ints(values.map(parse_date), out)
        }
        Form::Timestamp { separator, fraction, zone } => {
            let digits = match fraction {
                Fraction::Trimmed => 7,
                Fraction::Fixed(digits) => digits,
            };
            out.extend_from_slice(&[TIMESTAMP, separator, digits, zone as u8]);
            put_ints(values.map(|text| parse_timestamp(text, separator, fraction, zone)), out)
        }
        Form::Uuid => {
            out.push(UUID);
            values.map(|text| parse_uuid(text).map(|bytes| out.extend_from_slice(&bytes))).collect()
        }
        Form::Hex => {
            out.push(HEX);
            put_hex(values, out)
        }
    };
    if done.is_none() {
        out.truncate(start);
    }
    done
}

fn put_ints(values: impl Iterator<Item = Option<i64>>, out: &mut Vec<u8>) -> Option<()> {
    let values: Vec<i64> = values.collect::<Option<_>>()?;
    ints::encode(&values, out);
    Some(())
}

/// Reads `count` values and adds them, as text, to a column.
pub(crate) fn decode(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    match cursor.byte()? {
        INTEGER => print_all(ints::decode(cursor, count)?, out, print_integer),
        DECIMAL => {
            let scale = cursor.byte()?;
            print_all(ints::decode(cursor, count)?, out, |value, text| print_decimal(value, scale, text));
        }
        DATE => print_all(ints::decode(cursor, count)?, out, print_date),
        TIMESTAMP => {
            let [separator, digits, zone] = cursor.array()?;
            let zone = *Zone::ALL.get(usize::from(zone)).ok_or_else(|| cursor.malformed())?;
            let fraction = match digits {
                1..=6 => Fraction::Fixed(digits),
                7 => Fraction::Trimmed,
                _ => return Err(cursor.malformed()),
            };
            print_all(ints::decode(cursor, count)?, out, |value, text| {
                print_timestamp(value, separator, fraction, zone, text);
            });
        }
        UUID => {
            for _ in 0..count {
                out.push(Value::Text(&print_uuid(&cursor.array()?)));
            }
        }
        HEX => take_hex(cursor, count, out)?,
        _ => return Err(cursor.malformed()),
    }
    Ok(())
}

fn print_all(values: Vec<i64>, out: &mut ColumnValues, print: impl Fn(i64, &mut Vec<u8>)) {
    const USUAL_LEN: usize = 10;
    out.reserve(values.len(), values.len() * USUAL_LEN);
    for value in values {
        print(value, out.data_mut());
        out.end_value(Kind::Text);
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
