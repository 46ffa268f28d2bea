//! Walking through a statement of MySQL.

use super::lexer::{Lexer, Token};

/// More tokens than a definition has: an `ENUM` of 65,535 values, or 8,192 partitions.
const MOST_TOKENS: usize = 400_000;

/// A token, and where it is in the statement.
#[derive(Debug, Clone)]
struct Placed<'a> {
    token: Token<'a>,
    from: usize,
    to: usize,
}

/// A place in a statement, and what comes next.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    tokens: Vec<Placed<'a>>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The whole of a definition; nothing where it has more tokens than one can have.
    pub(super) fn whole(text: &'a [u8]) -> Option<Self> {
        let cursor = Self::first(text, MOST_TOKENS + 1);
        (cursor.tokens.len() <= MOST_TOKENS).then_some(cursor)
    }

    #[cfg(test)]
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self::whole(text).expect("it is not too long")
    }

    /// So many tokens of a statement, of which there may be very many.
    pub(super) fn first(text: &'a [u8], most: usize) -> Self {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        while tokens.len() < most {
            let Some(token) = lexer.next() else { break };
            let to = lexer.at();
            tokens.push(Placed { token, from: tokens.last().map_or(0, |last: &Placed<'_>| last.to), to });
        }
        Self { text, tokens, at: 0 }
    }

    /// The next token.
    pub(super) fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    /// Takes the next token, whatever it is.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether these keywords come next.
    pub(super) fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| {
            self.tokens.get(self.at + offset).is_some_and(|placed| placed.token.is(word))
        })
    }

    /// Goes past these keywords, if they come next.
    pub(super) fn takes(&mut self, words: &[&str]) -> bool {
        let sees = self.sees(words);
        if sees {
            self.at += words.len();
        }
        sees
    }

    pub(super) fn sees_symbol(&self, symbol: u8) -> bool {
        self.peek() == Some(&Token::Symbol(symbol))
    }

    pub(super) fn takes_symbol(&mut self, symbol: u8) -> bool {
        let sees = self.sees_symbol(symbol);
        self.at += usize::from(sees);
        sees
    }

    /// Whether a name in quotes comes next, which is no keyword.
    pub(super) fn sees_quoted_name(&self) -> bool {
        matches!(self.peek(), Some(Token::Name(_)))
    }

    /// Takes a name.
    pub(super) fn name(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Token::Word(word) => (*word).to_owned(),
            Token::Name(name) => name.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    /// Takes the name of a table, with that of its database if it has one.
    pub(super) fn qualified(&mut self) -> Option<(Option<String>, String)> {
        let first = self.name()?;
        if self.takes_symbol(b'.') { Some((Some(first), self.name()?)) } else { Some((None, first)) }
    }

    /// Takes a text in quotes.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let Token::Text(text) = self.peek()? else { return None };
        let text = String::from_utf8_lossy(text).into_owned();
        self.at += 1;
        Some(text)
    }

    /// Takes what stands in parentheses, divided at its commas.
    pub(super) fn list(&mut self) -> Option<Vec<Cursor<'a>>> {
        if !self.takes_symbol(b'(') {
            return None;
        }
        let parts = self.parts();
        self.takes_symbol(b')').then_some(parts)
    }

    /// Takes all up to the end, or to a parenthesis that closes what was opened before, divided at commas.
    pub(super) fn parts(&mut self) -> Vec<Cursor<'a>> {
        let (mut parts, mut from, mut depth) = (Vec::new(), self.at, 0u32);
        while let Some(token) = self.peek() {
            match token {
                Token::Symbol(b'(') => depth += 1,
                Token::Symbol(b')') if depth == 0 => break,
                Token::Symbol(b')') => depth -= 1,
                Token::Symbol(b',') if depth == 0 => {
                    parts.push(self.part(from));
                    from = self.at + 1;
                }
                _ => {}
            }
            self.at += 1;
        }
        if from < self.at {
            parts.push(self.part(from));
        }
        parts
    }

    fn part(&self, from: usize) -> Cursor<'a> {
        Cursor { text: self.text, tokens: self.tokens[from..self.at].to_vec(), at: 0 }
    }

    /// Goes past an expression in parentheses, if one comes next; gives it with them, in one line.
    pub(super) fn parenthesised(&mut self) -> Option<String> {
        let from = self.at;
        self.list()?;
        Some(self.source(from, self.at))
    }

    /// The rest of the statement, in one line.
    pub(super) fn rest(&self) -> String {
        self.source(self.at, self.tokens.len())
    }

    fn source(&self, from: usize, to: usize) -> String {
        let place = |at: usize| self.tokens.get(at);
        let (Some(first), Some(last)) = (place(from), place(to.saturating_sub(1))) else {
            return String::new();
        };
        let text = self.text.get(first.from..last.to).unwrap_or_default();
        String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_divided_at_their_own_commas() {
        let mut cursor = Cursor::new(
            b"CREATE TABLE `a`.t (x enum('a,b', 'c)'), y int AS ((1 + 2) * f(3, 4)), z) ENGINE=x",
        );
        assert!(cursor.takes(&["create", "table"]));
        assert_eq!(cursor.qualified(), Some((Some("a".into()), "t".into())));
        let parts = cursor.list().expect("a list");
        let texts: Vec<String> = parts.iter().map(Cursor::rest).collect();
        assert_eq!(texts, ["x enum('a,b', 'c)')", "y int AS ((1 + 2) * f(3, 4))", "z"]);
        assert_eq!(cursor.rest(), "ENGINE=x");
        assert!(Cursor::new(b"(a, b").list().is_none());
        assert!(Cursor::whole("(,".repeat(MOST_TOKENS / 2).as_bytes()).is_some());
        assert!(Cursor::whole("a,".repeat(MOST_TOKENS / 2 + 1).as_bytes()).is_none());
    }
}
