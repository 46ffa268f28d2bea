//! What there is among the values of a column that its type in SQLite would not keep.

use rusqlite::types::Value;

use super::kind::Kind;
use super::value::is_json;

/// What was seen of a column.
#[derive(Debug, Default)]
pub(super) struct Seen {
    kind: Option<Kind>,
    /// NaN, which is no number in SQLite.
    has_nan: bool,
    /// A zero with a sign, of which a column of numbers keeps the zero alone.
    has_negative_zero: bool,
    /// An integer beyond those with a sign.
    has_large: bool,
    /// A text that is no JSON, though the file says so.
    has_other_text: bool,
}

impl Seen {
    pub(super) fn of(kind: Option<Kind>) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(super) fn see(&mut self, value: &Value) {
        match (self.kind, value) {
            (Some(Kind::Real | Kind::Half), Value::Text(_)) => self.has_nan = true,
            (Some(Kind::Real | Kind::Half), Value::Real(real)) => {
                self.has_negative_zero |= *real == 0.0 && real.is_sign_negative();
            }
            (Some(Kind::Unsigned64), Value::Text(_)) => self.has_large = true,
            (Some(Kind::Json), Value::Text(text)) => self.has_other_text |= !is_json(text),
            _ => {}
        }
    }

    /// The type that the column is declared with, where its kind has one.
    pub(super) fn declared(&self, plain: &'static str) -> &'static str {
        match self {
            Self { has_negative_zero: true, .. } => "",
            Self { has_large: true, .. } | Self { has_other_text: true, .. } => "TEXT",
            _ => plain,
        }
    }

    /// What is said of it, in words.
    pub(super) fn told(&self) -> Vec<&'static str> {
        let mut told = Vec::new();
        if self.has_nan {
            told.push("NaN, which is no number in SQLite: it is kept as the text NaN");
        }
        if self.has_negative_zero {
            told.push("negative zeros, which a column REAL does not keep: the column has no type");
        }
        if self.has_large {
            told.push("integers beyond 2⁶³, which SQLite does not have: all are kept as text");
        }
        if self.has_other_text {
            told.push("texts that are no JSON, though the file says so: all are kept as text");
        }
        told
    }
}
