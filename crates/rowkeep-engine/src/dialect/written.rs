//! Values as people write them.

/// A literal of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// Digits, perhaps with sign, point and exponent.
    Number(String),
    /// Text in single quotes.
    Text(String),
    /// `x'0aff'`
    Blob(Vec<u8>),
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPart {
    /// As it stands.
    Bare(String),
    /// In single quotes.
    Quoted(String),
    /// `x'0aff'`
    Blob(Vec<u8>),
}
