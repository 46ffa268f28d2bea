//! Values as literals of SQL that every version of SQLite reads as they were.

use rowkeep_format::Value;

use super::connect::utf16::{self, Endian};

/// A text, as it is.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Adds a value; text is cast from the bytes of the database's own encoding where it is no text of SQL.
pub(crate) fn value(value: Value<'_>, utf16: Option<Endian>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Value::Real(bits) => out.extend_from_slice(real(f64::from_bits(bits)).as_bytes()),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(['\0', '\r']) => out.extend_from_slice(literal(text).as_bytes()),
            _ => {
                // SQL text ends at a zero, and is UTF-8, and the shell takes a carriage return before a line feed away; a cast
                // takes the bytes as the database's own encoding has them.
                let mut encoded = Vec::new();
                match utf16 {
                    Some(endian) => utf16::from_utf8(bytes, endian, &mut encoded),
                    None => encoded.extend_from_slice(bytes),
                }
                out.extend_from_slice(b"CAST(");
                blob(&encoded, out);
                out.extend_from_slice(b" AS TEXT)");
            }
        },
        Value::Blob(bytes) => blob(bytes, out),
    }
}

pub(super) fn blob(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"X'");
    out.extend_from_slice(hex::encode_upper(bytes).as_bytes());
    out.push(b'\'');
}

/// A real as a literal that every version of SQLite reads as the same bits.
///
/// Their conversion of decimals is not exact to the last bit, so the shortest digits, which may lie half-way to the next
/// number, are not safe; 17 digits always are close enough. Numbers that few digits name exactly are written with these.
fn real(real: f64) -> String {
    if real.is_infinite() {
        return if real > 0.0 { "1e999" } else { "-1e999" }.to_owned();
    }
    let is_exact = real.abs() < 1e15 && (real * 1024.0).fract() == 0.0;
    if is_exact { format!("{real:?}") } else { format!("{real:.16e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(one: Value<'_>, utf16: Option<Endian>) -> String {
        let mut out = Vec::new();
        value(one, utf16, &mut out);
        String::from_utf8(out).expect("SQL is UTF-8")
    }

    #[test]
    fn values_read_back_as_the_same_bits() {
        let database = rusqlite::Connection::open_in_memory().expect("it opens");
        let mut bits = 1u64;
        let mut reals = vec![
            0.0,
            -0.0,
            0.1,
            1.0 / 3.0,
            12.25,
            1e15,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::INFINITY,
            -f64::INFINITY,
        ];
        for _ in 0..2000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            reals.push(f64::from_bits(bits));
            reals.push((bits >> 40) as f64 / 100.0);
        }
        for real in reals.into_iter().filter(|real| !real.is_nan()) {
            let sql = written(Value::Real(real.to_bits()), None);
            let read: f64 =
                database.query_row(&format!("SELECT {sql}"), [], |row| row.get(0)).expect("a real");
            assert_eq!(read.to_bits(), real.to_bits(), "{sql}");
        }
        for integer in [i64::MIN, -1, 0, i64::MAX] {
            let sql = written(Value::Integer(integer), None);
            let read: i64 =
                database.query_row(&format!("SELECT {sql}"), [], |row| row.get(0)).expect("an integer");
            assert_eq!(read, integer);
        }
    }

    #[test]
    fn text_that_is_no_sql_is_cast() {
        assert_eq!(written(Value::Text(b"it's"), None), "'it''s'");
        assert_eq!(written(Value::Text(b"a\0b"), None), "CAST(X'610062' AS TEXT)");
        assert_eq!(written(Value::Text(b"a\r\nb"), None), "CAST(X'610D0A62' AS TEXT)");
        assert_eq!(written(Value::Text(b"a\xff"), None), "CAST(X'61FF' AS TEXT)");
        assert_eq!(written(Value::Text(b"a\0"), Some(Endian::Little)), "CAST(X'61000000' AS TEXT)");
    }
}
