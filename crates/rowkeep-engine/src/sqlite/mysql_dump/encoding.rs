//! In which encoding the text of a script is.

use super::assignments::Assignment;
use super::cursor::Cursor;
use super::lexer::Token;

/// Character sets whose text is UTF-8.
const UTF8: [&str; 4] = ["utf8", "utf8mb3", "utf8mb4", "default"];

/// The character set in which text is as the columns have it.
const RAW: &str = "binary";

/// Variables that say in which encoding a script is.
const VARIABLES: [&str; 2] = ["character_set_client", "character_set_connection"];

/// The encoding in force.
#[derive(Debug, Default)]
pub(super) struct Encoding {
    /// Whether each column's text is in an encoding of its own.
    pub(super) is_raw: bool,
    /// The encoding, if it is one that is not read.
    other: Option<String>,
}

impl Encoding {
    /// Takes what a `SET` says; an error where it is of the whole script and not read.
    pub(super) fn set(&mut self, text: &[u8], assignments: &[Assignment<'_>]) -> Result<(), String> {
        let mut cursor = Cursor::first(text, 4);
        if ["names", "charset"].iter().any(|word| cursor.takes(&["set", word]))
            || cursor.takes(&["set", "character", "set"])
        {
            let charset = cursor.name().or_else(|| cursor.quoted()).unwrap_or_default();
            self.is_raw = charset.eq_ignore_ascii_case(RAW);
            self.enter(&charset);
            return self.refuse();
        }
        for assignment in assignments.iter().filter(|it| VARIABLES.iter().any(|name| it.is_of(name))) {
            match assignment.value.as_slice() {
                [Token::Word(charset)] => self.enter(charset),
                [Token::Text(charset)] => self.enter(&String::from_utf8_lossy(charset)),
                // What was kept comes back.
                _ => self.other = None,
            }
        }
        Ok(())
    }

    fn enter(&mut self, charset: &str) {
        let charset = charset.to_lowercase();
        let is_read = charset.is_empty() || charset == RAW || UTF8.contains(&charset.as_str());
        self.other = (!is_read).then_some(charset);
    }

    /// Refuses what is in another encoding.
    pub(super) fn refuse(&self) -> Result<(), String> {
        match &self.other {
            None => Ok(()),
            Some(charset) => Err(format!(
                "its text is in {charset}, and dumps in UTF-8 are read: make it with --default-character-set=utf8mb4"
            )),
        }
    }
}
