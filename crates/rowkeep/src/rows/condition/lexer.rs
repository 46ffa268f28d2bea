//! The words of a condition.

use crate::error::ConditionError;
use crate::quotes::quoted;

/// A word, and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

/// What kind of word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    /// Text in single quotes.
    Text(String),
    /// `x'...'`
    Blob(Vec<u8>),
    /// A number without sign.
    Number(String),
    /// Anything else, one or two characters.
    Symbol(&'static str),
    /// The end of the condition.
    End,
}

const SYMBOLS: [&str; 15] = ["<>", "!=", "<=", ">=", "==", "=", "<", ">", "(", ")", ",", "-", "+", ".", ";"];

/// Cuts a condition into words; the last is always [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ConditionError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = token(text, at, first)?;
        tokens.push(Token { kind, at });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, at: text.len() });
    Ok(tokens)
}

fn token(text: &str, at: usize, first: char) -> Result<(Kind, usize), ConditionError> {
    let rest = &text[at..];
    let quoted = |from: usize, quote: char| {
        let unended =
            || ConditionError::new(text, at, format!("there is no {quote} that ends what begins here"));
        quoted(&rest[from..], quote).map(|(inner, length)| (inner, from + length)).ok_or_else(unended)
    };
    match first {
        '\'' => quoted(0, '\'').map(|(inner, length)| (Kind::Text(inner), length)),
        '"' => quoted(0, '"').map(|(inner, length)| (Kind::Quoted(inner), length)),
        'x' | 'X' if rest[1..].starts_with('\'') => {
            let (digits, length) = quoted(1, '\'')?;
            let blob = hex::decode(&digits).map_err(|_| {
                ConditionError::new(text, at, "expected an even number of hexadecimal digits after x")
            })?;
            Ok((Kind::Blob(blob), length))
        }
        '0'..='9' => number(text, at),
        '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(text, at),
        _ if first.is_alphabetic() || first == '_' => {
            let part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
            let length = rest.find(|character| !part(character)).unwrap_or(rest.len());
            Ok((Kind::Word(rest[..length].to_owned()), length))
        }
        _ => match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            Some(symbol) => Ok((Kind::Symbol(symbol), symbol.len())),
            None => Err(ConditionError::new(text, at, format!("{first:?} means nothing in a condition"))),
        },
    }
}

fn number(text: &str, at: usize) -> Result<(Kind, usize), ConditionError> {
    let bytes = &text.as_bytes()[at..];
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits((length + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let rest = &text[at + length..];
    if rest.starts_with(|next: char| next.is_alphanumeric() || next == '_') {
        return Err(ConditionError::new(text, at, "expected a number, or text in single quotes"));
    }
    Ok((Kind::Number(text[at..at + length].to_owned()), length))
}
