//! What a column has where JSON has a value: what SQLite would store of it, where that is certain.

use super::values::affinity_of;
use crate::dialect::{Dialect, KeyPart, OwnedValue};
use crate::sqlite::catalog::affinity::Affinity;

pub(super) fn of_json(
    dialect: &dyn Dialect,
    declared: &str,
    json: &str,
) -> Result<Option<OwnedValue>, &'static str> {
    let (affinity, upper) = (affinity_of(declared), declared.to_ascii_uppercase());
    let stored = match json.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b't' | b'f') if affinity.is_numeric() => OwnedValue::Integer(i64::from(json == "true")),
        Some(b't' | b'f') => return Err("true or false is no value of the column"),
        Some(b'"') if upper.starts_with("BLOB") => {
            return Err("a text does not tell the bytes of the column");
        }
        Some(b'"') => {
            let text =
                serde_json::from_str(json).map_err(|_| "it is a text with half of a surrogate pair")?;
            dialect.key_value(declared, &KeyPart::Quoted(text))?
        }
        Some(b'{' | b'[') if upper.contains("JSON") => OwnedValue::Text(json.as_bytes().to_vec()),
        Some(b'{' | b'[') => return Err("an object or a list is no value of the column"),
        _ if affinity == Affinity::Text && json.contains(['.', 'e', 'E']) => {
            return Err("a number with a fraction does not tell the text of the column");
        }
        _ => dialect.key_value(declared, &KeyPart::Bare(json.to_owned()))?,
    };
    Ok(Some(stored))
}

#[cfg(test)]
mod tests {
    use super::super::SqliteDialect;
    use super::*;

    #[test]
    fn values_are_stored_as_the_database_would() {
        let text = |text: &str| OwnedValue::Text(text.into());
        for (declared, json, stored) in [
            ("INTEGER", "42", OwnedValue::Integer(42)),
            ("INTEGER", "\"42\"", OwnedValue::Integer(42)),
            ("BOOLEAN", "true", OwnedValue::Integer(1)),
            ("REAL", "5", OwnedValue::Real(5.0)),
            ("DECIMAL(10,2)", "\"10.50\"", OwnedValue::Real(10.5)),
            ("TEXT", "\"a\\nb\"", text("a\nb")),
            ("TEXT", "7", text("7")),
            ("DATETIME", "\"2026-01-02T03:04:05.678Z\"", text("2026-01-02T03:04:05.678Z")),
            ("DATETIME", "1767323045678", OwnedValue::Integer(1_767_323_045_678)),
            ("", "\"42\"", text("42")),
            ("JSON", "{\"a\": 1}", text("{\"a\": 1}")),
        ] {
            assert_eq!(of_json(&SqliteDialect, declared, json), Ok(Some(stored)), "{json} as {declared}");
        }
        assert_eq!(of_json(&SqliteDialect, "TEXT", "null"), Ok(None));
        for (declared, json) in [
            ("BLOB", "\"AP8=\""),
            ("TEXT", "1.5"),
            ("TEXT", "true"),
            ("TEXT", "[1]"),
            ("TEXT", "\"\\ud800\""),
        ] {
            assert!(of_json(&SqliteDialect, declared, json).is_err(), "{json} as {declared}");
        }
    }
}
