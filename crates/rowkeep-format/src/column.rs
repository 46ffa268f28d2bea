//! One column of a chunk.
//!
//! ```text
//! column := code body
//! 00  every value is NULL; no body
//! 01  integers: ints
//! 02  reals: eight byte planes, as ints have them, of the IEEE bits
//! 03  reals that are decimals: scale (one byte), ints; the real is the integer divided by 10 to the scale
//! 10  text: bytes        11  text: dictionary        12  text: form
//! 20  blobs: bytes       21  blobs: dictionary
//! ff  several kinds: one byte of kind a row, then for each kind present but NULL, in the order of their codes, a
//!     column of the rows that have it
//!
//! bytes      := ints (the lengths), then all bytes
//! dictionary := count - 1 (one byte), then the distinct values as bytes in the order of first appearance, then one
//!               byte a row: its number in the dictionary
//! form       := see `text`
//! ```
//!
//! The encoder's choice follows from the values alone, so equal values give equal bytes.

use crate::batch::{ColumnValues, Kind};
use crate::varint::Cursor;
use crate::{FormatError, Value, ints, text};

const NULLS: u8 = 0x00;
const INTEGERS: u8 = 0x01;
const REALS: u8 = 0x02;
const DECIMAL_REALS: u8 = 0x03;
const TEXT: u8 = 0x10;
const TEXT_DICTIONARY: u8 = 0x11;
const TEXT_FORM: u8 = 0x12;
const BLOBS: u8 = 0x20;
const BLOB_DICTIONARY: u8 = 0x21;
const MIXED: u8 = 0xff;

/// A dictionary has at most this many values, and each stands at least twice on average.
const DICTIONARY_MAX: usize = 256;

/// Reals are tried as decimals of up to this many digits after the point.
const MAX_REAL_SCALE: u8 = 6;

/// Appends the encoding of a column.
pub(crate) fn encode(column: &ColumnValues, out: &mut Vec<u8>) {
    let kinds = column.kinds();
    let mut present = [false; Kind::ALL.len()];
    kinds.iter().for_each(|kind| present[*kind as usize] = true);
    let mut of_kind = Kind::ALL.into_iter().filter(|kind| present[*kind as usize]);
    match (of_kind.next(), of_kind.next()) {
        (None, _) => out.push(NULLS),
        (Some(kind), None) => encode_kind(kind, &Values::all(column), out),
        _ => {
            out.push(MIXED);
            out.extend(kinds.iter().map(|kind| *kind as u8));
            for kind in Kind::ALL {
                if kind != Kind::Null && present[kind as usize] {
                    encode_kind(kind, &Values::of_kind(column, kind), out);
                }
            }
        }
    }
}

/// The values of a column that have one kind.
struct Values<'a> {
    column: &'a ColumnValues,
    rows: Option<Vec<u32>>,
}

impl<'a> Values<'a> {
    fn all(column: &'a ColumnValues) -> Self {
        Self { column, rows: None }
    }

    fn of_kind(column: &'a ColumnValues, kind: Kind) -> Self {
        let rows = (0u32..).zip(column.kinds()).filter(|(_, of)| **of == kind).map(|(row, _)| row).collect();
        Self { column, rows: Some(rows) }
    }

    fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.column.len(), Vec::len)
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let (column, rows) = (self.column, self.rows.as_deref());
        (0..self.len()).map(move |index| column.bytes(rows.map_or(index, |rows| rows[index] as usize)))
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.iter().map(|bytes| {
            let mut word = [0; 8];
            word.copy_from_slice(bytes);
            u64::from_le_bytes(word)
        })
    }
}

fn encode_kind(kind: Kind, values: &Values<'_>, out: &mut Vec<u8>) {
    match kind {
        Kind::Null => out.push(NULLS),
        Kind::Integer => {
            out.push(INTEGERS);
            ints::encode(&values.words().map(|word| word as i64).collect::<Vec<_>>(), out);
        }
        Kind::Real => encode_reals(&values.words().collect::<Vec<_>>(), out),
        Kind::Text => {
            let forms = values.iter().next().map(text::candidates).unwrap_or_default();
            out.push(TEXT_FORM);
            if forms.into_iter().any(|form| text::encode(form, values.iter(), out).is_some()) {
                return;
            }
            out.pop();
            encode_bytes(values, TEXT, TEXT_DICTIONARY, out);
        }
        Kind::Blob => encode_bytes(values, BLOBS, BLOB_DICTIONARY, out),
    }
}

fn encode_bytes(values: &Values<'_>, plain: u8, dictionary: u8, out: &mut Vec<u8>) {
    if let Some((distinct, numbers)) = find_dictionary(values) {
        out.push(dictionary);
        out.push((distinct.len() - 1) as u8);
        put_bytes(distinct.iter().copied(), out);
        out.extend_from_slice(&numbers);
    } else {
        out.push(plain);
        match &values.rows {
            None => {
                ints::encode(&values.iter().map(|bytes| bytes.len() as i64).collect::<Vec<_>>(), out);
                out.extend_from_slice(values.column.data());
            }
            Some(_) => put_bytes(values.iter(), out),
        }
    }
}

fn put_bytes<'a>(values: impl Iterator<Item = &'a [u8]> + Clone, out: &mut Vec<u8>) {
    ints::encode(&values.clone().map(|bytes| bytes.len() as i64).collect::<Vec<_>>(), out);
    values.for_each(|bytes| out.extend_from_slice(bytes));
}

/// The distinct values in order of appearance and the number of each value, if that is worth it.
fn find_dictionary<'a>(values: &Values<'a>) -> Option<(Vec<&'a [u8]>, Vec<u8>)> {
    const SLOTS: usize = 4 * DICTIONARY_MAX;
    const FREE: u16 = u16::MAX;
    let most = DICTIONARY_MAX.min(values.len() / 2);
    let mut distinct: Vec<&[u8]> = Vec::new();
    let mut slots = [FREE; SLOTS];
    let mut numbers = Vec::with_capacity(values.len());
    for bytes in values.iter() {
        let mut slot = quick_hash(bytes) as usize % SLOTS;
        while slots[slot] != FREE && distinct[usize::from(slots[slot])] != bytes {
            slot = (slot + 1) % SLOTS;
        }
        if slots[slot] == FREE {
            if distinct.len() == most {
                return None;
            }
            slots[slot] = distinct.len() as u16;
            distinct.push(bytes);
        }
        numbers.push(slots[slot] as u8);
    }
    (!distinct.is_empty()).then_some((distinct, numbers))
}

/// A hash that is quick for short values. It decides nothing but speed: the table it fills has at most 256 values, so
/// chosen ones cannot make it very slow.
fn quick_hash(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(ODD);
    let mut hash = bytes.len() as u64;
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        for word in bytes.as_chunks::<8>().0.iter().skip(1).chain([first, last]) {
            hash = mix(hash, u64::from_le_bytes(*word));
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        hash = mix(hash, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    } else {
        hash = bytes.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    }
    mix(hash, 0) >> 32
}

fn encode_reals(words: &[u64], out: &mut Vec<u8>) {
    if let Some((scale, integers)) =
        (0..=MAX_REAL_SCALE).find_map(|scale| Some((scale, as_decimals(words, scale)?)))
    {
        out.extend_from_slice(&[DECIMAL_REALS, scale]);
        ints::encode(&integers, out);
        return;
    }
    out.push(REALS);
    for plane in 0..8 {
        out.extend(words.iter().map(|word| (word >> (8 * plane)) as u8));
    }
}

/// The integers of which each real is exactly the quotient by 10 to the scale, in IEEE arithmetic.
fn as_decimals(words: &[u64], scale: u8) -> Option<Vec<i64>> {
    let power = 10f64.powi(i32::from(scale));
    words
        .iter()
        .map(|word| {
            let scaled = (f64::from_bits(*word) * power).round();
            let integer = scaled as i64;
            (scaled.abs() < 9e15 && (integer as f64 / power).to_bits() == *word).then_some(integer)
        })
        .collect()
}

/// Reads a column of that many rows.
pub(crate) fn decode(cursor: &mut Cursor<'_>, rows: usize) -> Result<ColumnValues, FormatError> {
    let mut column = ColumnValues::default();
    decode_into(cursor, rows, &mut column)?;
    Ok(column)
}

/// Reads a column of that many rows into an empty one.
pub(crate) fn decode_into(
    cursor: &mut Cursor<'_>,
    rows: usize,
    column: &mut ColumnValues,
) -> Result<(), FormatError> {
    let code = cursor.byte()?;
    if code != MIXED {
        return decode_kind(code, cursor, rows, column);
    }
    let kinds: Vec<Kind> = cursor
        .take(rows)?
        .iter()
        .map(|code| Kind::from_code(*code))
        .collect::<Option<_>>()
        .ok_or_else(|| cursor.malformed())?;
    let mut parts: [ColumnValues; Kind::ALL.len()] = Default::default();
    for kind in Kind::ALL {
        let count = kinds.iter().filter(|of| **of == kind).count();
        if kind != Kind::Null && count > 0 {
            let part = &mut parts[kind as usize];
            let code = cursor.byte()?;
            decode_kind(code, cursor, count, part)?;
            if part.len() != count || part.kinds().iter().any(|of| *of != kind) {
                return Err(cursor.malformed());
            }
        }
    }
    column.reserve(rows, parts.iter().map(|part| part.data().len()).sum());
    let mut next = [0; Kind::ALL.len()];
    for kind in kinds {
        if kind != Kind::Null {
            let bytes = parts[kind as usize].bytes(next[kind as usize]);
            column.data_mut().extend_from_slice(bytes);
            next[kind as usize] += 1;
        }
        column.end_value(kind);
    }
    Ok(())
}

fn decode_kind(
    code: u8,
    cursor: &mut Cursor<'_>,
    rows: usize,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    match code {
        NULLS => out.extend_run(Kind::Null, std::iter::repeat_n(0, rows), &[]),
        INTEGERS => {
            let values = ints::decode(cursor, rows)?;
            out.reserve(rows, rows * 8);
            values.into_iter().for_each(|value| out.push(Value::Integer(value)));
        }
        REALS => {
            let planes = cursor.take(rows.checked_mul(8).ok_or_else(|| cursor.malformed())?)?;
            out.reserve(rows, rows * 8);
            for row in 0..rows {
                let word: [u8; 8] = std::array::from_fn(|plane| planes[plane * rows + row]);
                out.push(Value::Real(u64::from_le_bytes(word)));
            }
        }
        DECIMAL_REALS => {
            let scale = cursor.byte()?;
            if scale > MAX_REAL_SCALE {
                return Err(cursor.malformed());
            }
            let power = 10f64.powi(i32::from(scale));
            let values = ints::decode(cursor, rows)?;
            out.reserve(rows, rows * 8);
            values.into_iter().for_each(|value| out.push(Value::Real((value as f64 / power).to_bits())));
        }
        TEXT => decode_bytes(cursor, rows, Kind::Text, out)?,
        BLOBS => decode_bytes(cursor, rows, Kind::Blob, out)?,
        TEXT_DICTIONARY => decode_dictionary(cursor, rows, Kind::Text, out)?,
        BLOB_DICTIONARY => decode_dictionary(cursor, rows, Kind::Blob, out)?,
        TEXT_FORM => text::decode(cursor, rows, out)?,
        _ => return Err(cursor.malformed()),
    }
    Ok(())
}

fn decode_bytes(
    cursor: &mut Cursor<'_>,
    rows: usize,
    kind: Kind,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    let lengths = ints::decode(cursor, rows)?;
    let total =
        lengths.iter().try_fold(0usize, |total, length| total.checked_add(usize::try_from(*length).ok()?));
    let bytes = cursor.take(total.ok_or_else(|| cursor.malformed())?)?;
    out.extend_run(kind, lengths.into_iter().map(|length| length as usize), bytes);
    Ok(())
}

fn decode_dictionary(
    cursor: &mut Cursor<'_>,
    rows: usize,
    kind: Kind,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    let count = usize::from(cursor.byte()?) + 1;
    let mut distinct = ColumnValues::default();
    decode_bytes(cursor, count, kind, &mut distinct)?;
    let numbers = cursor.take(rows)?;
    out.reserve(rows, rows * distinct.data().len() / count);
    for number in numbers {
        let number = usize::from(*number);
        if number >= count {
            return Err(cursor.malformed());
        }
        out.data_mut().extend_from_slice(distinct.bytes(number));
        out.end_value(kind);
    }
    Ok(())
}
