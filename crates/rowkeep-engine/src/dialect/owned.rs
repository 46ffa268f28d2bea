use rowkeep_format::Value;

/// A value by itself, other than NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum OwnedValue {
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// Text, which need not be UTF-8.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl OwnedValue {
    /// A value that stands in a row; nothing for NULL.
    pub fn of(value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Integer(integer) => OwnedValue::Integer(integer),
            Value::Real(bits) => OwnedValue::Real(f64::from_bits(bits)),
            Value::Text(text) => OwnedValue::Text(text.to_vec()),
            Value::Blob(bytes) => OwnedValue::Blob(bytes.to_vec()),
        })
    }

    /// The value as it stands in a row.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            OwnedValue::Integer(integer) => Value::Integer(*integer),
            OwnedValue::Real(real) => Value::Real(real.to_bits()),
            OwnedValue::Text(text) => Value::Text(text),
            OwnedValue::Blob(bytes) => Value::Blob(bytes),
        }
    }
}
