//! The tokens of a statement of MySQL.

use std::borrow::Cow;

use super::signs::{conditional, is_word};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// A keyword, or a name without quotes.
    Word(&'a str),
    /// A name in backquotes.
    Name(String),
    /// Text in quotes, without its escapes.
    Text(Cow<'a, [u8]>),
    /// A number without a sign.
    Number(&'a str),
    /// Bytes in hexadecimal digits or bits: `0x00ff`, `x'00ff'`, `b'0101'`.
    Bytes(Vec<u8>),
    /// Anything else.
    Symbol(u8),
}

impl Token<'_> {
    /// Whether it is a keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Reads tokens one by one.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token begins, or blanks before it.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Takes a token; nothing at the end.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.blanks();
        let rest = &self.text[self.at..];
        let (token, length) = match rest {
            [] => return None,
            [b'`', ..] => self.name(rest),
            [quote @ (b'\'' | b'"'), ..] => text(rest, *quote, 1),
            [b'x' | b'X' | b'b' | b'B' | b'n' | b'N', b'\'', ..] => marked(rest),
            [b'0', b'x', after, ..] if after.is_ascii_hexdigit() => digits(rest, 2, hexadecimal),
            [b'0', b'b', b'0' | b'1', ..] => digits(rest, 2, bits),
            [first, ..] if first.is_ascii_digit() => number(rest),
            [b'.', first, ..] if first.is_ascii_digit() => number(rest),
            [first, ..] if is_word(*first) => {
                let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                let word = std::str::from_utf8(&rest[..length]);
                (word.map_or(Token::Symbol(*first), Token::Word), length)
            }
            [first, ..] => (Token::Symbol(*first), 1),
        };
        self.at += length;
        Some(token)
    }

    /// Goes past blanks, comments, and the marks of comments that are code.
    fn blanks(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = match rest {
                [byte, ..] if byte.is_ascii_whitespace() => 1,
                [b'#', ..] => line(rest),
                [b'-', b'-'] => 2,
                [b'-', b'-', after, ..] if after.is_ascii_whitespace() || after.is_ascii_control() => {
                    line(rest)
                }
                [b'*', b'/', ..] => 2,
                [b'/', b'*', ..] => conditional(rest)
                    .unwrap_or_else(|| memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2)),
                _ => return,
            };
            self.at += length;
        }
    }

    fn name(&self, rest: &'a [u8]) -> (Token<'a>, usize) {
        let mut name = Vec::new();
        let mut at = 1;
        loop {
            let end = memchr::memchr(b'`', &rest[at..]).map_or(rest.len(), |end| at + end);
            name.extend_from_slice(&rest[at..end]);
            at = (end + 1).min(rest.len());
            if rest.get(at) != Some(&b'`') {
                return (Token::Name(String::from_utf8_lossy(&name).into_owned()), at);
            }
            name.push(b'`');
            at += 1;
        }
    }
}

fn line(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
}

/// Text in quotes that begins at a place; gives how long it is with what stands before.
fn text(rest: &[u8], quote: u8, from: usize) -> (Token<'_>, usize) {
    let first = memchr::memchr2(quote, b'\\', &rest[from..]).map_or(rest.len(), |found| from + found);
    if rest.get(first) != Some(&b'\\') && rest.get(first + 1) != Some(&quote) {
        return (Token::Text(Cow::Borrowed(&rest[from..first])), (first + 1).min(rest.len()));
    }
    let mut content = rest[from..first].to_vec();
    let mut at = first;
    while at < rest.len() {
        match rest[at] {
            b'\\' => {
                escape(rest.get(at + 1).copied(), &mut content);
                at += 2;
            }
            byte if byte == quote && rest.get(at + 1) == Some(&quote) => {
                content.push(quote);
                at += 2;
            }
            byte if byte == quote => {
                at += 1;
                break;
            }
            _ => {
                let plain = memchr::memchr2(quote, b'\\', &rest[at..]).map_or(rest.len(), |found| at + found);
                content.extend_from_slice(&rest[at..plain]);
                at = plain;
            }
        }
    }
    (Token::Text(Cow::Owned(content)), at.min(rest.len()))
}

/// What a backslash makes of the byte behind it (MySQL's manual, "String Literals").
fn escape(byte: Option<u8>, into: &mut Vec<u8>) {
    match byte {
        Some(b'0') => into.push(0),
        Some(b'b') => into.push(8),
        Some(b'n') => into.push(b'\n'),
        Some(b'r') => into.push(b'\r'),
        Some(b't') => into.push(b'\t'),
        Some(b'Z') => into.push(0x1a),
        // For patterns, which see the backslash.
        Some(wildcard @ (b'%' | b'_')) => into.extend([b'\\', wildcard]),
        Some(other) => into.push(other),
        None => {}
    }
}

/// `x'00ff'`, `b'01'`, `n'text'`.
fn marked(rest: &[u8]) -> (Token<'_>, usize) {
    let (token, length) = text(rest, b'\'', 2);
    let Token::Text(content) = &token else { return (token, length) };
    let bytes = match rest[0] {
        b'x' | b'X' => hexadecimal(content),
        b'b' | b'B' => bits(content),
        _ => return (token, length),
    };
    (bytes.map_or(Token::Symbol(rest[0]), Token::Bytes), length)
}

fn digits(rest: &[u8], from: usize, read: impl Fn(&[u8]) -> Option<Vec<u8>>) -> (Token<'_>, usize) {
    let end =
        rest[from..].iter().position(|byte| !byte.is_ascii_hexdigit()).map_or(rest.len(), |end| from + end);
    (read(&rest[from..end]).map_or(Token::Symbol(b'0'), Token::Bytes), end)
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    match digits.len().is_multiple_of(2) {
        true => hex::decode(digits).ok(),
        false => hex::decode([b"0", digits].concat()).ok(),
    }
}

fn bits(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0u8; digits.len().div_ceil(8)];
    for (at, digit) in digits.iter().rev().enumerate() {
        let place = bytes.len() - 1 - at / 8;
        match digit {
            b'0' => {}
            b'1' => bytes[place] |= 1 << (at % 8),
            _ => return None,
        }
    }
    Some(bytes)
}

fn number(rest: &[u8]) -> (Token<'_>, usize) {
    let mut end = 0;
    while let Some(byte) = rest.get(end) {
        let is_sign_of_exponent = matches!(byte, b'+' | b'-') && matches!(rest[end - 1], b'e' | b'E');
        if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || (end > 0 && is_sign_of_exponent))
        {
            break;
        }
        end += 1;
    }
    (std::str::from_utf8(&rest[..end]).map_or(Token::Symbol(rest[0]), Token::Number), end.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_the_server_reads() {
        let sql = b"/*!40101 SELECT */ `a``b` 'it''s \\'x\\' \\0\\Z\\%\\q' \"d\" -1.5e-3 0x0aF x'00ff' b'101' _binary 'y' /* c */ N'z' -- w\n;";
        let mut lexer = Lexer::new(sql);
        let mut found = Vec::new();
        while let Some(token) = lexer.next() {
            found.push(token);
        }
        let text = |text: &'static [u8]| Token::Text(Cow::Borrowed(text));
        let expected = [
            Token::Word("SELECT"),
            Token::Name("a`b".into()),
            text(b"it's 'x' \0\x1a\\%q"),
            text(b"d"),
            Token::Symbol(b'-'),
            Token::Number("1.5e-3"),
            Token::Bytes(vec![0, 0xaf]),
            Token::Bytes(vec![0, 0xff]),
            Token::Bytes(vec![5]),
            Token::Word("_binary"),
            text(b"y"),
            text(b"z"),
            Token::Symbol(b';'),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_that_is_cut_off_panics() {
        let sql = b"/*!4 `a``b` 'it''s \\'\\0' \"d\\\" 1.5e- 0x0a x'00f' b'12' /* c";
        for end in 0..=sql.len() {
            let mut lexer = Lexer::new(&sql[..end]);
            while lexer.next().is_some() {}
            assert_eq!(lexer.at(), end);
        }
    }
}
