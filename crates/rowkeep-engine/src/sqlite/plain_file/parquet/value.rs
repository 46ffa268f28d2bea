//! Values as they are stored, as SQLite keeps them, and as JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parquet::data_type::{AsBytes, ByteArray, FixedLenByteArray, Int96};
use rusqlite::types::Value;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::decimal::digits;
use super::kind::Kind;
use super::times;
use crate::sqlite::plain_file::json::LONGEST_BYTES;

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    Boolean(bool),
    Integer32(i32),
    Integer64(i64),
    Integer96(Vec<u32>),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
}

impl From<&bool> for Stored {
    fn from(value: &bool) -> Self {
        Stored::Boolean(*value)
    }
}

impl From<&i32> for Stored {
    fn from(value: &i32) -> Self {
        Stored::Integer32(*value)
    }
}

impl From<&i64> for Stored {
    fn from(value: &i64) -> Self {
        Stored::Integer64(*value)
    }
}

impl From<&Int96> for Stored {
    fn from(value: &Int96) -> Self {
        Stored::Integer96(value.data().to_vec())
    }
}

impl From<&f32> for Stored {
    fn from(value: &f32) -> Self {
        Stored::Float(*value)
    }
}

impl From<&f64> for Stored {
    fn from(value: &f64) -> Self {
        Stored::Double(*value)
    }
}

impl From<&ByteArray> for Stored {
    fn from(value: &ByteArray) -> Self {
        Stored::Bytes(value.as_bytes().to_vec())
    }
}

impl From<&FixedLenByteArray> for Stored {
    fn from(value: &FixedLenByteArray) -> Self {
        Stored::Bytes(value.as_bytes().to_vec())
    }
}

/// A value as SQLite keeps it; what is wrong with one that is none of its kind.
pub(super) fn kept(kind: Kind, stored: Stored) -> Result<Value, String> {
    let text = |text: Option<String>, what: &str| text.map(Value::Text).ok_or_else(|| what.to_owned());
    if let Stored::Bytes(bytes) = &stored
        && bytes.len() > LONGEST_BYTES
    {
        return Err(format!("a value is longer than {} MiB", LONGEST_BYTES >> 20));
    }
    match (kind, stored) {
        (Kind::Boolean, Stored::Boolean(truth)) => Ok(Value::Integer(i64::from(truth))),
        (Kind::Integer, Stored::Integer32(integer)) => Ok(Value::Integer(i64::from(integer))),
        (Kind::Integer, Stored::Integer64(integer)) => Ok(Value::Integer(integer)),
        (Kind::Unsigned32, Stored::Integer32(integer)) => {
            Ok(Value::Integer(i64::from(integer.cast_unsigned())))
        }
        (Kind::Unsigned64, Stored::Integer64(integer)) => {
            let unsigned = integer.cast_unsigned();
            Ok(i64::try_from(unsigned).map_or_else(|_| Value::Text(unsigned.to_string()), Value::Integer))
        }
        (Kind::Real, Stored::Float(real)) => Ok(real_value(f64::from(real))),
        (Kind::Real, Stored::Double(real)) => Ok(real_value(real)),
        (Kind::Half, Stored::Bytes(bytes)) => match bytes.as_slice() {
            [low, high] => Ok(real_value(half(u16::from_le_bytes([*low, *high])))),
            _ => Err("a number of 16 bits has another length".to_owned()),
        },
        (Kind::Text | Kind::Json, Stored::Bytes(bytes)) => {
            text(String::from_utf8(bytes).ok(), "a text is not UTF-8")
        }
        (Kind::Bytes, Stored::Bytes(bytes)) => Ok(Value::Blob(bytes)),
        (Kind::Uuid, Stored::Bytes(bytes)) => text(uuid(&bytes), "a UUID has not 16 bytes"),
        (Kind::Decimal(scale), Stored::Integer32(integer)) => {
            digits(&integer.to_be_bytes(), scale).map(Value::Text)
        }
        (Kind::Decimal(scale), Stored::Integer64(integer)) => {
            digits(&integer.to_be_bytes(), scale).map(Value::Text)
        }
        (Kind::Decimal(scale), Stored::Bytes(bytes)) => digits(&bytes, scale).map(Value::Text),
        (Kind::Date, Stored::Integer32(days)) => Ok(Value::Text(times::date(days))),
        (Kind::TimeOfDay(unit), Stored::Integer32(value)) => {
            text(times::time_of_day(i64::from(value), unit), "a time is none of a day")
        }
        (Kind::TimeOfDay(unit), Stored::Integer64(value)) => {
            text(times::time_of_day(value, unit), "a time is none of a day")
        }
        (Kind::Timestamp(unit, is_utc), Stored::Integer64(value)) => {
            Ok(Value::Text(times::timestamp(value, unit, is_utc)))
        }
        (Kind::Int96, Stored::Integer96(words)) => text(times::int96(&words), "a time has not 12 bytes"),
        (Kind::Interval, Stored::Bytes(bytes)) => {
            text(times::interval(&bytes), "an interval has not 12 bytes")
        }
        _ => Err("a value is not stored as its type is".to_owned()),
    }
}

/// A value as JSON.
pub(super) fn to_json(kind: Kind, value: &Value, out: &mut String) {
    match (kind, value) {
        (_, Value::Null) => out.push_str("null"),
        (Kind::Boolean, Value::Integer(truth)) => out.push_str(if *truth == 0 { "false" } else { "true" }),
        (_, Value::Integer(integer)) => out.push_str(&integer.to_string()),
        (_, Value::Real(real)) if real.is_finite() => out.push_str(&format!("{real:?}")),
        (_, Value::Real(real)) => out.push_str(if *real > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
        (Kind::Unsigned64, Value::Text(digits)) => out.push_str(digits),
        (Kind::Json, Value::Text(json)) if is_json(json) => out.push_str(json),
        (_, Value::Text(text)) => out.push_str(&Json::from(text.as_str()).to_string()),
        (_, Value::Blob(bytes)) => {
            out.push('"');
            BASE64_STANDARD.encode_string(bytes, out);
            out.push('"');
        }
    }
}

/// Whether a text is one value of JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// SQLite has no NaN among its numbers.
fn real_value(real: f64) -> Value {
    if real.is_nan() { Value::Text("NaN".to_owned()) } else { Value::Real(real) }
}

/// A floating-point number of 16 bits (IEEE 754).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1_024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let digits = hex::encode(bytes);
    let parts =
        [digits.get(..8)?, digits.get(8..12)?, digits.get(12..16)?, digits.get(16..20)?, digits.get(20..)?];
    (bytes.len() == 16).then(|| parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::times::Unit;
    use super::*;

    /// A value as SQLite keeps it and as JSON, in words.
    fn both(kind: Kind, stored: Stored) -> Result<(Value, String), String> {
        let value = kept(kind, stored)?;
        let mut json = String::new();
        to_json(kind, &value, &mut json);
        Ok((value, json))
    }

    #[test]
    fn values_keep_all_that_they_say() {
        let text = |text: &str| Value::Text(text.to_owned());
        let bytes = |bytes: &[u8]| Stored::Bytes(bytes.to_vec());
        for (kind, stored, value, json) in [
            (Kind::Boolean, Stored::Boolean(true), Value::Integer(1), "true"),
            (Kind::Integer, Stored::Integer32(-1), Value::Integer(-1), "-1"),
            (Kind::Integer, Stored::Integer64(i64::MIN), Value::Integer(i64::MIN), "-9223372036854775808"),
            (Kind::Unsigned32, Stored::Integer32(-1), Value::Integer(4_294_967_295), "4294967295"),
            (Kind::Unsigned64, Stored::Integer64(7), Value::Integer(7), "7"),
            (Kind::Unsigned64, Stored::Integer64(-1), text("18446744073709551615"), "18446744073709551615"),
            (Kind::Real, Stored::Float(0.5), Value::Real(0.5), "0.5"),
            (Kind::Real, Stored::Double(f64::NEG_INFINITY), Value::Real(f64::NEG_INFINITY), "\"-Infinity\""),
            (Kind::Real, Stored::Double(f64::NAN), text("NaN"), "\"NaN\""),
            (Kind::Real, Stored::Double(1e300), Value::Real(1e300), "1e300"),
            (Kind::Half, bytes(&[0x00, 0x3c]), Value::Real(1.0), "1.0"),
            (Kind::Half, bytes(&[0xff, 0xfb]), Value::Real(-65_504.0), "-65504.0"),
            (Kind::Half, bytes(&[0x01, 0x00]), Value::Real(2_f64.powi(-24)), "5.960464477539063e-8"),
            (Kind::Half, bytes(&[0x00, 0x7c]), Value::Real(f64::INFINITY), "\"Infinity\""),
            (Kind::Text, bytes(b"a\"\0"), text("a\"\0"), "\"a\\\"\\u0000\""),
            (Kind::Json, bytes(b"{\"a\": 1.0}"), text("{\"a\": 1.0}"), "{\"a\": 1.0}"),
            (Kind::Json, bytes(b"{"), text("{"), "\"{\""),
            (Kind::Bytes, bytes(&[0, 255]), Value::Blob(vec![0, 255]), "\"AP8=\""),
            (
                Kind::Uuid,
                bytes(&[0xab; 16]),
                text("abababab-abab-abab-abab-abababababab"),
                "\"abababab-abab-abab-abab-abababababab\"",
            ),
            (Kind::Decimal(2), Stored::Integer32(-5), text("-0.05"), "\"-0.05\""),
            (Kind::Decimal(0), bytes(&[1, 0]), text("256"), "\"256\""),
            (Kind::Date, Stored::Integer32(1), text("1970-01-02"), "\"1970-01-02\""),
            (
                Kind::TimeOfDay(Unit::Milliseconds),
                Stored::Integer32(1),
                text("00:00:00.001"),
                "\"00:00:00.001\"",
            ),
        ] {
            assert_eq!(both(kind, stored.clone()), Ok((value, json.to_owned())), "{kind:?} {stored:?}");
        }
        let negative = both(Kind::Real, Stored::Double(-0.0)).expect("it is a number");
        assert!(matches!(negative.0, Value::Real(zero) if zero.is_sign_negative()) && negative.1 == "-0.0");
        for (kind, stored) in [
            (Kind::Text, bytes(&[0xff])),
            (Kind::Uuid, bytes(&[0; 15])),
            (Kind::Half, bytes(&[0; 3])),
            (Kind::TimeOfDay(Unit::Microseconds), Stored::Integer64(-1)),
            (Kind::Interval, bytes(&[0; 11])),
            (Kind::Date, Stored::Integer64(1)),
            (Kind::Bytes, Stored::Bytes(vec![0; LONGEST_BYTES + 1])),
        ] {
            let told = format!("{kind:?}");
            assert!(kept(kind, stored).is_err(), "{told}");
        }
    }
}
