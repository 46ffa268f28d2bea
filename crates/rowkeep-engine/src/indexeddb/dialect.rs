//! What the values of IndexedDB mean.

use std::borrow::Cow;
use std::sync::Arc;

use rowkeep_format::{Schema, Table, Value};

use super::cell::{MARK, cell, is_json, json_of, marked};
use super::key::Key;
use super::record::{KEY_TYPE, Layout, VALUE_TYPE};
use super::rows::Records;
use super::scan::{member, members, quoted_text, text};
use super::schema::{BYTES_TYPE, NAME, definitions};
use super::write::Writing;
use crate::dialect::{
    Canon, Case, Content, Dialect, Documents, FileAbout, Form, KeyPart, Like, Names, OwnFile, OwnedValue,
    Reading, ValueType, Written,
};
use crate::{Definition, EngineError};

/// The dialect of IndexedDB: values know their kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexedDbDialect;

/// Numbers compare as numbers, texts as texts, truth values and dates as they are printed. What a record does not have, and what it has as
/// `null` or `undefined`, is NULL.
#[derive(Debug)]
struct AsTheyAre;

/// The JSON of truth values.
const TRUE: &str = "true";
const FALSE: &str = "false";

impl Reading for AsTheyAre {
    fn canon<'v>(&self, value: Value<'v>) -> Option<Canon<'v>> {
        let Value::Text(bytes) = value else { return Canon::own(value) };
        match marked(bytes) {
            None => Some(Canon::text(bytes)),
            Some(json) => of_json(json),
        }
    }

    fn literal(&self, written: &Written) -> Result<Option<Canon<'static>>, &'static str> {
        Ok(Some(match written {
            Written::Null => return Ok(None),
            Written::Boolean(truth) => Canon::owned_text(if *truth { TRUE } else { FALSE }),
            Written::Number(digits) => match digits.parse() {
                Ok(integer) => Canon::integer(integer),
                Err(_) => Canon::real(digits.parse().map_err(|_| "a number")?),
            },
            Written::Text(text) => Canon::owned_text(text.as_bytes()),
            Written::Blob(bytes) => Canon::Blob(Cow::Owned(bytes.clone())),
        }))
    }
}

/// What JSON compares as.
fn of_json(json: &str) -> Option<Canon<'_>> {
    if json == "null" {
        return None;
    }
    if let Some(own) = text(json) {
        return Some(Canon::owned_text(own));
    }
    let form = members(json).unwrap_or_default();
    let said = |name| member(&form, name).and_then(text);
    match (said("$").as_deref(), said("value")) {
        (Some("undefined"), _) => None,
        (Some("number"), Some(value)) => Some(Canon::real(match value.as_str() {
            "-0" => -0.0,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => f64::NAN,
        })),
        (Some("bigint"), Some(digits)) => Some(match digits.parse() {
            Ok(integer) => Canon::integer(integer),
            Err(_) => Canon::owned_text(digits),
        }),
        (Some("date"), Some(time)) => Some(Canon::owned_text(time)),
        _ => Some(Canon::text(json.as_bytes())),
    }
}

impl Dialect for IndexedDbDialect {
    fn name(&self) -> &'static str {
        NAME
    }

    fn names(&self) -> Names {
        Names { fold: false, default_schema: None }
    }

    fn reading(&self, _declared: &str) -> Arc<dyn Reading> {
        Arc::new(AsTheyAre)
    }

    fn readings(&self, left: &str, right: &str) -> Option<(Arc<dyn Reading>, Arc<dyn Reading>)> {
        Some((self.reading(left), self.reading(right)))
    }

    fn is_condition(&self, declared: &str) -> bool {
        declared == VALUE_TYPE
    }

    fn truth(&self, value: Value<'_>) -> Option<bool> {
        Some(match value {
            Value::Null => return None,
            Value::Integer(integer) => integer != 0,
            Value::Real(bits) => f64::from_bits(bits) != 0.0 && !f64::from_bits(bits).is_nan(),
            Value::Text(bytes) => match marked(bytes) {
                None => !bytes.is_empty(),
                Some(json) => match of_json(json)? {
                    Canon::Bytes(bytes) => bytes != FALSE.as_bytes(),
                    other => other != Canon::integer(0),
                },
            },
            Value::Blob(_) => true,
        })
    }

    fn text<'v>(&self, value: Value<'v>) -> Option<Cow<'v, [u8]>> {
        Some(match value {
            Value::Null => return None,
            Value::Integer(integer) => Cow::Owned(integer.to_string().into_bytes()),
            Value::Real(_) => Cow::Owned(json_of(value)?.into_owned().into_bytes()),
            Value::Text(bytes) => match marked(bytes) {
                None => Cow::Borrowed(bytes),
                Some(json) => match of_json(json)? {
                    Canon::Bytes(bytes) => bytes,
                    _ => Cow::Borrowed(json.as_bytes()),
                },
            },
            Value::Blob(bytes) => Cow::Borrowed(bytes),
        })
    }

    fn like(&self) -> Like {
        Like { escape: None, like: Case::Sensitive, ilike: Case::Unicode }
    }

    fn key_value(&self, _declared: &str, written: &KeyPart) -> Result<OwnedValue, &'static str> {
        // As it stands in the column.
        let shown = |text: &String| match text.strip_prefix(MARK) {
            Some(json) if is_json(json) => json.to_owned(),
            _ => quoted_text(text),
        };
        let json = match written {
            KeyPart::Bare(text) => number_json(text).unwrap_or_else(|| shown(text)),
            KeyPart::Quoted(text) => shown(text),
            // As a buffer stands in a record.
            KeyPart::Blob(bytes) => json_of(Value::Blob(bytes)).unwrap_or_default().into_owned(),
        };
        Ok(cell(&json))
    }

    fn is_text_bare(&self, text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok_and(|text| number_json(text).is_none() && !text.starts_with(MARK))
    }

    fn look_alike(&self, a: &str, b: &str) -> bool {
        let is_value = |declared| matches!(declared, KEY_TYPE | VALUE_TYPE);
        is_value(a) && is_value(b) || a == b
    }

    fn is_exact(&self, _declared: &str, value: Value<'_>) -> bool {
        // A date equals its text, an integer no real of another look.
        !matches!(value, Value::Text(_) | Value::Real(_))
    }

    fn content(&self, declared: &str) -> Content {
        match declared {
            KEY_TYPE | VALUE_TYPE => Content::Own,
            _ => Content::Other,
        }
    }

    fn is_none(&self, value: Value<'_>) -> bool {
        match value {
            Value::Null => true,
            Value::Text(bytes) => marked(bytes).is_some_and(|json| is_json(json) && of_json(json).is_none()),
            _ => false,
        }
    }

    fn masked_as(&self, _declared: &str, text: &str) -> Option<OwnedValue> {
        Some(cell(&quoted_text(text)))
    }

    fn of_json(&self, _of: &ValueType, json: &str) -> Result<Option<OwnedValue>, &'static str> {
        Ok(Some(cell(json)))
    }

    fn form(&self, declared: &str) -> Form {
        if declared == BYTES_TYPE { Form::Bytes } else { Form::Text }
    }

    fn documents(&self, table: &Table) -> Option<Arc<dyn Documents>> {
        table.kind.is_user_table().then(|| Arc::new(Records(Layout::of(table))) as Arc<dyn Documents>)
    }

    fn may_have_orphans(&self) -> bool {
        true
    }

    fn definitions(&self, schema: &Schema) -> Vec<Definition> {
        definitions(schema)
    }

    fn own_file(
        &self,
        schema: &Schema,
        tables: &[&Table],
        about: &FileAbout,
    ) -> Result<Box<dyn OwnFile>, EngineError> {
        Ok(Box::new(Writing::of(schema, tables, about)?))
    }
}

/// A number as it is in a record, where a text is one; what is too large for one is an infinity.
fn number_json(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let number = unsigned.starts_with(|first: char| first.is_ascii_digit()).then(|| text.parse().ok())?;
    Key::of_number(number?).map(|key| key.json())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: IndexedDbDialect = IndexedDbDialect;

    #[test]
    fn values_compare_by_what_they_are() {
        let reading = DIALECT.reading(VALUE_TYPE);
        for (json, written) in [
            ("5", Written::Number("5.0".to_owned())),
            ("2.5", Written::Number("2.5".to_owned())),
            (r#"{"$":"bigint","value":"7"}"#, Written::Number("7".to_owned())),
            (r#"{"$":"number","value":"-0"}"#, Written::Number("0".to_owned())),
            ("true", Written::Boolean(true)),
            ("\"Oslo\"", Written::Text("Oslo".to_owned())),
            ("\"=1\"", Written::Text("=1".to_owned())),
            (
                r#"{"$":"date","value":"2026-11-30T02:00:00.000Z"}"#,
                Written::Text("2026-11-30T02:00:00.000Z".to_owned()),
            ),
            ("null", Written::Null),
            (r#"{"$":"undefined"}"#, Written::Null),
        ] {
            let value = cell(json);
            assert_eq!(
                reading.canon(value.borrowed()),
                reading.literal(&written).expect("it is a literal"),
                "{json}"
            );
        }
        for (json, truth, text) in [
            ("true", Some(true), Some("true")),
            ("false", Some(false), Some("false")),
            ("0", Some(false), Some("0")),
            (r#""""#, Some(false), Some("")),
            ("null", None, None),
            (r#"{"a":1}"#, Some(true), Some(r#"{"a":1}"#)),
        ] {
            let value = cell(json);
            let shown =
                DIALECT.text(value.borrowed()).map(|text| String::from_utf8_lossy(&text).into_owned());
            assert_eq!((DIALECT.truth(value.borrowed()), shown.as_deref()), (truth, text), "{json}");
            assert_eq!(DIALECT.is_none(value.borrowed()), text.is_none(), "{json}");
        }
    }

    #[test]
    fn keys_are_written_as_values() {
        let bare = |text: &str| KeyPart::Bare(text.to_owned());
        for (written, json) in [
            (bare("5"), "5"),
            (bare("Oslo"), "\"Oslo\""),
            (KeyPart::Quoted("5".to_owned()), "\"5\""),
            (bare("1e21"), "1e+21"),
            (bare("-9e999"), r#"{"$":"number","value":"-Infinity"}"#),
            (bare("5th"), "\"5th\""),
            (KeyPart::Quoted("=so".to_owned()), "\"=so\""),
            (KeyPart::Quoted("=\"=5\"".to_owned()), "\"=5\""),
            (bare("=[1,\"a\"]"), "[1,\"a\"]"),
            (KeyPart::Blob(vec![0]), r#"{"$":"buffer","bytes":"AA=="}"#),
        ] {
            assert_eq!(DIALECT.key_value(KEY_TYPE, &written), Ok(cell(json)), "{json}");
        }
    }
}
