//! Values of files and of SQLite as texts that PostgreSQL takes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rowkeep_format::{Column, Value};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::form::Form;
use super::statement::element;
use super::times;

/// A value as a text that the server is to take; why there is none, in words.
pub(super) fn text(value: Value<'_>, from: &Column, form: &Form) -> Result<Option<String>, String> {
    let is = |word: &str| from.type_name.to_ascii_uppercase().contains(word);
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Integer(0 | 1) if is("BOOL") && *form != Form::Number => {
            (value == Value::Integer(1)).to_string()
        }
        // The server would read digits as year, month and day, or as the bytes of their text.
        Value::Integer(_) | Value::Real(_) if form.is_time() => return Err(NUMBER.to_owned()),
        Value::Integer(_) | Value::Real(_) if *form == Form::Bytes => {
            return Err("a number is no bytes".to_owned());
        }
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => real(f64::from_bits(bits)),
        Value::Blob(bytes) if *form == Form::Bytes => format!("\\x{}", hex::encode(bytes)),
        Value::Blob(bytes) | Value::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
            if text.contains('\0') {
                return Err("it holds a NUL character, which PostgreSQL keeps in no text".to_owned());
            }
            match is("JSON") {
                true => of_json(text, form)?,
                false => of_text(text, form)?,
            }
        }
    }))
}

/// Why no number is a time.
const NUMBER: &str =
    "a number tells no time of which it is certain what it counts; it has to be as 2026-01-02T03:04:05Z";

/// A number as JavaScript prints it, as far as it matters.
fn real(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:?}")
    }
}

/// A value that is JSON to the letter.
fn of_json(raw: &str, form: &Form) -> Result<String, String> {
    match form {
        Form::Json { .. } => Ok(raw.to_owned()),
        _ if raw.starts_with('"') => {
            of_text(&serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()), form)
        }
        _ => of_text(raw, form),
    }
}

fn of_text(text: &str, form: &Form) -> Result<String, String> {
    match form {
        Form::Json { .. } => Ok(json(text)),
        Form::Bytes => bytes(text),
        Form::Array(of) if text.starts_with('[') => array(text, of),
        Form::Moment => times::moment(text, false),
        Form::ZonedMoment => times::moment(text, true),
        Form::Date => times::date(text),
        Form::Time => times::time(text),
        _ => Ok(text.to_owned()),
    }
}

/// JSON that stands in a text; any other text is a string.
fn json(text: &str) -> String {
    let is_json = text.starts_with(['{', '[', '"']) && serde_json::from_str::<&RawValue>(text).is_ok();
    if is_json { text.to_owned() } else { Json::from(text).to_string() }
}

/// Bytes in one of the forms that files have: base64, `{"type": "Buffer", "data": [0, 255]}` as Node writes them, `{"0": 0, "1": 255}` as a
/// `Uint8Array` becomes, `{"$base64": …}`, or as PostgreSQL has them.
fn bytes(text: &str) -> Result<String, String> {
    if text.starts_with("\\x") {
        return Ok(text.to_owned());
    }
    let none = || "it is neither base64 nor a list of bytes".to_owned();
    let bytes = match serde_json::from_str::<Map<String, Json>>(text) {
        Ok(object) => match object.get("$base64").and_then(Json::as_str) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).ok(),
            None => listed(&object),
        },
        Err(_) => BASE64_STANDARD.decode(text).ok(),
    };
    Ok(format!("\\x{}", hex::encode(bytes.ok_or_else(none)?)))
}

fn listed(object: &Map<String, Json>) -> Option<Vec<u8>> {
    let byte = |value: &Json| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
    match object.get("data") {
        Some(Json::Array(data)) => data.iter().map(byte).collect(),
        _ => (0..object.len()).map(|at| byte(object.get(&at.to_string())?)).collect(),
    }
}

/// A list of JSON as an array.
fn array(text: &str, form: &Form) -> Result<String, String> {
    let elements: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| format!("it is no list of JSON: {error}"))?;
    let elements = elements.into_iter().map(|raw| match raw.get() {
        "null" => Ok("NULL".to_owned()),
        nested if nested.starts_with('[') && !matches!(form, Form::Json { .. }) => array(nested, form),
        raw => Ok(element(&of_json(raw, form)?)),
    });
    Ok(format!("{{{}}}", elements.collect::<Result<Vec<_>, String>>()?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(value: Value<'_>, type_name: &str, form: &Form) -> Result<Option<String>, String> {
        let from =
            Column { name: "c".to_owned(), type_name: type_name.to_owned(), not_null: false, hidden: false };
        text(value, &from, form)
    }

    #[test]
    fn values_are_written_as_postgresql_takes_them() {
        let json = Form::Json { is_text: false };
        let array = |of: &Form| Form::Array(Box::new(of.clone()));
        for (value, from, form, expected) in [
            (Value::Integer(1), "BOOLEAN", &Form::Boolean, "true"),
            (Value::Integer(1), "BOOLEAN", &Form::Number, "1"),
            (Value::Integer(0), "BOOLEAN", &json, "false"),
            (Value::Real(5.0f64.to_bits()), "REAL", &Form::Number, "5"),
            (Value::Real(608.75f64.to_bits()), "REAL", &Form::Other, "608.75"),
            (Value::Text(b"9007199254740993"), "JSON TEXT", &Form::Number, "9007199254740993"),
            (Value::Text(b"\"a\\\"b\""), "JSON TEXT", &Form::Other, "a\"b"),
            (Value::Text(b"\"a\""), "JSON TEXT", &json, "\"a\""),
            (Value::Text(b"{\"a\": 1}"), "TEXT", &json, "{\"a\": 1}"),
            (Value::Text(b"{a"), "TEXT", &json, "\"{a\""),
            (Value::Text(b"5"), "TEXT", &json, "\"5\""),
            (Value::Text(b"AP8="), "TEXT", &Form::Bytes, "\\x00ff"),
            (Value::Text(b"{\"type\":\"Buffer\",\"data\":[0,255]}"), "JSON TEXT", &Form::Bytes, "\\x00ff"),
            (Value::Text(b"{\"0\":0,\"1\":255}"), "JSON TEXT", &Form::Bytes, "\\x00ff"),
            (Value::Blob(b"\x00\xff"), "BLOB", &Form::Bytes, "\\x00ff"),
            (
                Value::Text(b"[\"a\\\"b\",null,\"\"]"),
                "JSON TEXT",
                &array(&Form::Other),
                "{\"a\\\"b\",NULL,\"\"}",
            ),
            (
                Value::Text(b"[[1,2.50],[3,4]]"),
                "JSON TEXT",
                &array(&Form::Number),
                "{{\"1\",\"2.50\"},{\"3\",\"4\"}}",
            ),
            (Value::Text(b"[[1],{\"a\":2}]"), "JSON TEXT", &array(&json), "{\"[1]\",\"{\\\"a\\\":2}\"}"),
            (Value::Text(b"{x,y}"), "TEXT", &array(&Form::Other), "{x,y}"),
            (Value::Text(b"2026-01-02T03:04:05.678+02:00"), "TEXT", &Form::Moment, "2026-01-02T01:04:05.678"),
            (Value::Text(b"2026-01-02T03:04:05.678Z"), "TEXT", &Form::Moment, "2026-01-02T03:04:05.678Z"),
            (Value::Text(b"2026-01-02T00:00:00.000Z"), "TEXT", &Form::Date, "2026-01-02"),
        ] {
            assert_eq!(taken(value, from, form), Ok(Some(expected.to_owned())), "{value:?} as {form:?}");
        }
        for (value, form) in [
            (Value::Text(b"2026-01-02T00:00:01.000Z"), &Form::Date),
            (Value::Text(b"?"), &Form::Bytes),
            (Value::Integer(1_700_000_101), &Form::Moment),
            (Value::Integer(1_700_000_101), &Form::Date),
            (Value::Text(b"1700000101"), &Form::ZonedMoment),
            (Value::Integer(1234), &Form::Bytes),
            (Value::Text(b"a\0b"), &Form::Other),
            (Value::Text(b"\xff"), &Form::Other),
            (Value::Text(b"[1"), &array(&Form::Number)),
        ] {
            assert!(taken(value, "TEXT", form).is_err(), "{value:?} as {form:?}");
        }
        assert_eq!(taken(Value::Null, "TEXT", &Form::Other), Ok(None));
    }
}
