//! What `SET` sets.

use super::lexer::{Lexer, Token};

/// More tokens than a `SET` of a dump has.
const MOST_TOKENS: usize = 10_000;

/// A variable, and what it becomes.
#[derive(Debug, PartialEq)]
pub(super) struct Assignment<'a> {
    to: Vec<Token<'a>>,
    pub(super) value: Vec<Token<'a>>,
}

impl<'a> Assignment<'a> {
    /// Those of a statement; none where it is no `SET`.
    pub(super) fn all(text: &'a [u8]) -> Vec<Self> {
        let mut lexer = Lexer::new(text);
        let mut all = Vec::new();
        if !lexer.next().is_some_and(|first| first.is("set")) {
            return all;
        }
        let (mut to, mut value, mut is_value, mut depth) = (Vec::new(), Vec::new(), false, 0u32);
        for _ in 0..MOST_TOKENS {
            let Some(token) = lexer.next() else { break };
            match token {
                Token::Symbol(b',') if depth == 0 => {
                    all.push(Self { to: std::mem::take(&mut to), value: std::mem::take(&mut value) });
                    is_value = false;
                    continue;
                }
                Token::Symbol(b'(') => depth += 1,
                Token::Symbol(b')') => depth = depth.saturating_sub(1),
                Token::Symbol(b'=') if !is_value => {
                    is_value = true;
                    continue;
                }
                Token::Symbol(b':') if !is_value => continue,
                _ => {}
            }
            if is_value { value.push(token) } else { to.push(token) }
        }
        all.push(Self { to, value });
        all
    }

    /// Whether it sets a variable of the server for this session.
    pub(super) fn is_of(&self, variable: &str) -> bool {
        let is_elsewhere = self.to.iter().any(|token| token.is("global") || token.is("persist"));
        !is_elsewhere && user_variable(&self.to).is_none() && is_variable(&self.to, variable)
    }

    /// The variable of the script's own that it sets: `@old`.
    pub(super) fn own_variable(&self) -> Option<String> {
        user_variable(&self.to)
    }

    /// The variable of the script's own that the value is.
    pub(super) fn own_value(&self) -> Option<String> {
        user_variable(&self.value)
    }

    /// Whether the value is that of a variable of the server: `@@sql_mode`.
    pub(super) fn has_value_of(&self, variable: &str) -> bool {
        self.value.starts_with(&[Token::Symbol(b'@'), Token::Symbol(b'@')])
            && is_variable(&self.value, variable)
    }
}

fn user_variable(tokens: &[Token<'_>]) -> Option<String> {
    match tokens {
        [Token::Symbol(b'@'), Token::Word(name)] => Some(name.to_lowercase()),
        [Token::Symbol(b'@'), Token::Name(name)] => Some(name.to_lowercase()),
        _ => None,
    }
}

fn is_variable(tokens: &[Token<'_>], variable: &str) -> bool {
    match tokens.last() {
        Some(Token::Name(name)) => name.eq_ignore_ascii_case(variable),
        Some(word) => word.is(variable),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_divided() {
        let all = Assignment::all(b"/*!40101 SET @Old=@@session.SQL_MODE, SQL_MODE := concat('a,', 'b'), GLOBAL sql_mode='', x=@old */");
        assert_eq!(all.len(), 4, "{all:?}");
        assert_eq!(all[0].own_variable().as_deref(), Some("old"));
        assert!(all[0].has_value_of("sql_mode") && !all[0].is_of("sql_mode"));
        assert!(all[1].is_of("sql_mode") && all[1].value.len() == 6, "{all:?}");
        assert!(!all[2].is_of("sql_mode"));
        assert_eq!(all[3].own_value().as_deref(), Some("old"));
        assert!(Assignment::all(b"INSERT INTO t SET a=1").is_empty());
    }
}
