//! A value of a record as the value of a column.
//!
//! Texts and numbers are themselves, so that conditions, masks and files see what they are. All else is its JSON behind an equals sign:
//! `=true`, `=null`, `={"$":"date","value":"…"}`; so is a text that begins with one, and a text or number that would not be printed as it
//! stood. A property that a record does not have is NULL.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rowkeep_format::Value;
use serde::de::IgnoredAny;

use super::scan::{quoted_text, text};
use crate::dialect::OwnedValue;
use crate::javascript::{self, SAFE_INTEGER};

/// What stands before JSON.
pub(super) const MARK: char = '=';

/// What a value is that a mask made of one that is no text and no number.
const MASKED: &str = r#"{"$":"unportable","type":"Object","why":"it was masked"}"#;

/// A value of a file as a column has it.
pub(super) fn cell(json: &str) -> OwnedValue {
    let plain = match json.as_bytes().first() {
        Some(b'"') => text(json)
            .filter(|text| !text.starts_with(MARK) && quoted_text(text) == json)
            .map(|text| OwnedValue::Text(text.into_bytes())),
        Some(b'-' | b'0'..=b'9') => number(json),
        _ => None,
    };
    plain.unwrap_or_else(|| OwnedValue::Text(format!("{MARK}{json}").into_bytes()))
}

/// A number that is printed as it stood.
fn number(json: &str) -> Option<OwnedValue> {
    if let Ok(integer) = json.parse::<i64>()
        && integer.unsigned_abs() <= SAFE_INTEGER
        && integer.to_string() == json
    {
        return Some(OwnedValue::Integer(integer));
    }
    let real = json.parse::<f64>().ok()?;
    (real.is_finite() && javascript::number(real) == json).then_some(OwnedValue::Real(real))
}

/// The JSON behind the mark, where there is one.
pub(super) fn marked(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()?.strip_prefix(MARK)
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// What a column has as a value of a file; nothing where the record does not have the property.
pub(super) fn json_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(integer) => Cow::Owned(integer.to_string()),
        Value::Real(bits) => Cow::Owned(real_json(f64::from_bits(bits))),
        Value::Text(bytes) => match marked(bytes) {
            Some(json) if is_json(json) => Cow::Borrowed(json),
            Some(_) => Cow::Borrowed(MASKED),
            None => Cow::Owned(quoted_text(&String::from_utf8_lossy(bytes))),
        },
        Value::Blob(bytes) => Cow::Owned(format!(r#"{{"$":"buffer","bytes":"{}"}}"#, STANDARD.encode(bytes))),
    })
}

fn real_json(real: f64) -> String {
    let form = |value: &str| format!(r#"{{"$":"number","value":"{value}"}}"#);
    match real {
        real if real.is_nan() => form("NaN"),
        real if real.is_infinite() => form(if real > 0.0 { "Infinity" } else { "-Infinity" }),
        real if real == 0.0 && real.is_sign_negative() => form("-0"),
        real => javascript::number(real),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_stood() {
        let text = |text: &str| OwnedValue::Text(text.as_bytes().to_vec());
        for (json, expected) in [
            (r#""Oslo""#, text("Oslo")),
            (r#""""#, text("")),
            (r#""a\nb""#, text("a\nb")),
            (r#""=1+1""#, text(r#"="=1+1""#)),
            (r#""\ud800""#, text(r#"="\ud800""#)),
            ("5", OwnedValue::Integer(5)),
            ("-9007199254740991", OwnedValue::Integer(-9_007_199_254_740_991)),
            ("9007199254740992", OwnedValue::Real(9_007_199_254_740_992.0)),
            ("2.5", OwnedValue::Real(2.5)),
            ("1e+21", OwnedValue::Real(1e21)),
            ("true", text("=true")),
            ("null", text("=null")),
            (r#"{"$":"number","value":"-0"}"#, text(r#"={"$":"number","value":"-0"}"#)),
            ("[1,{}]", text("=[1,{}]")),
            // Not as a browser prints it.
            ("1e21", text("=1e21")),
            (r#""\u0041""#, text(r#"="\u0041""#)),
        ] {
            assert_eq!(cell(json), expected, "{json}");
            assert_eq!(json_of(expected.borrowed()).as_deref(), Some(json));
        }
        assert_eq!(json_of(Value::Null), None);
    }

    #[test]
    fn what_a_mask_made_is_a_value_too() {
        for (value, json) in [
            (Value::Text(b"=qmzx"), MASKED),
            (Value::Text(b"=[\"a\""), MASKED),
            (Value::Blob(b"\0"), r#"{"$":"buffer","bytes":"AA=="}"#),
            (Value::Real((-0.0_f64).to_bits()), r#"{"$":"number","value":"-0"}"#),
            (Value::Real(f64::NAN.to_bits()), r#"{"$":"number","value":"NaN"}"#),
            (Value::Integer(i64::MAX), "9223372036854775807"),
        ] {
            assert_eq!(json_of(value).as_deref(), Some(json));
        }
    }
}
