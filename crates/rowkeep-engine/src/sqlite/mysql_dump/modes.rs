//! The modes that a script sets, which change how it is read.

use std::collections::HashMap;

use super::assignments::Assignment;
use super::lexer::Token;

/// The variable that has the mode.
const VARIABLE: &str = "sql_mode";

/// The mode in which a backslash is a plain character.
const PLAIN_BACKSLASHES: &str = "NO_BACKSLASH_ESCAPES";

/// The modes in which names stand in double quotes; most are that and others under one name.
const QUOTED_NAMES: [&str; 7] = ["ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB"];

/// The mode in which a column that counts keeps zeros.
const KEPT_ZEROS: &str = "NO_AUTO_VALUE_ON_ZERO";

/// The most that a script keeps to set it back.
const MOST_KEPT: usize = 1000;

/// What the mode in force says of statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mode {
    /// The mode in which quotes or backslashes mean something else, if it is one.
    pub(super) other: Option<&'static str>,
    /// Whether backslashes are plain characters.
    pub(super) plain_backslashes: bool,
    /// Whether names stand in double quotes.
    pub(super) quoted_names: bool,
    /// Whether zero is a value of columns that count, and not a wish for the next number.
    pub(super) keeps_zeros: bool,
}

impl Mode {
    fn named(words: &str) -> Self {
        let words = words.to_ascii_uppercase();
        let has = |mode: &str| words.split(',').any(|word| word.trim() == mode);
        let quoted_names = QUOTED_NAMES.into_iter().find(|mode| has(mode));
        let plain_backslashes = has(PLAIN_BACKSLASHES);
        Self {
            other: quoted_names.or(plain_backslashes.then_some(PLAIN_BACKSLASHES)),
            plain_backslashes,
            quoted_names: quoted_names.is_some(),
            keeps_zeros: has(KEPT_ZEROS),
        }
    }
}

/// The mode in force, and those that a script kept in its variables.
#[derive(Debug, Default)]
pub(super) struct Modes {
    current: Mode,
    kept: HashMap<String, Mode>,
}

impl Modes {
    pub(super) fn current(&self) -> Mode {
        self.current
    }

    /// Takes what a statement sets, if it does.
    pub(super) fn follow(&mut self, text: &[u8]) {
        for assignment in Assignment::all(text) {
            if let Some(own) = assignment.own_variable()
                && self.kept.len() < MOST_KEPT
            {
                match assignment.value.as_slice() {
                    _ if assignment.has_value_of(VARIABLE) => self.kept.insert(own, self.current),
                    [Token::Text(words)] => {
                        self.kept.insert(own, Mode::named(&String::from_utf8_lossy(words)))
                    }
                    _ => None,
                };
            } else if assignment.is_of(VARIABLE) {
                self.current = self.set(&assignment);
            }
        }
    }

    fn set(&self, assignment: &Assignment<'_>) -> Mode {
        match assignment.value.as_slice() {
            [Token::Text(words)] => Mode::named(&String::from_utf8_lossy(words)),
            [Token::Word(word)] => Mode::named(word),
            [Token::Number(digits)] if digits.bytes().all(|digit| digit == b'0') => Mode::default(),
            [Token::Number(_)] => Mode { other: Some("that a number stands for"), ..Mode::default() },
            value => match assignment.own_value() {
                Some(own) => self.kept.get(&own).copied().unwrap_or(self.current),
                // An expression that adds a mode names it.
                None => value
                    .iter()
                    .filter_map(|token| match token {
                        Token::Text(words) => Some(Mode::named(&String::from_utf8_lossy(words))),
                        _ => None,
                    })
                    .find(|mode| mode.other.is_some())
                    .unwrap_or(self.current),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_followed() {
        let mut modes = Modes::default();
        for (sql, other, keeps_zeros) in [
            ("SET @OLD=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'", None, true),
            ("/*!50003 SET @saved = @@sql_mode */", None, true),
            ("/*!50003 SET sql_mode = 'STRICT,NO_BACKSLASH_ESCAPES' */", Some("NO_BACKSLASH_ESCAPES"), false),
            ("/*!50003 SET sql_mode = @saved */", None, true),
            ("SET SESSION sql_mode=ansi", Some("ANSI"), false),
            ("SET sql_mode=@old", None, false),
            ("SET sql_mode=concat(@@sql_mode, ',ORACLE')", Some("ORACLE"), false),
            ("SET GLOBAL sql_mode=''", Some("ORACLE"), false),
            ("SET sql_mode=DEFAULT", None, false),
            ("SET sql_mode='PIPES_AS_CONCAT,ONLY_ANSI'", None, false),
            ("SET sql_mode=4", Some("that a number stands for"), false),
        ] {
            modes.follow(sql.as_bytes());
            assert_eq!((modes.current().other, modes.current().keeps_zeros), (other, keeps_zeros), "{sql}");
        }
    }
}
