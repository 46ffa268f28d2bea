//! Values in a form that compares by itself.

use std::borrow::Cow;

use rowkeep_format::{KeyForm, Value, key};

/// A value in a form whose order and equality are those of the values.
///
/// The variants stand in the order of SQLite's storage classes: numbers, text, blobs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Canon<'a> {
    /// A number, a moment or a truth value, by its place among the others.
    Place(i128),
    /// Text, or anything else whose bytes compare as it does.
    Bytes(Cow<'a, [u8]>),
    /// A blob of SQLite.
    Blob(Cow<'a, [u8]>),
}

impl<'a> Canon<'a> {
    pub(super) fn text(bytes: &'a [u8]) -> Self {
        Canon::Bytes(Cow::Borrowed(bytes))
    }

    pub(super) fn owned_text(bytes: impl Into<Vec<u8>>) -> Self {
        Canon::Bytes(Cow::Owned(bytes.into()))
    }

    /// An integer among integers and reals, exactly.
    pub(super) fn integer(integer: i64) -> Self {
        Self::number(Value::Integer(integer))
    }

    /// A real among integers and reals, exactly; both zeros are one.
    pub(super) fn real(real: f64) -> Self {
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
    pub(super) fn decimal(text: &[u8]) -> Option<Canon<'static>> {
        let mut encoded = Vec::with_capacity(text.len() + 8);
        key::encode_value(KeyForm::Decimal, Value::Text(text), &mut encoded).ok()?;
        Some(Canon::owned_text(encoded))
    }

    /// The same value, kept.
    pub(super) fn into_owned(self) -> Canon<'static> {
        match self {
            Canon::Place(place) => Canon::Place(place),
            Canon::Bytes(bytes) => Canon::Bytes(Cow::Owned(bytes.into_owned())),
            Canon::Blob(bytes) => Canon::Blob(Cow::Owned(bytes.into_owned())),
        }
    }
}
