//! Statements with bytes that stand for no character of the database's encoding.

use std::fmt::Write as _;

use super::lexer::{Token, Tokens};
use crate::postgres::copy_text::charset::Charset;

/// A statement in which literals have such bytes as escapes: the connection could not carry the characters that stand in for them.
pub(crate) fn escaped(sql: &str, charset: &Charset) -> String {
    let has_some = |text: &str| text.chars().any(|c| charset.stood_in_for(c).is_some());
    if !has_some(sql) {
        return sql.to_owned();
    }
    let (mut out, mut done) = (String::with_capacity(sql.len()), 0);
    let mut tokens = Tokens::new(sql);
    while let Some(token) = tokens.next() {
        let Some(text) = literal(token).filter(|text| has_some(text)) else { continue };
        out.push_str(&sql[done..tokens.end() - token.length_bytes()]);
        out.push_str("E'");
        for character in text.chars() {
            match charset.stood_in_for(character) {
                Some(byte) => {
                    let _ = write!(out, "\\x{byte:02x}");
                }
                None if matches!(character, '\'' | '\\') => out.extend([character, character]),
                None => out.push(character),
            }
        }
        out.push('\'');
        done = tokens.end();
    }
    out + &sql[done..]
}

/// What a plain literal, or one between dollar tags, says.
fn literal(token: Token<'_>) -> Option<String> {
    let Token::Text(text) = token else { return None };
    if let Some(plain) = text.strip_prefix('\'') {
        return Some(plain.strip_suffix('\'')?.replace("''", "'"));
    }
    let tag = text.strip_prefix('$').and_then(|rest| rest.find('$'))? + 2;
    Some(text.get(tag..text.len() - tag)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_alone_have_escapes_where_they_need_them() {
        let charset = Charset::of("WIN1252").expect("it is known");
        for (sql, expected) in [
            ("SELECT 'é', $$a$$", "SELECT 'é', $$a$$"),
            ("SELECT 'a''\\é\u{81}', 'b';", r"SELECT E'a''\\é\x81', 'b';"),
            ("AS $_$x'\u{9d}$_$;", r"AS E'x''\x9d';"),
            ("SELECT \"\u{81}\"", "SELECT \"\u{81}\""),
        ] {
            assert_eq!(escaped(sql, charset), expected);
        }
    }
}
