//! Values as far as plain JSON tells them: what it writes in several ways, or not at all, is the same.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rowkeep_engine::javascript::number;
use serde_json::Value as Json;

use super::shape::Shape;
use super::time::{date, date_time, time_of_day};

/// What of a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Decimal numbers by value, whether they are numbers or text.
    Number,
    /// Floating-point numbers.
    Double,
    /// Times to the millisecond.
    Time,
    Boolean,
    Bytes,
    /// JSON, whatever the order of its members.
    Nested,
    Text,
}

impl Class {
    /// What two columns are compared by, of which the one that knows more decides.
    pub(super) fn of(one: &Shape, other: &Shape) -> Self {
        let is = |shapes: &[Shape]| shapes.contains(one) || shapes.contains(other);
        let is_array = |shape: &Shape| matches!(shape, Shape::Array(_));
        if is(&[Shape::Double]) {
            Class::Double
        } else if is(&[Shape::Integer, Shape::BigInteger, Shape::Decimal]) {
            Class::Number
        } else if is(&[Shape::DateTime, Shape::Date, Shape::TimeOfDay]) {
            Class::Time
        } else if is(&[Shape::Boolean]) {
            Class::Boolean
        } else if is(&[Shape::Bytes]) {
            Class::Bytes
        } else if is(&[Shape::Json]) || is_array(one) || is_array(other) {
            Class::Nested
        } else {
            Class::Text
        }
    }

    /// A value in plain JSON as one text; NULL is none.
    pub(super) fn canonical(self, raw: &str) -> Option<String> {
        if raw == "null" {
            return None;
        }
        let text = match raw.starts_with('"') {
            true => serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()),
            false => raw.to_owned(),
        };
        Some(match self {
            Class::Number => decimal(&text).unwrap_or(text),
            Class::Double => match text.parse::<f64>() {
                Ok(real) if real.is_finite() => number(real),
                _ => text,
            },
            Class::Time => {
                let time = date_time(&text).or_else(|| date(&text)).or_else(|| time_of_day(&text));
                time.map_or(text, |time| time.text)
            }
            Class::Boolean => match text.as_str() {
                "1" => "true".to_owned(),
                "0" => "false".to_owned(),
                _ => text,
            },
            Class::Bytes => buffer(raw).unwrap_or(text),
            Class::Nested => match serde_json::from_str::<Json>(raw) {
                Ok(json) => sorted(&json),
                Err(_) => text,
            },
            Class::Text => text,
        })
    }
}

/// A decimal number without idle zeros; nothing where it is none.
fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if whole.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = exponent.parse().ok()?;
    let point = exponent.checked_add(whole.len() as i64)?;
    let leading = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0');
    let point = point - leading as i64;
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let count = digits.len() as i64;
    Some(match point {
        _ if point.abs() > 1000 => format!("{sign}0.{digits}e{point}"),
        _ if point <= 0 => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
        _ if point >= count => format!("{sign}{digits}{}", "0".repeat((point - count) as usize)),
        _ => format!("{sign}{}.{}", &digits[..point as usize], &digits[point as usize..]),
    })
}

/// The bytes of `{"type": "Buffer", "data": [0, 255]}`, as Node writes them, or of `{"0": 0, "1": 255}`, as a `Uint8Array` becomes.
fn buffer(raw: &str) -> Option<String> {
    let Json::Object(object) = serde_json::from_str(raw).ok()? else { return None };
    let byte = |value: &Json| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
    let bytes: Option<Vec<u8>> = match object.get("data") {
        Some(Json::Array(data)) => data.iter().map(byte).collect(),
        _ => (0..object.len()).map(|at| byte(object.get(&at.to_string())?)).collect(),
    };
    bytes.map(|bytes| BASE64_STANDARD.encode(bytes))
}

/// JSON with its members in order, and numbers as JavaScript has them.
fn sorted(json: &Json) -> String {
    match json {
        Json::Number(digits) => match digits.as_f64() {
            Some(real) if real.is_finite() => number(real),
            _ => digits.to_string(),
        },
        Json::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(sorted).collect();
            format!("[{}]", elements.join(","))
        }
        Json::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let member = |name: &String| format!("{}:{}", Json::from(name.as_str()), sorted(&members[name]));
            let members: Vec<String> = names.into_iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plain_json_does_not_tell_apart_is_the_same() {
        let same = |class: Class, values: &[&str]| {
            let canonical: Vec<_> = values.iter().map(|value| class.canonical(value)).collect();
            assert!(canonical.windows(2).all(|pair| pair[0] == pair[1]), "{canonical:?}");
        };
        same(Class::Number, &["12.5", "\"12.50\"", "\"0012.5\"", "1.25e1"]);
        same(Class::Number, &["\"-0.00\"", "0"]);
        same(Class::Number, &["\"9007199254740993\"", "9007199254740993"]);
        same(Class::Double, &["0.1", "1e-1"]);
        same(Class::Time, &["\"2026-01-02T03:04:05.678Z\"", "\"2026-01-02 03:04:05.678901+00\""]);
        same(Class::Boolean, &["true", "1"]);
        same(Class::Bytes, &["\"AP8=\"", "{\"type\":\"Buffer\",\"data\":[0,255]}", "{\"0\":0,\"1\":255}"]);
        same(Class::Nested, &["{\"b\":[1.10],\"a\":1}", "{\"a\":1.0,\"b\":[1.1]}"]);
        let differ = |class: Class, one: &str, other: &str| {
            assert_ne!(class.canonical(one), class.canonical(other));
        };
        differ(Class::Number, "\"9007199254740993\"", "9007199254740992");
        differ(Class::Number, "\"x\"", "null");
        differ(Class::Text, "\"a\"", "\"A\"");
        differ(Class::Text, "\"12.50\"", "\"12.5\"");
        differ(Class::Time, "\"2026-01-02T03:04:05.678Z\"", "\"2026-01-02T03:04:05.679Z\"");
        assert_eq!(decimal("1e3000").as_deref(), Some("0.1e3001"));
        assert_eq!((decimal("1.2.3"), decimal("-"), decimal("")), (None, None, None));
    }
}
