//! Values in the form in which they were asked for.

use std::borrow::Cow;

use rowkeep_format::Value;
use rowkeep_format::batch::ColumnValues;
use serde_json::value::RawValue;

use super::form::Form;

/// What a value is read as.
pub(crate) enum Read {
    /// It was added.
    Added,
    /// It is too large to come with its row: the kind and the number of its bytes.
    Large,
    /// A text that was not UTF-8, or has the sign that stands for that.
    Doubtful,
    /// Nothing of that form.
    Malformed,
}

/// Adds a value to its column.
pub(crate) fn push(letter: u8, raw: &RawValue, form: Form, column: &mut ColumnValues) -> Read {
    let (bytes, words);
    let value = match letter {
        b'n' => Some(Value::Null),
        b'i' => integer(raw).map(Value::Integer),
        b'r' => real(raw).map(|real| Value::Real(real.to_bits())),
        b'p' => Some(Value::Real(f64::INFINITY.to_bits())),
        b'm' => Some(Value::Real(f64::NEG_INFINITY.to_bits())),
        b'z' => Some(Value::Real((-0.0_f64).to_bits())),
        b'b' => {
            bytes = digits(raw);
            bytes.as_deref().map(Value::Blob)
        }
        b't' if form.hex_text => {
            bytes = digits(raw);
            bytes.as_deref().map(Value::Text)
        }
        b't' => {
            words = text(raw);
            if words.as_ref().is_some_and(|words| words.contains(char::REPLACEMENT_CHARACTER)) {
                return Read::Doubtful;
            }
            words.as_ref().map(|words| Value::Text(words.as_bytes()))
        }
        b'T' | b'B' => return Read::Large,
        _ => None,
    };
    match value {
        Some(value) => {
            column.push(value);
            Read::Added
        }
        None => Read::Malformed,
    }
}

/// A text.
pub(crate) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)
}

/// Bytes from their digits.
pub(crate) fn digits(raw: &RawValue) -> Option<Vec<u8>> {
    hex::decode(text(raw)?.as_bytes()).ok()
}

/// An integer: a number, or a text with its digits.
pub(crate) fn integer(raw: &RawValue) -> Option<i64> {
    raw.get().trim_matches('"').parse().ok()
}

/// A number with all of its bits. None but finite ones stand in JSON.
fn real(raw: &RawValue) -> Option<f64> {
    raw.get().parse().ok().filter(|real: &f64| real.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_nothing_else() {
        let form = Form { hex_text: false, inline_bytes: 10 };
        let read = |letter, json: &str| {
            let raw: Box<RawValue> = serde_json::from_str(json).expect("it is JSON");
            let mut column = ColumnValues::default();
            matches!(push(letter, &raw, form, &mut column), Read::Added).then_some(column)
        };
        let value = |letter, json: &str, value: Value<'_>| {
            let column = read(letter, json).unwrap_or_else(|| panic!("{json}"));
            assert_eq!(column.value(0), value, "{json}");
        };
        value(b'n', "null", Value::Null);
        value(b'i', "-7", Value::Integer(-7));
        value(b'i', "\"-9223372036854775808\"", Value::Integer(i64::MIN));
        value(b'r', "1", Value::Real(1.0_f64.to_bits()));
        value(b'r', "5e-324", Value::Real(1));
        value(b'r', "1.7976931348623157e+308", Value::Real(f64::MAX.to_bits()));
        value(b'r', "0.30000000000000004", Value::Real(0.300_000_000_000_000_04_f64.to_bits()));
        value(b'm', "null", Value::Real(f64::NEG_INFINITY.to_bits()));
        value(b'z', "0", Value::Real((-0.0_f64).to_bits()));
        value(b't', "\"a\\u0000\\\"é\"", Value::Text("a\0\"é".as_bytes()));
        value(b't', "\"plain\"", Value::Text(b"plain"));
        value(b'b', "\"00FF\"", Value::Blob(&[0, 255]));
        for (letter, json) in [
            (b'i', "1.5"),
            (b'i', "null"),
            (b'r', "null"),
            (b'r', "\"1e999\""),
            (b't', "7"),
            (b't', "\"\u{fffd}\""),
            (b'b', "\"0\""),
            (b'b', "[0,255]"),
            (b'x', "1"),
        ] {
            assert!(read(letter, json).is_none(), "{json}");
        }
    }
}
