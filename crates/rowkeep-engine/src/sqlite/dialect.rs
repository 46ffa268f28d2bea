//! What SQLite's values, names and statements mean.

pub(crate) mod forms;
mod of_json;
pub(crate) mod values;

use std::borrow::Cow;
use std::sync::Arc;

use rowkeep_format::{Schema, Value};

use self::values::{Conversion, Number, affinity_of, number_of, text_of, truth};
use super::catalog::affinity::Affinity;
use super::schema::ddl::ENGINE;
use super::schema::statements::definitions;
use super::{d1_script, sqlite3_script};
use crate::dialect::{Case, Content, Dialect, Form, KeyPart, Like, Names, OwnedValue, Reading, ValueType};
use crate::sql_text::{Program, SqlText, SqlValue};
use crate::{Definition, EngineError};

/// The largest number up to which every whole real is an integer to a column of numbers.
const MOST_WHOLE: f64 = 9e15;

/// The dialect of SQLite: values know their kind, and columns have affinities.
#[derive(Debug, Clone, Copy)]
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn names(&self) -> Names {
        Names { fold: true, default_schema: None }
    }

    fn reading(&self, declared: &str) -> Arc<dyn Reading> {
        Arc::new(Conversion::with_literal(affinity_of(declared)))
    }

    fn readings(&self, left: &str, right: &str) -> Option<(Arc<dyn Reading>, Arc<dyn Reading>)> {
        let both: Arc<dyn Reading> = Arc::new(Conversion::between(affinity_of(left), affinity_of(right)));
        Some((Arc::clone(&both), both))
    }

    fn is_condition(&self, _declared: &str) -> bool {
        true
    }

    fn truth(&self, value: Value<'_>) -> Option<bool> {
        truth(value)
    }

    fn text<'v>(&self, value: Value<'v>) -> Option<Cow<'v, [u8]>> {
        text_of(value)
    }

    fn like(&self) -> Like {
        Like { escape: None, like: Case::Ascii, ilike: Case::Ascii }
    }

    fn key_value(&self, declared: &str, written: &KeyPart) -> Result<OwnedValue, &'static str> {
        let affinity = affinity_of(declared);
        let (text, bare) = match written {
            KeyPart::Blob(bytes) => return Ok(OwnedValue::Blob(bytes.clone())),
            KeyPart::Bare(text) => (text, true),
            KeyPart::Quoted(text) => (text, false),
        };
        let numeric = affinity.is_numeric() || (affinity == Affinity::Blob && bare);
        let number = number_of(text.as_bytes()).filter(|_| numeric);
        Ok(match (number, affinity) {
            (None, _) => OwnedValue::Text(text.clone().into_bytes()),
            (Some(Number::Integer(integer)), Affinity::Real) => OwnedValue::Real(integer as f64),
            (Some(Number::Integer(integer)), _) => OwnedValue::Integer(integer),
            (Some(Number::Real(real)), Affinity::Integer | Affinity::Numeric)
                if real.fract() == 0.0 && real.abs() < MOST_WHOLE =>
            {
                OwnedValue::Integer(real as i64)
            }
            (Some(Number::Real(real)), _) => OwnedValue::Real(real),
        })
    }

    fn is_text_bare(&self, text: &[u8]) -> bool {
        // Columns without a type hold a number then.
        number_of(text).is_none()
    }

    fn look_alike(&self, a: &str, b: &str) -> bool {
        affinity_of(a) == affinity_of(b)
    }

    fn is_exact(&self, declared: &str, value: Value<'_>) -> bool {
        // A column without a type keeps both 1 and 1.0, which are equal.
        affinity_of(declared) != Affinity::Blob || !matches!(value, Value::Integer(_) | Value::Real(_))
    }

    fn content(&self, declared: &str) -> Content {
        match affinity_of(declared) {
            Affinity::Integer | Affinity::Numeric => Content::OwnNumbers,
            Affinity::Real => Content::OwnReals,
            Affinity::Text => Content::OwnText,
            Affinity::Blob => Content::Own,
        }
    }

    fn masked_as(&self, declared: &str, text: &str) -> Option<OwnedValue> {
        let affinity = affinity_of(declared);
        if !affinity.is_numeric() {
            return Some(OwnedValue::Text(text.as_bytes().to_vec()));
        }
        Some(match number_of(text.as_bytes())? {
            Number::Integer(integer) if affinity == Affinity::Real => OwnedValue::Real(integer as f64),
            Number::Integer(integer) => OwnedValue::Integer(integer),
            Number::Real(real) => OwnedValue::Real(real),
        })
    }

    fn of_json(&self, of: &ValueType, json: &str) -> Result<Option<OwnedValue>, &'static str> {
        of_json::of_json(self, &of.name, json)
    }

    fn form(&self, declared: &str) -> Form {
        forms::column(declared)
    }

    fn json_form(&self, declared: &str) -> Form {
        forms::json(declared)
    }

    fn application_form(&self, declared: &str) -> Form {
        forms::application(declared)
    }

    fn may_have_orphans(&self) -> bool {
        true
    }

    fn definitions(&self, schema: &Schema) -> Vec<Definition> {
        definitions(schema)
    }

    fn is_loaded_by(&self, program: Program) -> bool {
        matches!(program, Program::Sqlite3 | Program::D1)
    }

    fn insert(&self, table: &str, values: &[(&str, SqlValue)]) -> Result<String, EngineError> {
        Ok(sqlite3_script::insert(table, values))
    }

    fn probe(&self, table: &str, columns: &[&str]) -> Result<String, EngineError> {
        Ok(sqlite3_script::probe(table, columns))
    }

    fn script(
        &self,
        schema: &Schema,
        with_ddl: bool,
        program: Option<Program>,
    ) -> Result<Box<dyn SqlText>, EngineError> {
        Ok(match program {
            Some(Program::D1) => Box::new(d1_script::Script::of(schema, with_ddl)?),
            _ => Box::new(sqlite3_script::Script::of(schema, with_ddl)?),
        })
    }
}
