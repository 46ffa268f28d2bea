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
    let added = match letter {
        b'n' => {
            column.push(Value::Null);
            Some(())
        }
        b'i' => integer(raw).map(|integer| column.push(Value::Integer(integer))),
        b'r' => real(raw).map(|real| column.push(Value::Real(real.to_bits()))),
        b'p' => Some(column.push(Value::Real(f64::INFINITY.to_bits()))),
        b'm' => Some(column.push(Value::Real(f64::NEG_INFINITY.to_bits()))),
        b'z' => Some(column.push(Value::Real((-0.0_f64).to_bits()))),
        b'b' => digits(raw).map(|bytes| column.push(Value::Blob(&bytes))),
        b't' if form.hex_text => digits(raw).map(|bytes| column.push(Value::Text(&bytes))),
        b't' => match text(raw) {
            Some(text) if text.contains(char::REPLACEMENT_CHARACTER) => return Read::Doubtful,
            Some(text) => Some(column.push(Value::Text(text.as_bytes()))),
            None => None,
        },
        b'T' | b'B' => return Read::Large,
        _ => None,
    };
    added.map_or(Read::Malformed, |()| Read::Added)
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
