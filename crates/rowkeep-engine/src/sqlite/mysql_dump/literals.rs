//! Values of MySQL as SQLite keeps them.

use std::borrow::Cow;

use rowkeep_format::Value;

use super::cursor::Cursor;
use super::lexer::{Lexer, Token};
use super::types::{Kind, Type};
use crate::sqlite::literal;

/// A value as a statement writes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal<'a> {
    Null,
    /// Left to what the column is without a value.
    Default,
    Number(String),
    Text(Cow<'a, [u8]>),
    Bytes(Vec<u8>),
    Truth(bool),
}

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, [u8]>),
    Blob(Cow<'a, [u8]>),
}

impl Stored<'_> {
    /// The same for whoever binds it.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Stored::Null => Value::Null,
            Stored::Integer(integer) => Value::Integer(*integer),
            Stored::Real(real) => Value::Real(real.to_bits()),
            Stored::Text(text) => Value::Text(text),
            Stored::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// Takes a value whose first token is given.
pub(super) fn literal<'a>(first: Token<'a>, lexer: &mut Lexer<'a>) -> Result<Literal<'a>, &'static str> {
    const OTHER: &str = "a value is an expression, and only plain values are read";
    let signed = |sign: &str, lexer: &mut Lexer<'a>| match lexer.next() {
        Some(Token::Number(digits)) => Ok(Literal::Number(format!("{sign}{digits}"))),
        _ => Err(OTHER),
    };
    match first {
        Token::Number(digits) => Ok(Literal::Number(digits.to_owned())),
        Token::Symbol(b'-') => signed("-", lexer),
        Token::Symbol(b'+') => signed("", lexer),
        Token::Text(text) => Ok(Literal::Text(text)),
        Token::Bytes(bytes) => Ok(Literal::Bytes(bytes)),
        Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
        Token::Word(word) if word.eq_ignore_ascii_case("default") => Ok(Literal::Default),
        Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Truth(true)),
        Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Truth(false)),
        // The character set of what follows: `_binary 'a'`.
        Token::Word(word) if word.starts_with('_') => match lexer.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Bytes(bytes)) => Ok(Literal::Bytes(bytes)),
            _ => Err(OTHER),
        },
        _ => Err(OTHER),
    }
}

/// Makes of a value what a column keeps.
pub(super) fn stored(literal: Literal<'_>, kind: Kind) -> Result<Stored<'_>, &'static str> {
    let literal = match literal {
        Literal::Null => return Ok(Stored::Null),
        Literal::Default => return Err("a value is DEFAULT, which is not read"),
        Literal::Truth(truth) => Literal::Number(u8::from(truth).to_string()),
        other => other,
    };
    match kind {
        Kind::Integer | Kind::Unsigned | Kind::Bits => whole(&literal, kind),
        Kind::Real => {
            let digits = text_of(literal)?;
            let real = std::str::from_utf8(&digits).ok().and_then(|digits| digits.trim().parse().ok());
            real.map(Stored::Real).ok_or("a value of a column of numbers is none")
        }
        Kind::Text => {
            let text = text_of(literal)?;
            match std::str::from_utf8(&text) {
                Ok(_) => Ok(Stored::Text(text)),
                Err(_) => Err("a text is not in UTF-8; make the dump with --default-character-set=utf8mb4"),
            }
        }
        Kind::Blob => text_of(literal).map(Stored::Blob),
    }
}

fn text_of(literal: Literal<'_>) -> Result<Cow<'_, [u8]>, &'static str> {
    match literal {
        Literal::Number(digits) => Ok(Cow::Owned(digits.into_bytes())),
        Literal::Text(text) => Ok(text),
        Literal::Bytes(bytes) => Ok(Cow::Owned(bytes)),
        Literal::Null | Literal::Default | Literal::Truth(_) => {
            Err("a value is of another kind than its column")
        }
    }
}

/// An integer; one that is larger than SQLite keeps is text.
fn whole<'a>(literal: &Literal<'_>, kind: Kind) -> Result<Stored<'a>, &'static str> {
    const WRONG: &str = "a value of a column of integers is none";
    let bytes = match literal {
        Literal::Bytes(bytes) => Some(bytes.as_slice()),
        Literal::Text(text) if kind == Kind::Bits => Some(text.as_ref()),
        _ => None,
    };
    if let Some(bytes) = bytes {
        let first = bytes.len().saturating_sub(8);
        if bytes[..first].iter().any(|byte| *byte != 0) {
            return Err(WRONG);
        }
        let value = bytes[first..].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        return Ok(unsigned(value));
    }
    let digits = match literal {
        Literal::Number(digits) => digits.as_str(),
        Literal::Text(text) => std::str::from_utf8(text).map_err(|_| WRONG)?.trim(),
        _ => return Err(WRONG),
    };
    match (digits.parse::<i64>(), digits.parse::<u64>()) {
        (Ok(value), _) => Ok(Stored::Integer(value)),
        (_, Ok(value)) => Ok(unsigned(value)),
        _ => Err(WRONG),
    }
}

fn unsigned<'a>(value: u64) -> Stored<'a> {
    match i64::try_from(value) {
        Ok(value) => Stored::Integer(value),
        Err(_) => Stored::Text(Cow::Owned(value.to_string().into_bytes())),
    }
}

/// Takes a plain value behind `DEFAULT` as SQL for SQLite: none for NULL, nothing at all for what is no such value.
pub(super) fn default_of(cursor: &mut Cursor<'_>, of: &Type) -> Option<Option<String>> {
    let negative = cursor.takes_symbol(b'-');
    let literal = match cursor.next()? {
        Token::Number(digits) if negative => Literal::Number(format!("-{digits}")),
        _ if negative => return None,
        Token::Word(word) if word.starts_with('_') => match cursor.next()? {
            Token::Text(text) => Literal::Text(text),
            Token::Bytes(bytes) => Literal::Bytes(bytes),
            _ => return None,
        },
        first => literal(first, &mut Lexer::new(b"")).ok()?,
    };
    let stored = stored(literal, of.kind).ok()?;
    if stored == Stored::Null {
        return Some(None);
    }
    let mut sql = Vec::new();
    literal::value(stored.value(), None, &mut sql);
    let sql = String::from_utf8(sql).ok()?;
    // Only signs and literals stand without parentheses.
    Some(Some(if sql.starts_with("CAST") { format!("({sql})") } else { sql }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &'static str, kind: Kind) -> Result<Stored<'static>, &'static str> {
        let mut lexer = Lexer::new(sql.as_bytes());
        let first = lexer.next().expect("a token");
        stored(literal(first, &mut lexer)?, kind)
    }

    #[test]
    fn values_are_kept() {
        let text = |text: &'static [u8]| Ok(Stored::Text(Cow::Borrowed(text)));
        let blob = |bytes: &'static [u8]| Ok(Stored::Blob(Cow::Borrowed(bytes)));
        for (sql, kind, expected) in [
            ("NULL", Kind::Text, Ok(Stored::Null)),
            ("-9223372036854775808", Kind::Integer, Ok(Stored::Integer(i64::MIN))),
            ("'007'", Kind::Integer, Ok(Stored::Integer(7))),
            ("TRUE", Kind::Integer, Ok(Stored::Integer(1))),
            ("18446744073709551615", Kind::Unsigned, text(b"18446744073709551615")),
            ("1e300", Kind::Real, Ok(Stored::Real(1e300))),
            ("1.50", Kind::Text, text(b"1.50")),
            ("'\\0\\'é'", Kind::Text, text("\0'é".as_bytes())),
            ("b'101'", Kind::Bits, Ok(Stored::Integer(5))),
            ("'\\0\u{15}'", Kind::Bits, Ok(Stored::Integer(21))),
            ("0xFFFFFFFFFFFFFFFF", Kind::Bits, text(b"18446744073709551615")),
            ("_binary 'a\\Z'", Kind::Blob, blob(b"a\x1a")),
            ("0x00ff", Kind::Blob, blob(b"\0\xff")),
            ("''", Kind::Blob, blob(b"")),
        ] {
            assert_eq!(read(sql, kind), expected, "{sql}");
        }
        for (sql, kind) in
            [("now()", Kind::Text), ("1.5", Kind::Integer), ("'x'", Kind::Real), ("0xff", Kind::Text)]
        {
            assert!(read(sql, kind).is_err(), "{sql}");
        }
    }
}
