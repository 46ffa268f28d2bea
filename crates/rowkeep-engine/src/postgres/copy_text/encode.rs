//! Rows in the text form of `COPY ... FROM STDIN`; the other side of [`decode`](super::decode).

use std::borrow::Cow;

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, Value};

/// Appends the rows of a batch to `out`.
///
/// Text goes as it is; what no PostgreSQL table gives (integers, reals, blobs) in the way PostgreSQL reads it.
pub(crate) fn rows(batch: &RowBatch, out: &mut Vec<u8>) {
    let plain: Vec<bool> = batch.columns().iter().map(is_plain).collect();
    for row in 0..batch.rows() {
        for (at, column) in batch.columns().iter().enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            match column.value(row) {
                Value::Text(text) if plain[at] => out.extend_from_slice(text),
                other => value(other, out),
            }
        }
        out.push(b'\n');
    }
}

/// Appends one value, as a field of a row.
pub(crate) fn value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"\\N"),
        Value::Text(text) => escape(text, out),
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Value::Real(bits) => out.extend_from_slice(real(f64::from_bits(bits)).as_bytes()),
        Value::Blob(bytes) => {
            out.extend_from_slice(b"\\\\x");
            hexadecimal(bytes, out);
        }
    }
}

/// Appends one value as an element of an array of texts, within a field of a row.
pub(crate) fn element(value: Value<'_>, out: &mut Vec<u8>) {
    if value == Value::Null {
        out.extend_from_slice(b"NULL");
        return;
    }
    let text = match value {
        Value::Text(text) => Cow::Borrowed(text),
        other => {
            let mut text = Vec::new();
            plain(other, &mut text);
            Cow::Owned(text)
        }
    };
    out.push(b'"');
    for part in text.split_inclusive(|byte| matches!(byte, b'"' | b'\\')) {
        // The array wants a backslash before them, and the field doubles backslashes.
        match part.split_last() {
            Some((b'"', rest)) => {
                escape(rest, out);
                out.extend_from_slice(b"\\\\\"");
            }
            Some((b'\\', rest)) => {
                escape(rest, out);
                out.extend_from_slice(b"\\\\\\\\");
            }
            _ => escape(part, out),
        }
    }
    out.push(b'"');
}

/// Appends the text of one value without any escape; nothing for null.
pub(crate) fn plain(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Text(text) => out.extend_from_slice(text),
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Value::Real(bits) => out.extend_from_slice(real(f64::from_bits(bits)).as_bytes()),
        Value::Blob(bytes) => {
            out.extend_from_slice(b"\\x");
            hexadecimal(bytes, out);
        }
    }
}

/// Whether no byte of a column has to be escaped; found without branches, so that it is as fast as reading.
fn is_plain(column: &ColumnValues) -> bool {
    column
        .data()
        .chunks(4096)
        .all(|chunk| !chunk.iter().fold(false, |found, byte| found | (*byte < b' ') | (*byte == b'\\')))
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        let letter = match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x0b => b'v',
            b'\\' => b'\\',
            other => {
                out.push(*other);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

/// The shortest text that reads back as the same double.
fn real(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    hex::encode_to_slice(bytes, &mut out[start..]).expect("there is room for two digits a byte");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::postgres::copy_text::decode;

    fn encoded(batch: &RowBatch) -> Vec<u8> {
        let mut out = Vec::new();
        rows(batch, &mut out);
        out
    }

    #[test]
    fn every_kind_of_value_has_its_form() {
        let mut batch = RowBatch::new(3);
        batch.push_row([Value::Null, Value::Text(b"a\tb\\N\n"), Value::Text(b"")]);
        batch.push_row([Value::Integer(-5), Value::Real(0.1f64.to_bits()), Value::Blob(b"\x00\xfe")]);
        batch.push_row([
            Value::Real(f64::NEG_INFINITY.to_bits()),
            Value::Real(f64::NAN.to_bits()),
            Value::Null,
        ]);
        assert_eq!(
            encoded(&batch),
            b"\\N\ta\\tb\\\\N\\n\t\n-5\t0.1\t\\\\x00fe\n-Infinity\tNaN\t\\N\n".as_slice()
        );
    }

    #[test]
    fn elements_of_arrays_are_quoted_twice() {
        let mut out = Vec::new();
        for text in [Value::Text(b"a\"b\\c\td"), Value::Text(b""), Value::Null, Value::Blob(b"\x01")] {
            element(text, &mut out);
            out.push(b' ');
        }
        assert_eq!(out, b"\"a\\\\\"b\\\\\\\\c\\td\" \"\" NULL \"\\\\\\\\x01\" ");
    }

    #[test]
    fn rows_without_columns_are_lines() {
        let batch = RowBatch::from_columns(Vec::new(), 3).expect("there is no column that could differ");
        assert_eq!(encoded(&batch), b"\n\n\n");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(table: Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>) {
            let mut batch = RowBatch::new(2);
            for (a, b) in &table {
                batch.push_row([a, b].map(|value| value.as_deref().map_or(Value::Null, Value::Text)));
            }
            let mut back = RowBatch::new(2);
            let text = encoded(&batch);
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                decode::row(line, &mut back).expect("it was encoded");
            }
            prop_assert_eq!(batch, back);
        }

        #[test]
        fn no_message_is_too_strange_to_decode(message: Vec<u8>, columns in 0usize..4) {
            let _ = decode::row(&message, &mut RowBatch::new(columns));
        }

        #[test]
        fn bytes_survive(bytes: Vec<u8>) {
            let mut out = b"\\x".to_vec();
            hexadecimal(&bytes, &mut out);
            prop_assert_eq!(decode::bytes(&out), Ok(bytes));
        }
    }
}
