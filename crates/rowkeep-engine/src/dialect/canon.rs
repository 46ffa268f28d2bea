//! Values in a form that compares by itself.

use std::borrow::Cow;

use rowkeep_format::{KeyForm, Value, key};

/// A value in a form whose order and equality are those of the values.
///
/// The variants stand in the order in which engines put values of several kinds: numbers, text, bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canon<'a> {
    /// A number, a moment or a truth value, by its place among the others.
    Place(i128),
    /// Text, or anything else whose bytes compare as it does.
    Bytes(Cow<'a, [u8]>),
    /// Bytes that are no text.
    Blob(Cow<'a, [u8]>),
}

impl<'a> Canon<'a> {
    /// A value whose kind alone says how it compares; nothing for NULL.
    pub fn own(value: Value<'a>) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Integer(integer) => Self::integer(integer),
            Value::Real(bits) => Self::real(f64::from_bits(bits)),
            Value::Text(text) => Self::text(text),
            Value::Blob(bytes) => Canon::Blob(Cow::Borrowed(bytes)),
        })
    }

    /// Text.
    pub fn text(bytes: &'a [u8]) -> Self {
        Canon::Bytes(Cow::Borrowed(bytes))
    }

    /// Text that was made for this.
    pub fn owned_text(bytes: impl Into<Vec<u8>>) -> Self {
        Canon::Bytes(Cow::Owned(bytes.into()))
    }

    /// An integer among integers and reals, exactly.
    pub fn integer(integer: i64) -> Self {
        Self::number(Value::Integer(integer))
    }

    /// A real among integers and reals, exactly; both zeros are one.
    pub fn real(real: f64) -> Self {
        Self::number(Value::Real(real.to_bits()))
    }

    /// The place of a number in keys, without what tells an integer from a real that equals it.
    fn number(value: Value<'_>) -> Self {
        const PLACE: std::ops::Range<usize> = 1..11;
        let mut encoded = Vec::with_capacity(12);
        // A number has no form that it could lack.
        let _always = key::encode_value(KeyForm::Native, value, &mut encoded);
        let place = encoded.get(PLACE).unwrap_or_default();
        Canon::Place(place.iter().fold(0, |place, byte| place << 8 | i128::from(*byte)))
    }

    /// A decimal number of any length, `NaN` or an infinity.
    pub fn decimal(text: &[u8]) -> Option<Canon<'static>> {
        let mut encoded = Vec::with_capacity(text.len() + 8);
        key::encode_value(KeyForm::Decimal, Value::Text(text), &mut encoded).ok()?;
        Some(Canon::owned_text(encoded))
    }

    /// The same value, kept.
    pub fn into_owned(self) -> Canon<'static> {
        match self {
            Canon::Place(place) => Canon::Place(place),
            Canon::Bytes(bytes) => Canon::Bytes(Cow::Owned(bytes.into_owned())),
            Canon::Blob(bytes) => Canon::Blob(Cow::Owned(bytes.into_owned())),
        }
    }
}
