//! Rows as objects of JSON, one a line.
//!
//! Numbers that every reader of JSON takes in exactly are numbers; all others are texts with their exact digits.

use std::sync::Arc;

use rowkeep_engine::dialect::{Dialect, Documents, Form};
use rowkeep_format::{RowBatch, Table, Value};

use super::csv::real;
use super::format::{Prepared, WriteRows, shown};
use crate::Error;
use crate::rows::plain::nested;

/// The largest integer up to which a double holds every integer.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How many digits a double always keeps.
const SAFE_DIGITS: usize = 15;

/// Writes the rows of a table.
pub(super) struct Ndjson {
    /// The place of each column, its name with a colon, and what its texts are.
    columns: Vec<(usize, String, Shape)>,
    before: String,
    after: &'static str,
    /// What rows are printed as instead, where the database keeps such.
    documents: Option<Arc<dyn Documents>>,
}

/// What the text of a value stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Integer,
    Decimal,
    Double,
    Boolean,
    Bytes,
    Json,
}

impl Shape {
    /// What the texts of a column are, by its type.
    fn of(dialect: &dyn Dialect, type_name: &str) -> Self {
        match dialect.json_form(type_name) {
            Form::Integer32 | Form::Unsigned32 | Form::Integer64 => Shape::Integer,
            Form::Decimal(_) => Shape::Decimal,
            Form::Single | Form::Double => Shape::Double,
            Form::Boolean => Shape::Boolean,
            Form::Bytes => Shape::Bytes,
            Form::Json => Shape::Json,
            Form::Text
            | Form::Uuid
            | Form::Date
            | Form::Timestamp { .. }
            | Form::TimeOfDay
            | Form::Array(_) => Shape::Text,
        }
    }
}

impl Ndjson {
    pub(super) fn of(dialect: &dyn Dialect, table: &Table, with_name: bool) -> Self {
        let columns = shown(table)
            .map(|(place, column)| {
                (place, format!("{}:", json(&column.name)), Shape::of(dialect, &column.type_name))
            })
            .collect();
        let (before, after) = match with_name {
            true => (format!("{{\"table\":{},\"row\":", json(&table.name.to_string())), "}\n"),
            false => (String::new(), "\n"),
        };
        Self { columns, before, after, documents: dialect.documents(table) }
    }

    fn rows(&self, batch: &RowBatch, out: &mut Vec<u8>) {
        for row in 0..batch.rows() {
            out.extend_from_slice(self.before.as_bytes());
            if let Some(documents) = &self.documents {
                documents.put(batch, row, out);
                out.extend_from_slice(self.after.as_bytes());
                continue;
            }
            out.push(b'{');
            for (number, (place, name, shape)) in self.columns.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(name.as_bytes());
                value(batch.value(row, *place), *shape, out);
            }
            out.push(b'}');
            out.extend_from_slice(self.after.as_bytes());
        }
    }
}

impl WriteRows for Ndjson {
    fn head(&self) -> String {
        String::new()
    }

    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error> {
        Prepared::of(&batch, |batch, out| {
            self.rows(batch, out);
            Ok(())
        })
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn value(value: Value<'_>, shape: Shape, out: &mut Vec<u8>) {
    if let (Value::Text(bytes), Shape::Json) = (value, shape)
        && std::str::from_utf8(bytes).is_ok_and(|text| nested(text, out))
    {
        return;
    }
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
    match value {
        Value::Null => put("null"),
        Value::Integer(truth @ (0 | 1)) if shape == Shape::Boolean => {
            put(if truth == 1 { "true" } else { "false" })
        }
        Value::Integer(integer) if integer.unsigned_abs() <= SAFE_INTEGER => put(&integer.to_string()),
        Value::Integer(integer) => put(&json(&integer.to_string())),
        Value::Real(bits) => {
            let double = f64::from_bits(bits);
            if double.is_finite() { put(&real(double)) } else { put(&json(&real(double))) }
        }
        Value::Blob(bytes) => put(&format!("{{\"$base64\":\"{}\"}}", base64(bytes))),
        Value::Text(bytes) => match (std::str::from_utf8(bytes), shape) {
            (Ok(text), Shape::Integer | Shape::Decimal | Shape::Double) if is_number(text, shape) => {
                put(text)
            }
            (Ok("t"), Shape::Boolean) => put("true"),
            (Ok("f"), Shape::Boolean) => put("false"),
            (Ok(text), Shape::Bytes) => {
                match text.strip_prefix("\\x").and_then(|digits| hex::decode(digits).ok()) {
                    Some(bytes) => put(&format!("{{\"$base64\":\"{}\"}}", base64(&bytes))),
                    None => put(&json(text)),
                }
            }
            (Ok(text), _) => put(&json(text)),
            // Text that is no text in UTF-8.
            (Err(_), _) => put(&format!("{{\"$text\":\"{}\"}}", base64(bytes))),
        },
    }
}

/// Whether a number is one in JSON, and is the same number when it is read as a double.
fn is_number(text: &str, shape: Shape) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_json = are_digits(whole)
        && are_digits(fraction)
        && are_digits(exponent)
        && (whole == "0" || !whole.starts_with('0'));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    is_json
        && match shape {
            Shape::Double => true,
            Shape::Integer => unsigned.parse().is_ok_and(|integer: u64| integer <= SAFE_INTEGER),
            _ => digits <= SAFE_DIGITS,
        }
}

/// Base64 of RFC 4648, section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at > group.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(one: Value<'_>, shape: Shape) -> String {
        let mut out = Vec::new();
        value(one, shape, &mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn numbers_that_fit_stay_numbers() {
        let text = |text: &'static str, shape| written(Value::Text(text.as_bytes()), shape);
        assert_eq!(text("9007199254740991", Shape::Integer), "9007199254740991");
        assert_eq!(text("-9007199254740992", Shape::Integer), "\"-9007199254740992\"");
        assert_eq!(text("12.50", Shape::Decimal), "12.50");
        assert_eq!(text("0.0000000000000000123", Shape::Decimal), "0.0000000000000000123");
        assert_eq!(text("1234567890.123456", Shape::Decimal), "\"1234567890.123456\"");
        assert_eq!(text("NaN", Shape::Decimal), "\"NaN\"");
        assert_eq!(text("1.7976931348623157e+308", Shape::Double), "1.7976931348623157e+308");
        assert_eq!(text("-Infinity", Shape::Double), "\"-Infinity\"");
        assert_eq!(text("007", Shape::Text), "\"007\"");
        assert_eq!(text("t", Shape::Boolean), "true");
        assert_eq!(written(Value::Integer(0), Shape::Boolean), "false");
        assert_eq!(written(Value::Integer(2), Shape::Boolean), "2");
        assert_eq!(text("{\"a\": [1.10,\n2]}", Shape::Json), "{\"a\":[1.10,2]}");
        assert_eq!(text("{a", Shape::Json), "\"{a\"");
        assert_eq!(text("\\x00ff", Shape::Bytes), "{\"$base64\":\"AP8=\"}");
        assert_eq!(written(Value::Integer(i64::MIN), Shape::Text), "\"-9223372036854775808\"");
        assert_eq!(written(Value::Real(5f64.to_bits()), Shape::Text), "5.0");
        assert_eq!(written(Value::Real(f64::INFINITY.to_bits()), Shape::Text), "\"Infinity\"");
        assert_eq!(written(Value::Text(b"a\xff"), Shape::Text), "{\"$text\":\"Yf8=\"}");
        assert_eq!(written(Value::Text("é\n\"".as_bytes()), Shape::Text), "\"é\\n\\\"\"");
        let of = |engine, name| Shape::of(rowkeep_engine::dialect_of(engine).expect("it is known"), name);
        for (name, shape) in [
            ("bigint", Shape::Integer),
            ("numeric(10,2)", Shape::Decimal),
            ("numeric(10,2)[]", Shape::Text),
            ("integer[]", Shape::Text),
            ("jsonb", Shape::Text),
            ("date", Shape::Text),
        ] {
            assert_eq!(of("postgresql", name), shape, "{name}");
        }
        assert_eq!(of("sqlite", "BOOLEAN"), Shape::Boolean);
        assert_eq!(of("sqlite", "JSON TEXT"), Shape::Json);
        assert_eq!(of("sqlite", "INTEGER"), Shape::Text);
    }

    #[test]
    fn bytes_are_as_the_rfc_has_them() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
