//! Walking through one statement.

use rowkeep_format::TableName;

use super::lexer::{Token, Tokens};

/// A place in a statement of `pg_dump`, and what comes next.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<(Token<'a>, usize)>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(sql: &'a str) -> Self {
        let mut lexer = Tokens::new(sql);
        let mut tokens = Vec::new();
        while let Some(token) = lexer.next() {
            tokens.push((token, lexer.end()));
        }
        Self { sql, tokens, at: 0 }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(token, _)| *token)
    }

    /// Whether nothing but a semicolon is left.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.peek(), None | Some(Token::Symbol(';')))
    }

    /// Whether these keywords come next.
    pub(crate) fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| {
            self.tokens.get(self.at + offset).is_some_and(|(token, _)| token.is_keyword(word))
        })
    }

    /// Goes past these keywords, if they come next.
    pub(crate) fn takes(&mut self, words: &[&str]) -> bool {
        let sees = self.sees(words);
        if sees {
            self.at += words.len();
        }
        sees
    }

    /// Goes past a symbol, if it comes next.
    pub(crate) fn takes_symbol(&mut self, symbol: char) -> bool {
        let is_next = self.peek() == Some(Token::Symbol(symbol));
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes a name.
    pub(crate) fn name(&mut self) -> Option<String> {
        let name = self.peek()?.name()?;
        self.at += 1;
        Some(name)
    }

    /// Takes a name with or without its schema.
    pub(crate) fn qualified(&mut self) -> Option<TableName> {
        let first = self.name()?;
        if self.takes_symbol('.') {
            return Some(TableName::qualified(first, self.name()?));
        }
        Some(TableName::plain(first))
    }

    /// Takes names in parentheses; nothing when there is anything else in them.
    pub(crate) fn names(&mut self) -> Option<Vec<String>> {
        if !self.takes_symbol('(') {
            return None;
        }
        let mut names = vec![self.name()?];
        while self.takes_symbol(',') {
            names.push(self.name()?);
        }
        self.takes_symbol(')').then_some(names)
    }

    /// Takes a literal in single quotes, and says what it stands for.
    pub(crate) fn literal(&mut self) -> Option<String> {
        let Token::Text(text) = self.peek()? else { return None };
        let value = match text.strip_prefix(['E', 'e']) {
            Some(escaped) => unescaped(escaped)?,
            None => text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"),
        };
        self.at += 1;
        Some(value)
    }

    /// Takes one token, or all between parentheses or brackets with them; false at the end.
    pub(crate) fn skip(&mut self) -> bool {
        let mut depth = 0;
        loop {
            match self.peek() {
                None => return depth > 0,
                Some(Token::Symbol('(' | '[')) => depth += 1,
                Some(Token::Symbol(')' | ']')) => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
            if depth <= 0 {
                return true;
            }
        }
    }

    /// Takes everything until `stop` holds, outside parentheses, and gives its text.
    pub(crate) fn until(&mut self, stop: impl Fn(&Self) -> bool) -> &'a str {
        let begins = self.at;
        while !self.is_done() && !stop(self) && self.skip() {}
        self.text(begins)
    }

    /// What was passed since an earlier place.
    pub(crate) fn since(&self, earlier: &Self) -> &'a str {
        self.text(earlier.at)
    }

    /// Whether a symbol comes next.
    pub(crate) fn sees_symbol(&self, symbol: char) -> bool {
        self.peek() == Some(Token::Symbol(symbol))
    }

    /// The texts between the commas of a list in parentheses.
    pub(crate) fn list(&mut self) -> Option<Vec<&'a str>> {
        if !self.takes_symbol('(') {
            return None;
        }
        let mut parts = Vec::new();
        while !self.takes_symbol(')') {
            let part = self.until(|cursor| cursor.sees_symbol(',') || cursor.sees_symbol(')'));
            if !part.is_empty() {
                parts.push(part);
            } else if !self.sees_symbol(',') && !self.sees_symbol(')') {
                return None;
            }
            self.takes_symbol(',');
        }
        Some(parts)
    }

    /// The text from a token on to the one that comes next.
    fn text(&self, begins: usize) -> &'a str {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |(_, end)| *end);
        let start = self.tokens.get(begins).map_or(end, |(token, end)| end - token.length_bytes());
        self.sql.get(start..end.max(start)).unwrap_or_default().trim()
    }
}

/// What a literal with backslashes stands for, of the escapes that `pg_dump` writes.
fn unescaped(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                '\\' => out.push('\\'),
                '\'' => out.push('\''),
                _ => return None,
            },
            '\'' => out.extend(characters.next()),
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_walked() {
        let mut cursor =
            Cursor::new("CREATE TABLE s.\"a \"\"b\" ( x integer, y text DEFAULT ('a,)'), \"z\" int[] );");
        assert!(cursor.takes(&["create", "table"]));
        assert_eq!(cursor.qualified(), Some(TableName::qualified("s", "a \"b")));
        let parts = cursor.list().expect("there is a list");
        assert_eq!(parts, ["x integer", "y text DEFAULT ('a,)')", "\"z\" int[]"]);
        assert!(cursor.is_done());
        let mut cursor = Cursor::new("(a, \"B\") E'it\\\\s ''x''' 'y''z'");
        assert_eq!(cursor.names(), Some(vec!["a".to_owned(), "B".to_owned()]));
        assert_eq!(cursor.literal().as_deref(), Some("it\\s 'x'"));
        assert_eq!(cursor.literal().as_deref(), Some("y'z"));
        assert_eq!(Cursor::new("(lower(a))").names(), None);
        assert_eq!(Cursor::new("(a").list(), None);
    }
}
