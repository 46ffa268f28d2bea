//! What its values mean.

use std::borrow::Cow;
use std::sync::Arc;

use rowkeep::engine::dialect::{
    Canon, Case, Content, Dialect, Form, KeyPart, Like, Names, OwnedValue, Reading, Written,
};
use rowkeep::format::Value;

use super::kind::NAME;

#[derive(Debug)]
pub(super) struct MemoryDialect;

/// Values compare as what they are.
#[derive(Debug)]
struct AsTheyAre;

impl Reading for AsTheyAre {
    fn canon<'v>(&self, value: Value<'v>) -> Option<Canon<'v>> {
        Canon::own(value)
    }

    fn literal(&self, written: &Written) -> Result<Option<Canon<'static>>, &'static str> {
        Ok(match written {
            Written::Null => None,
            Written::Boolean(truth) => Some(Canon::integer(i64::from(*truth))),
            Written::Number(digits) => match digits.parse() {
                Ok(integer) => Some(Canon::integer(integer)),
                Err(_) => Some(Canon::real(digits.parse().map_err(|_| "a number")?)),
            },
            Written::Text(text) => Some(Canon::owned_text(text.as_bytes())),
            Written::Blob(bytes) => Some(Canon::Blob(Cow::Owned(bytes.clone()))),
        })
    }
}

fn is_number(declared: &str) -> bool {
    declared.to_ascii_lowercase().starts_with("int")
}

impl Dialect for MemoryDialect {
    fn name(&self) -> &'static str {
        NAME
    }

    fn names(&self) -> Names {
        Names { fold: true, default_schema: None }
    }

    fn reading(&self, _declared: &str) -> Arc<dyn Reading> {
        Arc::new(AsTheyAre)
    }

    fn readings(&self, left: &str, right: &str) -> Option<(Arc<dyn Reading>, Arc<dyn Reading>)> {
        (is_number(left) == is_number(right)).then(|| (self.reading(left), self.reading(right)))
    }

    fn is_condition(&self, declared: &str) -> bool {
        is_number(declared)
    }

    fn truth(&self, value: Value<'_>) -> Option<bool> {
        (value != Value::Null).then(|| value != Value::Integer(0))
    }

    fn text<'v>(&self, value: Value<'v>) -> Option<Cow<'v, [u8]>> {
        match value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Integer(integer) => Some(Cow::Owned(integer.to_string().into_bytes())),
            _ => None,
        }
    }

    fn like(&self) -> Like {
        Like { escape: Some('!'), like: Case::Sensitive, ilike: Case::Unicode }
    }

    fn key_value(&self, declared: &str, written: &KeyPart) -> Result<OwnedValue, &'static str> {
        match written {
            KeyPart::Blob(bytes) => Ok(OwnedValue::Blob(bytes.clone())),
            KeyPart::Bare(text) | KeyPart::Quoted(text) if is_number(declared) => {
                text.parse().map(OwnedValue::Integer).map_err(|_| "a whole number")
            }
            KeyPart::Bare(text) | KeyPart::Quoted(text) => Ok(OwnedValue::Text(text.clone().into_bytes())),
        }
    }

    fn is_text_bare(&self, _text: &[u8]) -> bool {
        true
    }

    fn look_alike(&self, a: &str, b: &str) -> bool {
        is_number(a) == is_number(b)
    }

    fn is_exact(&self, _declared: &str, value: Value<'_>) -> bool {
        !matches!(value, Value::Integer(_) | Value::Real(_))
    }

    fn content(&self, declared: &str) -> Content {
        if is_number(declared) { Content::OwnNumbers } else { Content::OwnText }
    }

    fn masked_as(&self, declared: &str, text: &str) -> Option<OwnedValue> {
        self.key_value(declared, &KeyPart::Quoted(text.to_owned())).ok()
    }

    fn form(&self, declared: &str) -> Form {
        if is_number(declared) { Form::Integer64 } else { Form::Text }
    }

    fn may_have_orphans(&self) -> bool {
        true
    }
}
