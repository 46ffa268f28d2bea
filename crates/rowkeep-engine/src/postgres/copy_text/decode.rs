//! The text form of `COPY ... TO STDOUT`, decoded (PostgreSQL manual, "COPY", section "Text Format").
//!
//! Each message holds one row. Its fields are separated by tabs; `\N` alone is null; a backslash begins an escape.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};
use rowkeep_format::RowBatch;
use rowkeep_format::batch::{ColumnValues, Kind};

/// A message that is not a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The message does not end with a line end.
    #[error("a row does not end where its message ends")]
    Unended,
    /// The row has more or fewer fields.
    #[error("a row does not have as many fields as the table has columns")]
    FieldCount,
    /// A field that should be `bytea` is not.
    #[error("a field of bytes is not in hexadecimal digits")]
    Hexadecimal,
}

/// Adds the row that a message holds to a batch of as many columns.
pub(crate) fn row(message: &[u8], batch: &mut RowBatch) -> Result<(), Malformed> {
    let Some(line) = message.strip_suffix(b"\n") else { return Err(Malformed::Unended) };
    let columns = batch.columns_mut();
    match columns.split_last_mut() {
        None if line.is_empty() => {}
        None => return Err(Malformed::FieldCount),
        Some((last, before)) if memchr(b'\\', line).is_none() => plain(line, before, last)?,
        Some((last, before)) => escaped(line, before, last)?,
    }
    batch.end_row();
    Ok(())
}

/// A row without any escape: everything between two tabs is a value.
fn plain(line: &[u8], before: &mut [ColumnValues], last: &mut ColumnValues) -> Result<(), Malformed> {
    let mut columns = before.iter_mut();
    let mut start = 0;
    let mut end_at = |tab| {
        put(line, start..tab, columns.next()?);
        start = tab + 1;
        Some(())
    };
    let (words, rest) = line.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let mut tabs = tabs(u64::from_le_bytes(*word));
        while tabs != 0 {
            end_at(8 * at + tabs.trailing_zeros() as usize / 8).ok_or(Malformed::FieldCount)?;
            tabs &= tabs - 1;
        }
    }
    for at in memchr_iter(b'\t', rest) {
        end_at(8 * words.len() + at).ok_or(Malformed::FieldCount)?;
    }
    if columns.next().is_some() {
        return Err(Malformed::FieldCount);
    }
    put(line, start..line.len(), last);
    Ok(())
}

/// The highest bit of each byte of a word that is a tab.
///
/// Fields are so short that starting a search for each costs more than this.
fn tabs(word: u64) -> u64 {
    const TABS: u64 = u64::from_ne_bytes([b'\t'; 8]);
    const BUT_HIGHEST: u64 = u64::from_ne_bytes([0x7f; 8]);
    let others = word ^ TABS;
    !(((others & BUT_HIGHEST) + BUT_HIGHEST) | others | BUT_HIGHEST)
}

/// Adds a part of a line to a column, as it is.
fn put(line: &[u8], field: Range<usize>, column: &mut ColumnValues) {
    const SHORT: usize = 16;
    let data = column.data_mut();
    match line[field.start..].first_chunk::<SHORT>() {
        // Copying a fixed length and forgetting what is too much is quicker than copying a short one.
        Some(chunk) if field.len() <= SHORT => {
            let end = data.len() + field.len();
            data.extend_from_slice(chunk);
            data.truncate(end);
        }
        _ => data.extend_from_slice(&line[field]),
    }
    column.end_value(Kind::Text);
}

fn escaped(line: &[u8], before: &mut [ColumnValues], last: &mut ColumnValues) -> Result<(), Malformed> {
    let mut rest = line;
    for column in before {
        match field(rest, column) {
            Some(after) => rest = after,
            None => return Err(Malformed::FieldCount),
        }
    }
    match field(rest, last) {
        Some(_) => Err(Malformed::FieldCount),
        None => Ok(()),
    }
}

/// Adds the field at the start of `rest` to its column; returns what follows its tab, nothing if there is none.
fn field<'a>(rest: &'a [u8], column: &mut ColumnValues) -> Option<&'a [u8]> {
    let (kind, after) = match rest {
        [b'\\', b'N', b'\t', after @ ..] => (Kind::Null, Some(after)),
        [b'\\', b'N'] => (Kind::Null, None),
        _ => (Kind::Text, unescape(rest, column.data_mut())),
    };
    column.end_value(kind);
    after
}

fn unescape<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let Some(at) = memchr2(b'\t', b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        if rest[at] == b'\t' {
            return Some(&rest[at + 1..]);
        }
        rest = escape(&rest[at + 1..], out);
    }
    out.extend_from_slice(rest);
    None
}

/// Decodes the escape whose backslash was taken; returns what follows it.
fn escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((first, after)) = rest.split_first() else {
        out.push(b'\\');
        return rest;
    };
    match first {
        b'b' => out.push(0x08),
        b'f' => out.push(0x0c),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'v' => out.push(0x0b),
        b'0'..=b'7' => return digits(rest, 8, 3, out),
        b'x' if after.first().is_some_and(u8::is_ascii_hexdigit) => return digits(after, 16, 2, out),
        other => out.push(*other),
    }
    after
}

fn digits<'a>(rest: &'a [u8], radix: u32, most: usize, out: &mut Vec<u8>) -> &'a [u8] {
    let mut value = 0;
    let mut length = 0;
    while let Some(digit) = rest.get(length).and_then(|byte| char::from(*byte).to_digit(radix)) {
        if length == most {
            break;
        }
        value = value * radix + digit;
        length += 1;
    }
    out.push(value as u8);
    &rest[length..]
}

/// The bytes of a `bytea` that is printed as hexadecimal digits.
pub(crate) fn bytes(field: &[u8]) -> Result<Vec<u8>, Malformed> {
    let digits = field.strip_prefix(b"\\x").ok_or(Malformed::Hexadecimal)?;
    hex::decode(digits).map_err(|_| Malformed::Hexadecimal)
}

#[cfg(test)]
mod tests {
    use rowkeep_format::Value;

    use super::*;

    fn decoded(message: &[u8], columns: usize) -> Result<Vec<Option<Vec<u8>>>, Malformed> {
        let mut batch = RowBatch::new(columns);
        row(message, &mut batch)?;
        Ok(batch
            .row(0)
            .map(|value| match value {
                Value::Null => None,
                Value::Text(text) => Some(text.to_vec()),
                other => unreachable!("COPY holds only text, not {other:?}"),
            })
            .collect())
    }

    fn one(message: &[u8]) -> Vec<u8> {
        decoded(message, 1).expect("it is a row").remove(0).expect("it is not null")
    }

    #[test]
    fn fields_are_what_is_between_tabs() {
        let fields = decoded(b"1\t\ttwo words\n", 3).expect("it is a row");
        assert_eq!(fields, [Some(b"1".to_vec()), Some(b"".to_vec()), Some(b"two words".to_vec())]);
        assert_eq!(decoded(b"\n", 1).expect("one empty field"), [Some(Vec::new())]);
        assert_eq!(decoded(b"\n", 0).expect("no field"), []);
    }

    #[test]
    fn fields_of_every_length_come_apart_at_every_place() {
        for length in 0..40 {
            for before in 0..20 {
                // Bytes that differ from a tab by one bit, or by their highest.
                let [first, second] = [(before, b'\x89'), (length, b'\x08')].map(|(n, byte)| vec![byte; n]);
                let message = [&first, &b"\t"[..], &second, b"\t\t", &first, b"\n"].concat();
                let fields = decoded(&message, 4).expect("it is a row");
                assert_eq!(fields, [&first, &second, &Vec::new(), &first].map(|field| Some(field.clone())));
                assert_eq!(decoded(&message, 3), Err(Malformed::FieldCount));
                assert_eq!(decoded(&message, 5), Err(Malformed::FieldCount));
            }
        }
    }

    #[test]
    fn null_is_not_the_text_that_looks_like_it() {
        let fields = decoded(b"\\N\t\\\\N\t\\N\n", 3).expect("it is a row");
        assert_eq!(fields, [None, Some(b"\\N".to_vec()), None]);
        assert_eq!(decoded(b"N\t\\N\n", 2).expect("it is a row"), [Some(b"N".to_vec()), None]);
    }

    #[test]
    fn every_escape_of_the_manual_is_understood() {
        assert_eq!(one(b"\\b\\f\\n\\r\\t\\v\\\\\n"), b"\x08\x0c\n\r\t\x0b\\");
        assert_eq!(one(b"a\\101\\7z\\x41\\xfg\\xg\n"), b"aA\x07zA\x0fgxg");
        assert_eq!(one(b"\\x4\\377\\.\\q\n"), b"\x04\xff.q");
        assert_eq!(one(b"ends\\\n"), b"ends\\");
        assert_eq!(one("\u{1}\u{7f}\u{80}é\n".as_bytes()), "\u{1}\u{7f}\u{80}é".as_bytes());
    }

    #[test]
    fn rows_of_another_shape_are_refused() {
        assert_eq!(decoded(b"1\t2", 2), Err(Malformed::Unended));
        assert_eq!(decoded(b"", 2), Err(Malformed::Unended));
        for (message, columns) in
            [(&b"1\n"[..], 2), (b"1\t2\t3\n", 2), (b"1\n", 0), (b"\\N\n", 2), (b"\\N\t1\t\\N\n", 2)]
        {
            assert_eq!(decoded(message, columns), Err(Malformed::FieldCount), "{columns}");
        }
    }

    #[test]
    fn hexadecimal_bytes_are_decoded() {
        assert_eq!(bytes(b"\\x00ffA0"), Ok(vec![0, 0xff, 0xa0]));
        assert_eq!(bytes(b"\\x"), Ok(Vec::new()));
        for bad in [&b"\\x0"[..], b"00", b"\\x0g", b""] {
            assert_eq!(bytes(bad), Err(Malformed::Hexadecimal));
        }
    }
}
