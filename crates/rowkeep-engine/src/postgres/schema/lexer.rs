//! SQL as tokens, in PostgreSQL's lexical rules (manual, "Lexical Structure").

use std::borrow::Cow;

/// A piece of SQL that has a meaning; white space and comments have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A keyword or a plain name, as it is written.
    Word(&'a str),
    /// A name in double quotes, with them.
    Quoted(&'a str),
    /// A literal in single quotes or between dollar tags, with them and any prefix.
    Text(&'a str),
    /// Anything else, one character at a time.
    Symbol(char),
}

impl<'a> Token<'a> {
    /// Its text.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self {
            Token::Word(text) | Token::Quoted(text) | Token::Text(text) => Cow::Borrowed(text),
            Token::Symbol(symbol) => Cow::Owned(symbol.to_string()),
        }
    }

    /// How long its text is.
    pub(crate) fn length_bytes(self) -> usize {
        match self {
            Token::Word(text) | Token::Quoted(text) | Token::Text(text) => text.len(),
            Token::Symbol(symbol) => symbol.len_utf8(),
        }
    }

    /// Whether it is a keyword.
    pub(crate) fn is_keyword(self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// What it says as a name, not how it is quoted.
    pub(crate) fn name(self) -> Option<String> {
        match self {
            Token::Word(word) => Some(word.to_lowercase()),
            Token::Quoted(quoted) => Some(quoted.strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\"")),
            _ => None,
        }
    }
}

/// The tokens of a text, each with where it ends.
///
/// Never fails: what is not ended ends with the text.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the token that was last given ends.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let start = self.at;
        self.at = (start + bytes).min(self.text.len());
        &self.text[start..self.at]
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            let comment = &rest[blank..];
            let length = if comment.starts_with("--") {
                comment.find('\n').unwrap_or(comment.len())
            } else if comment.starts_with("/*") {
                block_comment(comment)
            } else {
                self.at += blank;
                return;
            };
            self.at += blank + length;
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let rest = self.rest();
        let first = rest.chars().next()?;
        Some(match first {
            '"' => Token::Quoted(self.take(quoted(rest, '"', false))),
            '\'' => Token::Text(self.take(quoted(rest, '\'', false))),
            '$' => match dollar_quoted(rest) {
                Some(length) => Token::Text(self.take(length)),
                None => Token::Symbol(char_of(self.take(1))),
            },
            'e' | 'E' if rest[1..].starts_with('\'') => {
                Token::Text(self.take(1 + quoted(&rest[1..], '\'', true)))
            }
            'b' | 'B' | 'x' | 'X' | 'n' | 'N' if rest[1..].starts_with('\'') => {
                Token::Text(self.take(1 + quoted(&rest[1..], '\'', false)))
            }
            'u' | 'U' if rest[1..].starts_with("&'") => {
                Token::Text(self.take(2 + quoted(&rest[2..], '\'', false)))
            }
            'u' | 'U' if rest[1..].starts_with("&\"") => {
                Token::Quoted(self.take(2 + quoted(&rest[2..], '"', false)))
            }
            first if starts_word(first) => Token::Word(self.take(word(rest))),
            first => Token::Symbol(char_of(self.take(first.len_utf8()))),
        })
    }
}

fn char_of(text: &str) -> char {
    text.chars().next().unwrap_or(' ')
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn continues_word(c: char) -> bool {
    starts_word(c) || c.is_ascii_digit() || c == '$'
}

fn word(text: &str) -> usize {
    text.find(|c| !continues_word(c)).unwrap_or(text.len())
}

/// The length of a quoted text; a doubled quote is one of its characters.
fn quoted(text: &str, quote: char, backslashes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && backslashes {
            characters.next();
        } else if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a text between dollar tags; nothing when it does not begin with one.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 1;
    let tag = &text[1..tag_end];
    let is_tag = tag.chars().next().is_none_or(starts_word)
        && tag.chars().all(|c| starts_word(c) || c.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let delimiter = &text[..=tag_end];
    let body = &text[delimiter.len()..];
    Some(body.find(delimiter).map_or(text.len(), |at| 2 * delimiter.len() + at))
}

/// The length of a comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}
