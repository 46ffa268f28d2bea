//! Values of rows as people read them.

use rowkeep::format::Value;
use rowkeep::jobs::history::Cell;
use rowkeep::rows::json::value_json;
use rowkeep::units::plain;
use serde_json::Value as Json;

use super::units::bytes;

/// So many characters of a value are shown beside others.
const SHOWN: usize = 300;

/// A value as people read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Whether it is none, and not text that says so.
    pub(super) is_null: bool,
    /// What there is to know of it: how long it is where that does not show.
    pub(super) note: String,
}

/// A value as people read it, of which so many characters are shown.
pub(super) fn shown(value: Value<'_>, at_most: usize) -> Shown {
    let length = match value {
        Value::Text(bytes) | Value::Blob(bytes) => bytes.len() as u64,
        _ => 0,
    };
    let text = cut(&words(&value_json(beginning(value, at_most))), at_most);
    let is_long = text.ends_with('…') && length > 0;
    let note = if is_long || matches!(value, Value::Blob(_)) { bytes(length) } else { String::new() };
    Shown { text, is_null: matches!(value, Value::Null), note }
}

/// As much of a value as can be shown, and a little more: there may be very much of it.
fn beginning(value: Value<'_>, at_most: usize) -> Value<'_> {
    match value {
        Value::Blob(bytes) => Value::Blob(&bytes[..bytes.len().min(at_most)]),
        Value::Text(bytes) if bytes.len() > 4 * at_most + 4 => {
            // Not within a character.
            let is_begin = |at: &usize| bytes[*at] & 0b1100_0000 != 0b1000_0000;
            let end = (4 * at_most..=4 * at_most + 3).find(is_begin).unwrap_or(4 * at_most);
            Value::Text(&bytes[..end])
        }
        other => other,
    }
}

/// A value of a row's history, of which so many characters are shown.
pub(super) fn cell(cell: Option<&Cell>, at_most: usize) -> Shown {
    match cell {
        None => Shown::default(),
        Some(Cell::Null) => shown(Value::Null, at_most),
        Some(Cell::Integer(integer)) => shown(Value::Integer(*integer), at_most),
        Some(Cell::Real(real)) => shown(Value::Real(real.to_bits()), at_most),
        Some(Cell::Text(text)) => shown(Value::Text(text.as_bytes()), at_most),
        Some(Cell::Blob(bytes)) => shown(Value::Blob(bytes), at_most),
    }
}

/// A value as people read it; nothing where the row is not there.
pub(super) fn told(value: Option<&Json>) -> String {
    value.map(|value| cut(&words(value), SHOWN)).unwrap_or_default()
}

fn words(value: &Json) -> String {
    match value {
        Json::Null => "NULL".to_owned(),
        // What could be taken for something else stands in quotes.
        Json::String(text) if text.trim() != text || text.is_empty() || text == "NULL" => {
            format!("'{}'", plain(text))
        }
        Json::String(text) => plain(text),
        Json::Object(of) => match of.get("blob_hex").and_then(Json::as_str) {
            Some(digits) => format!("x'{digits}'"),
            None => Json::Object(of.clone()).to_string(),
        },
        other => other.to_string(),
    }
}

fn cut(text: &str, at_most: usize) -> String {
    match text.char_indices().nth(at_most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_apart_and_cut() {
        assert_eq!(told(None), "");
        assert_eq!(told(Some(&Json::Null)), "NULL");
        assert_eq!(told(Some(&json!("NULL"))), "'NULL'");
        assert_eq!(told(Some(&json!(""))), "''");
        assert_eq!(told(Some(&json!(" a"))), "' a'");
        assert_eq!(told(Some(&json!({ "blob_hex": "00ff" }))), "x'00ff'");
        assert_eq!(told(Some(&json!(5))), "5");
        assert_eq!(told(Some(&json!("é".repeat(400)))).chars().count(), SHOWN + 1);
    }

    #[test]
    fn long_values_say_how_long_they_are() {
        let null = shown(Value::Null, 10);
        assert_eq!((&*null.text, null.is_null, &*null.note), ("NULL", true, ""));
        let text = shown(Value::Text(b"NULL"), 10);
        assert_eq!((&*text.text, text.is_null), ("'NULL'", false));
        let blob = shown(Value::Blob(&[0, 255]), 10);
        assert_eq!((&*blob.text, &*blob.note), ("x'00ff'", "2 B"));
        let long = "é".repeat(1000);
        let cut = shown(Value::Text(long.as_bytes()), 10);
        assert_eq!((cut.text, &*cut.note), (format!("{}…", "é".repeat(10)), "2.0 kB"));
        assert_eq!(shown(Value::Text(&[255; 500]), 10).text, "{\"text_hex…");
        assert_eq!(cell(None, 10), Shown::default());
        assert_eq!(cell(Some(&Cell::Real(0.5)), 10).text, "0.5");
    }
}
