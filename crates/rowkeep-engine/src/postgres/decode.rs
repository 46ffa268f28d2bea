//! The text form of `COPY ... TO STDOUT`, decoded (PostgreSQL manual, "COPY", section "Text Format").
//!
//! Each message holds one row. Its fields are separated by tabs; `\N` alone is null; a backslash begins an escape.

use memchr::{memchr, memchr_iter, memchr2};
use rowkeep_format::RowBatch;
use rowkeep_format::batch::{ColumnValues, Kind};

/// A message that is not a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
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
pub(super) fn row(message: &[u8], batch: &mut RowBatch) -> Result<(), Malformed> {
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
    let mut tabs = memchr_iter(b'\t', line);
    let mut start = 0;
    for column in before {
        let Some(tab) = tabs.next() else { return Err(Malformed::FieldCount) };
        column.data_mut().extend_from_slice(&line[start..tab]);
        column.end_value(Kind::Text);
        start = tab + 1;
    }
    if tabs.next().is_some() {
        return Err(Malformed::FieldCount);
    }
    last.data_mut().extend_from_slice(&line[start..]);
    last.end_value(Kind::Text);
    Ok(())
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
pub(super) fn bytes(field: &[u8]) -> Result<Vec<u8>, Malformed> {
    let hex = field.strip_prefix(b"\\x").ok_or(Malformed::Hexadecimal)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(Malformed::Hexadecimal);
    let (pairs, rest) = hex.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed::Hexadecimal);
    }
    pairs.iter().map(|[high, low]| Ok((digit(*high)? * 16 + digit(*low)?) as u8)).collect()
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
