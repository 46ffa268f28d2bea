//! One value in plain JSON.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rowkeep_engine::javascript::{SAFE_INTEGER, number};
use rowkeep_format::Value;

use super::array::array;
use super::loss::{Loss, Losses};
use super::nested::nested;
use super::shape::Shape;
use super::time::{Iso, date, date_time, milliseconds, time_of_day};

/// Adds a value; what it loses is noted.
pub(super) fn write(value: Value<'_>, shape: &Shape, losses: &Losses, out: &mut Vec<u8>) {
    match value {
        Value::Null => put("null", out),
        Value::Integer(integer) => put_integer(integer, shape, losses, out),
        Value::Real(bits) => put_real(f64::from_bits(bits), shape, losses, out),
        Value::Blob(bytes) => put_string(&BASE64_STANDARD.encode(bytes), out),
        Value::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if matches!(text, Cow::Owned(_)) {
                losses.note(Loss::NotUtf8);
            }
            put_text(&text, shape, losses, out);
        }
    }
}

fn put(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}

/// Adds a string with the escapes that `JSON.stringify` makes.
pub(super) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

fn put_integer(integer: i64, shape: &Shape, losses: &Losses, out: &mut Vec<u8>) {
    match (shape, integer) {
        (Shape::Boolean, 0) => put("false", out),
        (Shape::Boolean, 1) => put("true", out),
        (Shape::BigInteger | Shape::Decimal, _) => put_string(&integer.to_string(), out),
        (Shape::DateTime, _) if milliseconds(integer).is_some() => {
            put_time(milliseconds(integer), "", losses, out);
        }
        _ if integer.unsigned_abs() <= SAFE_INTEGER => put(&integer.to_string(), out),
        _ => {
            losses.note(Loss::BigInteger);
            put_string(&integer.to_string(), out);
        }
    }
}

fn put_real(real: f64, shape: &Shape, losses: &Losses, out: &mut Vec<u8>) {
    if !real.is_finite() {
        losses.note(Loss::NotFinite);
        put("null", out);
    } else if *shape == Shape::Decimal {
        put_string(&number(real), out);
    } else {
        put(&number(real), out);
    }
}

/// Adds a value that the database prints as that text.
fn put_text(text: &str, shape: &Shape, losses: &Losses, out: &mut Vec<u8>) {
    match shape {
        Shape::Text | Shape::Decimal => put_string(text, out),
        Shape::BigInteger => put_string(text, out),
        Shape::Integer => match text.parse::<i64>() {
            Ok(integer) => put_integer(integer, shape, losses, out),
            Err(_) => put_string(text, out),
        },
        Shape::Double => match text.parse::<f64>() {
            Ok(real) => put_real(real, shape, losses, out),
            Err(_) => put_string(text, out),
        },
        Shape::Boolean => match text {
            "t" => put("true", out),
            "f" => put("false", out),
            other => put_string(other, out),
        },
        Shape::Bytes => match text.strip_prefix("\\x").and_then(|digits| hex::decode(digits).ok()) {
            Some(bytes) => put_string(&BASE64_STANDARD.encode(bytes), out),
            None => put_string(text, out),
        },
        Shape::Json => {
            let start = out.len();
            if !nested(text, out) {
                put_string(text, out);
            } else if &out[start..] == b"null" {
                losses.note(Loss::JsonNull);
            }
        }
        Shape::DateTime => put_time(date_time(text), text, losses, out),
        Shape::Date => put_time(date(text), text, losses, out),
        Shape::TimeOfDay => put_time(time_of_day(text), text, losses, out),
        Shape::Array(element) => {
            let mut put_element = |part: Option<&str>, out: &mut Vec<u8>| match part {
                None => put("null", out),
                Some(part) => put_text(part, element, losses, out),
            };
            if !array(text, out, &mut put_element) {
                losses.note(Loss::ArrayBounds);
                put_string(text, out);
            }
        }
    }
}

fn put_time(time: Option<Iso>, text: &str, losses: &Losses, out: &mut Vec<u8>) {
    match time {
        Some(Iso { text, is_cut }) => {
            if is_cut {
                losses.note(Loss::Microseconds);
            }
            put_string(&text, out);
        }
        None if matches!(text, "infinity" | "-infinity") => {
            losses.note(Loss::InfiniteTime);
            put("null", out);
        }
        None => put_string(text, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: Value<'_>, shape: Shape) -> (String, Vec<Loss>) {
        let (mut out, losses) = (Vec::new(), Losses::default());
        write(value, &shape, &losses, &mut out);
        (String::from_utf8(out).expect("JSON is UTF-8"), losses.all().collect())
    }

    #[test]
    fn values_are_those_of_an_application() {
        let text = |text: &'static str| Value::Text(text.as_bytes());
        let list = |shape| Shape::Array(Box::new(shape));
        for (value, shape, json) in [
            (text("9007199254740993"), Shape::BigInteger, "\"9007199254740993\""),
            (text("-5"), Shape::Integer, "-5"),
            (text("12.50"), Shape::Decimal, "\"12.50\""),
            (text("NaN"), Shape::Decimal, "\"NaN\""),
            (text("1e+21"), Shape::Double, "1e+21"),
            (text("t"), Shape::Boolean, "true"),
            (text("\\x00ff"), Shape::Bytes, "\"AP8=\""),
            (text("{\"b\": 1, \"a\": [2]}"), Shape::Json, "{\"b\":1,\"a\":[2]}"),
            (text("2026-01-02 03:04:05.678+00"), Shape::DateTime, "\"2026-01-02T03:04:05.678Z\""),
            (text("2026-01-02"), Shape::Date, "\"2026-01-02T00:00:00.000Z\""),
            (text("{1,NULL}"), list(Shape::Integer), "[1,null]"),
            (text("{\"a\\\"b\",t}"), list(Shape::Text), "[\"a\\\"b\",\"t\"]"),
            (text("a\u{8}\n\u{1}é"), Shape::Text, "\"a\\b\\n\\u0001é\""),
            (Value::Integer(1), Shape::Boolean, "true"),
            (Value::Integer(2), Shape::Boolean, "2"),
            (Value::Integer(1_718_706_600_000), Shape::DateTime, "\"2024-06-18T10:30:00.000Z\""),
            (Value::Integer(7), Shape::Decimal, "\"7\""),
            (Value::Real(5f64.to_bits()), Shape::Text, "5"),
            (Value::Real(0.5f64.to_bits()), Shape::Decimal, "\"0.5\""),
            (Value::Blob(&[0, 255]), Shape::Text, "\"AP8=\""),
            (Value::Null, Shape::Json, "null"),
        ] {
            assert_eq!(written(value, shape), (json.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_is_lost_is_noted() {
        let text = |text: &'static str| Value::Text(text.as_bytes());
        for (value, shape, json, loss) in [
            (
                text("2026-01-02 03:04:05.678901"),
                Shape::DateTime,
                "\"2026-01-02T03:04:05.678Z\"",
                Loss::Microseconds,
            ),
            (text("NaN"), Shape::Double, "null", Loss::NotFinite),
            (Value::Real(f64::INFINITY.to_bits()), Shape::Text, "null", Loss::NotFinite),
            (text("-infinity"), Shape::Date, "null", Loss::InfiniteTime),
            (text(" null "), Shape::Json, "null", Loss::JsonNull),
            (Value::Text(b"a\xff"), Shape::Text, "\"a\u{fffd}\"", Loss::NotUtf8),
            (Value::Integer(i64::MIN), Shape::Text, "\"-9223372036854775808\"", Loss::BigInteger),
            (
                text("[2:3]={1,2}"),
                Shape::Array(Box::new(Shape::Integer)),
                "\"[2:3]={1,2}\"",
                Loss::ArrayBounds,
            ),
        ] {
            assert_eq!(written(value, shape), (json.to_owned(), vec![loss]));
        }
    }
}
