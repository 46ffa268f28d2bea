//! Bytes and UUIDs that are written as hexadecimal digits.

use std::ops::Range;

use crate::batch::{ColumnValues, Kind};
use crate::varint::Cursor;
use crate::{FormatError, ints, lower_hex};

/// Appends values, or nothing when one is not of such digits.
pub(super) fn put_hex<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Option<()> {
    let mut lengths = Vec::new();
    let mut bytes = Vec::new();
    for text in values {
        let digits = text.strip_prefix(b"\\x")?;
        let start = bytes.len();
        bytes.resize(start + digits.len() / 2, 0);
        lower_hex::decode(digits, &mut bytes[start..])?;
        lengths.push((digits.len() / 2) as i64);
    }
    ints::encode(&lengths, out);
    out.extend_from_slice(&bytes);
    Some(())
}

/// Reads `count` values and adds them, as text, to a column.
pub(super) fn take_hex(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    for length in ints::decode(cursor, count)? {
        let length = usize::try_from(length).map_err(|_| cursor.malformed())?;
        let bytes = cursor.take(length)?;
        let text = out.data_mut();
        text.extend_from_slice(b"\\x");
        let start = text.len();
        text.resize(start + 2 * bytes.len(), 0);
        encode(bytes, &mut text[start..]);
        out.end_value(Kind::Text);
    }
    Ok(())
}

fn encode(bytes: &[u8], digits: &mut [u8]) {
    ::hex::encode_to_slice(bytes, digits).expect("there is room for two digits a byte");
}

/// The groups of a UUID: where their digits stand, and their bytes.
const GROUPS: [(Range<usize>, Range<usize>); 5] =
    [(0..8, 0..4), (9..13, 4..6), (14..18, 6..8), (19..23, 8..10), (24..36, 10..16)];

pub(super) fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let mut bytes = [0; 16];
    for (of_text, of_bytes) in GROUPS {
        lower_hex::decode(&text[of_text], &mut bytes[of_bytes])?;
    }
    Some(bytes)
}

pub(super) fn print_uuid(bytes: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    for (of_text, of_bytes) in GROUPS {
        encode(&bytes[of_bytes], &mut text[of_text]);
    }
    text
}
