//! What PostgreSQL's values, names and statements mean.

pub(crate) mod forms;
mod jsonb;
mod of_json;
pub(crate) mod types;

use std::borrow::Cow;
use std::sync::Arc;

use rowkeep_format::{Schema, Table, Value};

use self::forms::form;
use self::types::{Type, filled_up};
use super::catalog::sequences;
use super::psql_script::{self, Script};
use super::schema::ddl::ENGINE;
use super::schema::own_types::OwnTypes;
use super::schema::statements::definitions;
use crate::dialect::{
    Case, Content, Dialect, Form, KeyPart, Like, Names, OwnedValue, Reading, Sequences, ValueType,
};
use crate::sql_text::{Program, SqlText, SqlValue};
use crate::{Definition, EngineError};

/// How many numbers of a sequence a server logs before it gives them.
const LOGGED_AHEAD: i128 = 32;

/// The dialect of PostgreSQL: values are the text that the server prints.
#[derive(Debug, Clone, Copy)]
pub struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn names(&self) -> Names {
        Names { fold: false, default_schema: Some("public") }
    }

    fn reading(&self, declared: &str) -> Arc<dyn Reading> {
        Arc::new(Type::of(declared))
    }

    fn readings(&self, left: &str, right: &str) -> Option<(Arc<dyn Reading>, Arc<dyn Reading>)> {
        let types = (Type::of(left), Type::of(right));
        let alike = types.0 != Type::Other || left == right;
        (types.0.compares_with(types.1) && alike)
            .then(|| (Arc::new(types.0) as Arc<dyn Reading>, Arc::new(types.1) as Arc<dyn Reading>))
    }

    fn is_condition(&self, declared: &str) -> bool {
        Type::of(declared) == Type::Boolean
    }

    fn truth(&self, value: Value<'_>) -> Option<bool> {
        match value {
            Value::Null => None,
            other => Some(other == Value::Text(b"t")),
        }
    }

    fn text<'v>(&self, value: Value<'v>) -> Option<Cow<'v, [u8]>> {
        match value {
            Value::Null => None,
            Value::Integer(integer) => Some(Cow::Owned(integer.to_string().into_bytes())),
            Value::Real(bits) => Some(Cow::Owned(f64::from_bits(bits).to_string().into_bytes())),
            Value::Text(bytes) | Value::Blob(bytes) => Some(Cow::Borrowed(bytes)),
        }
    }

    fn like(&self) -> Like {
        Like { escape: Some('\\'), like: Case::Sensitive, ilike: Case::Unicode }
    }

    fn key_value(&self, declared: &str, written: &KeyPart) -> Result<OwnedValue, &'static str> {
        let of = Type::of(declared);
        let text = match written {
            KeyPart::Bare(text) | KeyPart::Quoted(text) => {
                of.stored(text).map(|text| filled_up(text, of, declared))
            }
            KeyPart::Blob(bytes) if of == Type::Bytes => Some(format!("\\x{}", hex::encode(bytes))),
            KeyPart::Blob(_) => None,
        };
        text.map(|text| OwnedValue::Text(text.into_bytes())).ok_or(of.expected())
    }

    fn is_text_bare(&self, _text: &[u8]) -> bool {
        true
    }

    fn look_alike(&self, a: &str, b: &str) -> bool {
        let kind = Type::of(a);
        a == b || kind == Type::of(b) && matches!(kind, Type::Integer | Type::Decimal | Type::Text)
    }

    fn is_exact(&self, declared: &str, _value: Value<'_>) -> bool {
        !matches!(Type::of(declared), Type::Folded | Type::Padded | Type::Single | Type::Double)
    }

    fn content(&self, declared: &str) -> Content {
        match Type::of(declared) {
            Type::Integer | Type::Decimal => Content::Digits,
            Type::Single => Content::Single,
            Type::Double => Content::Double,
            Type::Text => Content::Text,
            Type::Padded => Content::PaddedText,
            Type::Folded => Content::FoldedText,
            Type::Date => Content::Date,
            Type::Timestamp => Content::LocalTime,
            Type::TimestampTz => Content::Instant,
            Type::Uuid => Content::Uuid,
            Type::Bytes => Content::HexBytes,
            Type::Boolean | Type::Time | Type::Other => Content::Other,
        }
    }

    fn longest(&self, declared: &str) -> Option<usize> {
        let inner = declared.split_once('(')?.1.split_once(')')?.0;
        match Type::of(declared) {
            Type::Text | Type::Padded => inner.trim().parse().ok(),
            _ => None,
        }
    }

    fn masked_as(&self, declared: &str, text: &str) -> Option<OwnedValue> {
        Type::of(declared).stored(text).map(|text| OwnedValue::Text(text.into_bytes()))
    }

    fn value_types(&self, schema: &Schema, table: &Table) -> Vec<ValueType> {
        let own = OwnTypes::of(schema);
        table.columns.iter().map(|column| own.value_type(&column.type_name)).collect()
    }

    fn of_json(&self, of: &ValueType, json: &str) -> Result<Option<OwnedValue>, &'static str> {
        let stored = of_json::of_json(self, of, json)?;
        Ok(stored.map(|text| OwnedValue::Text(text.into_bytes())))
    }

    fn takes_integer(&self, declared: &str, integer: i64) -> bool {
        if let Some(modifier) = declared.strip_prefix("numeric(").and_then(|rest| rest.strip_suffix(')')) {
            let (precision, scale) = modifier.split_once(',').unwrap_or((modifier, "0"));
            let digits = |text: &str| text.trim().parse::<i32>().unwrap_or(0);
            let most = (digits(precision) - digits(scale)).max(0) as usize;
            return integer == 0 || integer.unsigned_abs().to_string().len() <= most;
        }
        match declared {
            "smallint" => i16::try_from(integer).is_ok(),
            "integer" => i32::try_from(integer).is_ok(),
            "oid" => u32::try_from(integer).is_ok(),
            _ => true,
        }
    }

    fn form(&self, declared: &str) -> Form {
        form(declared)
    }

    fn json_form(&self, declared: &str) -> Form {
        // JSON within JSON stays the text that it is in the database, to the letter.
        match form(declared) {
            Form::Json => Form::Text,
            other => other,
        }
    }

    fn sequences(&self) -> Option<Sequences> {
        Some(Sequences { table: sequences::NAME, steps: sequences::STEPS, logged_ahead: LOGGED_AHEAD })
    }

    fn may_have_orphans(&self) -> bool {
        false
    }

    fn truth_text(&self, truth: bool) -> Option<&'static str> {
        Some(if truth { "true" } else { "false" })
    }

    fn definitions(&self, schema: &Schema) -> Vec<Definition> {
        definitions(schema)
    }

    fn is_loaded_by(&self, program: Program) -> bool {
        program == Program::Psql
    }

    fn insert(&self, table: &str, values: &[(&str, SqlValue)]) -> Result<String, EngineError> {
        Ok(psql_script::insert(table, values))
    }

    fn probe(&self, table: &str, columns: &[&str]) -> Result<String, EngineError> {
        Ok(psql_script::probe(table, columns))
    }

    fn script(
        &self,
        schema: &Schema,
        with_ddl: bool,
        _program: Option<Program>,
    ) -> Result<Box<dyn SqlText>, EngineError> {
        Ok(Box::new(Script::of(schema, with_ddl)))
    }
}
