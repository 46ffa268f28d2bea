//! Values of SQLite: storage classes, and what a column's affinity does when values are compared.
//!
//! Sections 3 and 4 of SQLite's "Datatypes" page.

use std::borrow::Cow;

use rowkeep_format::Value;

use crate::dialect::{Canon, Reading, Written};
use crate::sqlite::catalog::affinity::Affinity;

/// The affinity of a declared type. `ANY` is taken for that of STRICT tables.
pub(crate) fn affinity_of(type_name: &str) -> Affinity {
    Affinity::of(type_name, true)
}

/// What is done to both sides before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Nothing,
    /// Text that looks like a number becomes one.
    ToNumber,
    /// Numbers become text.
    ToText,
}

impl Conversion {
    /// For a column and a literal.
    pub(crate) fn with_literal(affinity: Affinity) -> Self {
        match affinity {
            Affinity::Text => Self::ToText,
            Affinity::Blob => Self::Nothing,
            Affinity::Integer | Affinity::Real | Affinity::Numeric => Self::ToNumber,
        }
    }

    /// For two columns.
    pub(crate) fn between(left: Affinity, right: Affinity) -> Self {
        if left.is_numeric() || right.is_numeric() { Self::ToNumber } else { Self::Nothing }
    }
}

impl Reading for Conversion {
    fn canon<'v>(&self, value: Value<'v>) -> Option<Canon<'v>> {
        Some(match (value, self) {
            (Value::Integer(_) | Value::Real(_), Conversion::ToText) => {
                Canon::Bytes(text_of(value).unwrap_or_default())
            }
            (Value::Text(text), Conversion::ToNumber) => match number_of(text) {
                Some(Number::Integer(integer)) => Canon::integer(integer),
                Some(Number::Real(real)) => Canon::real(real),
                None => Canon::text(text),
            },
            _ => return Canon::own(value),
        })
    }

    fn literal(&self, written: &Written) -> Result<Option<Canon<'static>>, &'static str> {
        let canon = match written {
            Written::Null => None,
            Written::Boolean(truth) => self.canon(Value::Integer(i64::from(*truth))),
            Written::Number(number) => match number_of(number.as_bytes()) {
                Some(Number::Integer(integer)) => self.canon(Value::Integer(integer)),
                Some(Number::Real(real)) => self.canon(Value::Real(real.to_bits())),
                None => None,
            },
            Written::Text(text) => self.canon(Value::Text(text.as_bytes())),
            Written::Blob(bytes) => self.canon(Value::Blob(bytes)),
        };
        Ok(canon.map(Canon::into_owned))
    }
}

/// A number as SQLite has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Storage class INTEGER.
    Integer(i64),
    /// Storage class REAL.
    Real(f64),
}

/// The number that text looks like, spaces at both ends aside: an integer when it has neither point nor exponent and fits.
pub(crate) fn number_of(text: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust reads `inf` and `nan`, too.
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    text.parse().map(Number::Integer).or_else(|_| text.parse().map(Number::Real)).ok()
}

/// Whether a value is true by itself; unknown for NULL. Text counts by the number that it begins with.
pub(crate) fn truth(value: Value<'_>) -> Option<bool> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(integer) => integer != 0,
        Value::Real(bits) => f64::from_bits(bits) != 0.0,
        Value::Text(text) | Value::Blob(text) => {
            let text = text.trim_ascii_start();
            let text = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
            let mut points = 0;
            let mantissa = text.iter().take_while(|byte| {
                points += u32::from(**byte == b'.');
                byte.is_ascii_digit() || (**byte == b'.' && points == 1)
            });
            mantissa.into_iter().any(|byte| matches!(byte, b'1'..=b'9'))
        }
    })
}

/// A value as the text that LIKE sees; nothing for NULL.
pub(crate) fn text_of(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Null => None,
        Value::Integer(integer) => Some(Cow::Owned(integer.to_string().into_bytes())),
        Value::Real(bits) => Some(Cow::Owned(real_text(f64::from_bits(bits)).into_bytes())),
        Value::Text(bytes) | Value::Blob(bytes) => {
            // LIKE works on C strings.
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            Some(Cow::Borrowed(&bytes[..end]))
        }
    }
}

/// A real as SQLite 3.52 and later print it: the fewest digits that give the same real again, always with a point.
///
/// SQLite does not always find the fewest, so the 16th and 17th digit of some reals differ from its own.
pub(crate) fn real_text(real: f64) -> String {
    const DIGITS: i32 = 17;
    if !real.is_finite() {
        return if real > 0.0 { "Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = format!("{:e}", real.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let sign = if real < 0.0 { "-" } else { "" };
    let or_zero = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    if !(-4..DIGITS).contains(&exponent) {
        let mark = if exponent < 0 { '-' } else { '+' };
        let (first, rest) = digits.split_at(1);
        return format!("{sign}{first}.{}e{mark}{:02}", or_zero(rest), exponent.unsigned_abs());
    }
    let Ok(point) = usize::try_from(exponent + 1) else {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    };
    if point == 0 {
        return format!("{sign}0.{digits}");
    }
    let padded = format!("{digits:0<point$}");
    let (whole, fraction) = padded.split_at(point);
    format!("{sign}{whole}.{}", or_zero(fraction))
}
