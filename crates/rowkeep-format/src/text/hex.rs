//! Bytes and UUIDs that are written as hexadecimal digits.

use crate::batch::{ColumnValues, Kind};
use crate::varint::Cursor;
use crate::{FormatError, ints};

/// Appends values, or nothing when one is not of such digits.
pub(super) fn put_hex<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Option<()> {
    let mut lengths = Vec::new();
    let mut bytes = Vec::new();
    for text in values {
        let digits = text.strip_prefix(b"\\x")?;
        if digits.len() % 2 == 1 {
            return None;
        }
        lengths.push((digits.len() / 2) as i64);
        for pair in digits.chunks_exact(2) {
            bytes.push(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?);
        }
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
        text.extend(bytes.iter().flat_map(|byte| hex_pair(*byte)));
        out.end_value(Kind::Text);
    }
    Ok(())
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn hex_pair(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

pub(super) fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    let mut at = 0;
    for (index, byte) in bytes.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = hex_digit(text[at])? << 4 | hex_digit(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

pub(super) fn print_uuid(bytes: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at..at + 2].copy_from_slice(&hex_pair(*byte));
        at += 2;
    }
    text
}
