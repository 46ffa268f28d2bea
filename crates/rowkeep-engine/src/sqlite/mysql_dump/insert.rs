//! How a statement that adds rows begins.

use super::lexer::{Lexer, Token};

/// What stands before the first row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// The database that is named before the table.
    pub(super) database: Option<String>,
    pub(super) table: String,
    pub(super) columns: Option<Vec<String>>,
    /// Whether it drops rows, those that it adds or those that are there, where keys are equal.
    pub(super) drops: bool,
}

/// Whether a statement is one that adds rows.
pub(super) fn adds_rows(text: &[u8]) -> bool {
    Lexer::new(text).next().is_some_and(|first| first.is("insert") || first.is("replace"))
}

impl Opening {
    /// Reads up to the first row; nothing where rows do not follow.
    pub(super) fn read(lexer: &mut Lexer<'_>) -> Option<Self> {
        let mut drops = lexer.next()?.is("replace");
        let mut token = lexer.next()?;
        loop {
            let is_modifier = ["low_priority", "delayed", "high_priority", "ignore", "into"]
                .into_iter()
                .any(|word| token.is(word));
            if !is_modifier {
                break;
            }
            drops |= token.is("ignore");
            token = lexer.next()?;
        }
        let (mut database, mut table) = (None, name(token)?);
        let mut token = lexer.next()?;
        if token == Token::Symbol(b'.') {
            database = Some(std::mem::replace(&mut table, name(lexer.next()?)?));
            token = lexer.next()?;
        }
        let mut columns = None;
        if token == Token::Symbol(b'(') {
            let mut names = Vec::new();
            loop {
                match lexer.next()? {
                    Token::Symbol(b',') => {}
                    Token::Symbol(b')') => break,
                    other => names.push(name(other)?),
                }
            }
            columns = Some(names);
            token = lexer.next()?;
        }
        (token.is("values") || token.is("value")).then_some(Self { database, table, columns, drops })
    }
}

fn name(token: Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.to_owned()),
        Token::Name(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_read() {
        let read = |sql: &str| Opening::read(&mut Lexer::new(sql.as_bytes()));
        let found = read("INSERT IGNORE INTO `a`.`b` (`c`, d) VALUES (1, 2)").expect("rows");
        assert_eq!((found.database.as_deref(), found.table.as_str(), found.drops), (Some("a"), "b", true));
        assert_eq!(found.columns, Some(vec!["c".to_owned(), "d".to_owned()]));
        assert!(read("REPLACE INTO t VALUES (1)").is_some_and(|found| found.drops));
        assert!(read("-- a\ninsert into t values (1)").is_some_and(|found| !found.drops));
        for other in ["INSERT INTO t SELECT 1", "INSERT INTO t SET a = 1", "INSERT INTO t (a", "INSERT"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
