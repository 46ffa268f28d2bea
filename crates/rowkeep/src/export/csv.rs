//! Rows as lines of values divided by commas: RFC 4180, as PostgreSQL's `COPY ... CSV` reads it.
//!
//! NULL is nothing between two commas; an empty text is a pair of quotes.

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, Table, Value};

use super::format::{Prepared, WriteRows, shown};
use crate::Error;

/// Writes the rows of a table.
pub(super) struct Csv {
    columns: Vec<usize>,
    head: String,
}

impl Csv {
    pub(super) fn of(table: &Table) -> Self {
        let (columns, names): (Vec<usize>, Vec<&str>) =
            shown(table).map(|(place, column)| (place, column.name.as_str())).unzip();
        let mut head = Vec::new();
        for (number, name) in names.iter().enumerate() {
            if number > 0 {
                head.push(b',');
            }
            text(name.as_bytes(), &mut head);
        }
        head.extend_from_slice(b"\r\n");
        Self { columns, head: String::from_utf8_lossy(&head).into_owned() }
    }

    fn rows(&self, batch: &RowBatch, out: &mut Vec<u8>) {
        let columns: Vec<(&ColumnValues, bool)> = self
            .columns
            .iter()
            .filter_map(|column| batch.columns().get(*column))
            .map(|column| (column, column.data().chunks(4096).any(has_special)))
            .collect();
        for row in 0..batch.rows() {
            for (number, (column, has_special)) in columns.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                match column.value(row) {
                    Value::Null => {}
                    Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
                    Value::Real(bits) => out.extend_from_slice(real(f64::from_bits(bits)).as_bytes()),
                    Value::Text(bytes) if !has_special && !needs_quotes_for_its_ends(bytes) => {
                        out.extend_from_slice(bytes);
                    }
                    Value::Text(bytes) => text(bytes, out),
                    Value::Blob(bytes) => {
                        out.extend_from_slice(b"\\x");
                        out.extend_from_slice(hex::encode(bytes).as_bytes());
                    }
                }
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl WriteRows for Csv {
    fn head(&self) -> String {
        self.head.clone()
    }

    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error> {
        Prepared::of(&batch, |batch, out| {
            self.rows(batch, out);
            Ok(())
        })
    }
}

/// The shortest digits that are read back as the same number.
pub(super) fn real(real: f64) -> String {
    if real.is_nan() {
        "NaN".to_owned()
    } else if real.is_infinite() {
        if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{real:?}")
    }
}

/// A text, in quotes where it would be read as something else without them.
fn text(bytes: &[u8], out: &mut Vec<u8>) {
    if !needs_quotes_for_its_ends(bytes) && !has_special(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for part in bytes.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Whether a byte of them means something to readers of CSV; found without branches, so that it is as fast as reading.
fn has_special(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | matches!(byte, b'"' | b',' | b'\r' | b'\n'))
}

/// Whether it is empty, begins or ends with what some readers leave out, or is `\.`, which ends the rows for `COPY`.
fn needs_quotes_for_its_ends(bytes: &[u8]) -> bool {
    let at_border = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t'));
    bytes == b"\\." || at_border(bytes.first()) || at_border(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart() {
        let written = |value: &[u8]| {
            let mut out = Vec::new();
            text(value, &mut out);
            String::from_utf8(out).expect("it was text")
        };
        for (value, csv) in [
            ("", "\"\""),
            ("a", "a"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            (" a", "\" a\""),
            ("\\.", "\"\\.\""),
            ("NULL", "NULL"),
        ] {
            assert_eq!(written(value.as_bytes()), csv);
        }
        assert_eq!(
            (real(0.1).as_str(), real(5.0).as_str(), real(-f64::INFINITY).as_str()),
            ("0.1", "5.0", "-Infinity")
        );
    }
}
