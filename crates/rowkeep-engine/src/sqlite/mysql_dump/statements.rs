//! A script for the `mysql` client as single statements, without having it in memory.

use std::io::{self, Read};

use memchr::{memchr, memchr2, memmem};

use super::modes::{Mode, Modes};
use super::signs::{conditional, is_word, lines};

/// The longest statement that is read, in bytes.
const LONGEST_BYTES: usize = 128 << 20;

/// How much is read at once; in tests so little that every place is once an end of the buffer.
const READ_BYTES: usize = if cfg!(test) { 5 } else { 1 << 20 };

/// What a text in UTF-8 may begin with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why there is no next statement.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file cannot be read.
    Io(io::Error),
    /// The last statement has no end.
    Unended,
    /// One is longer than what is read.
    TooLong,
}

/// A statement with the comments before it, without what ends it; at the end of a script perhaps comments alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: Vec<u8>,
    /// The line that it begins in, comments included, counted from one.
    pub(super) line: u64,
    /// The mode in force before it.
    pub(super) mode: Mode,
}

impl Statement {
    /// The line that its code begins in.
    pub(super) fn code_line(&self) -> u64 {
        let mut line = self.line;
        for text in self.text.split(|byte| *byte == b'\n') {
            let text = text.trim_ascii();
            if !(text.is_empty() || text.starts_with(b"--") || text.starts_with(b"#")) {
                break;
            }
            line += 1;
        }
        line
    }
}

/// The statements of a script, one after the other.
pub(super) struct Statements<R> {
    bytes: R,
    buffer: Vec<u8>,
    /// Where the present statement begins in the buffer, and how far it was looked at.
    start: usize,
    at: usize,
    is_begin: bool,
    is_end: bool,
    line: u64,
    within: Within,
    has_token: bool,
    delimiter: Vec<u8>,
    modes: Modes,
}

/// What the next byte is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    Quoted(u8),
    LineComment,
    BlockComment,
}

/// What a token means for the statement.
enum Step {
    /// It goes on.
    On,
    /// It ends, so many bytes behind this place.
    Ends(usize),
    /// Another delimiter was set, in a line of so many bytes.
    Delimiter(usize),
    /// More has to be read to tell.
    More,
}

impl<R: Read> Statements<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self {
            bytes,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            is_begin: true,
            is_end: false,
            line: 1,
            within: Within::Code,
            has_token: false,
            delimiter: b";".to_vec(),
            modes: Modes::default(),
        }
    }

    /// The line that was reached.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What is read from.
    pub(super) fn source(&self) -> &R {
        &self.bytes
    }

    /// The next statement; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Statement>, Trouble> {
        (self.within, self.has_token) = (Within::Code, false);
        loop {
            match self.scan() {
                Step::Ends(behind) => return Ok(Some(self.take(behind))),
                Step::Delimiter(bytes) => {
                    self.line += lines(&self.buffer[self.start..self.at + bytes]);
                    self.start = self.at + bytes;
                    self.at = self.start;
                    continue;
                }
                Step::On | Step::More => {}
            }
            if self.at - self.start > LONGEST_BYTES {
                return Err(Trouble::TooLong);
            }
            if self.is_end {
                if self.has_token || !matches!(self.within, Within::Code | Within::LineComment) {
                    return Err(Trouble::Unended);
                }
                self.at = self.buffer.len();
                return Ok((self.at > self.start).then(|| self.take(0)));
            }
            self.fill().map_err(Trouble::Io)?;
        }
    }

    /// Takes the statement up to here, and goes past what ends it.
    fn take(&mut self, behind: usize) -> Statement {
        let text = self.buffer[self.start..self.at].to_vec();
        let line = self.line;
        self.at += behind;
        self.line += lines(&text);
        self.start = self.at;
        let mode = self.modes.current();
        self.modes.follow(&text);
        Statement { text, line, mode }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        let wanted = READ_BYTES.max(self.buffer.len() / 2);
        let read = self.bytes.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.is_end = read < wanted;
        // Editors of Windows write a mark of the encoding before the text.
        if self.is_begin && (self.is_end || self.buffer.len() >= BYTE_ORDER_MARK.len()) {
            self.is_begin = false;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
        }
        Ok(())
    }

    /// Goes on until the statement ends, or as far as the buffer tells.
    fn scan(&mut self) -> Step {
        let mode = self.modes.current();
        while self.at < self.buffer.len() {
            let rest = &self.buffer[self.at..];
            match self.within {
                Within::Quoted(b'`') => self.leave(memchr(b'`', rest), 1),
                Within::Quoted(quote) if mode.plain_backslashes || (mode.quoted_names && quote == b'"') => {
                    self.leave(memchr(quote, rest), 1);
                }
                Within::Quoted(quote) => match memchr2(quote, b'\\', rest) {
                    Some(found) if rest[found] == quote => self.leave(Some(found), 1),
                    // The character behind a backslash has no meaning.
                    Some(found) if found + 1 < rest.len() => self.at += found + 2,
                    Some(found) => {
                        self.at += found;
                        return Step::More;
                    }
                    None => self.at = self.buffer.len(),
                },
                Within::LineComment => self.leave(memchr(b'\n', rest), 1),
                Within::BlockComment => match memmem::find(rest, b"*/") {
                    Some(found) => self.leave(Some(found), 2),
                    None => {
                        // The last byte may be the first of the two.
                        self.at = self.buffer.len() - usize::from(!self.is_end);
                        return Step::More;
                    }
                },
                Within::Code => match self.code() {
                    Step::On => {}
                    other => return other,
                },
            }
        }
        Step::More
    }

    /// Goes behind what ends a quotation or comment, or to the end of the buffer.
    fn leave(&mut self, found: Option<usize>, bytes: usize) {
        match found {
            Some(found) => {
                self.at += found + bytes;
                self.within = Within::Code;
            }
            None => self.at = self.buffer.len(),
        }
    }

    /// Takes one token.
    fn code(&mut self) -> Step {
        let rest = &self.buffer[self.at..];
        // The longest that has to be seen at once: a delimiter, or what begins a comment for some servers.
        if rest.len() < self.delimiter.len().max(12) && !self.is_end {
            return Step::More;
        }
        if rest.starts_with(&self.delimiter) {
            return Step::Ends(self.delimiter.len());
        }
        let length = match rest {
            [byte, ..] if byte.is_ascii_whitespace() => {
                self.at += 1;
                return Step::On;
            }
            [b'#', ..] => return self.enter(Within::LineComment, 1),
            [b'-', b'-', after, ..] if after.is_ascii_whitespace() || after.is_ascii_control() => {
                // A line end may be that very byte.
                return self.enter(Within::LineComment, 2);
            }
            [b'-', b'-'] => return self.enter(Within::LineComment, 2),
            [b'/', b'*', ..] => match conditional(rest) {
                Some(marker) => marker,
                None => return self.enter(Within::BlockComment, 2),
            },
            [quote @ (b'\'' | b'"' | b'`'), ..] => {
                self.within = Within::Quoted(*quote);
                1
            }
            [first, ..] if is_word(*first) => {
                let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                if length == rest.len() && !self.is_end {
                    return Step::More;
                }
                // What ends a statement may stand behind a word without a blank.
                let inside = memmem::find(&rest[..length], &self.delimiter).filter(|at| *at > 0);
                let length = inside.unwrap_or(length);
                if !self.has_token && rest[..length].eq_ignore_ascii_case(b"delimiter") {
                    return self.delimiter_line(length);
                }
                length
            }
            _ => 1,
        };
        self.has_token = true;
        self.at += length;
        Step::On
    }

    fn enter(&mut self, within: Within, bytes: usize) -> Step {
        self.within = within;
        self.at += bytes;
        Step::On
    }

    /// `DELIMITER ;;`, which is for the client and ends with its line.
    fn delimiter_line(&mut self, word: usize) -> Step {
        let rest = &self.buffer[self.at..];
        let end = match memchr(b'\n', rest) {
            Some(end) => end,
            None if self.is_end => rest.len(),
            None => return Step::More,
        };
        let wanted = rest[word..end].trim_ascii();
        if !wanted.is_empty() {
            self.delimiter = wanted.to_vec();
        }
        Step::Delimiter(rest.len().min(end + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str) -> Result<Vec<(u64, String)>, Trouble> {
        let mut statements = Statements::new(script.as_bytes());
        let mut found = Vec::new();
        while let Some(statement) = statements.next()? {
            found.push((statement.line, String::from_utf8_lossy(&statement.text).trim().to_owned()));
        }
        Ok(found)
    }

    #[test]
    fn semicolons_that_end_nothing() {
        let script = "/*M!999999\\- enable the sandbox; mode */ \n-- a;\n# b;\nINSERT INTO `t;` VALUES ('a;\\';''b', \"c\\\";\"); /* f; */ \
                      /*!40101 SET x='a;' */;\nDELIMITER ;;\n/*!50003 CREATE TRIGGER t BEGIN SET a = 1; END */;;\nDELIMITER ;\nSELECT 5--1;\n\
                      delimiter $$\nCREATE FUNCTION f() BEGIN RETURN 1; END$$\ndelimiter ;\n-- Dump completed\n";
        let found = split(script).expect("it is whole");
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts.len(), 6, "{found:#?}");
        assert!(texts[0].ends_with("\"c\\\";\")") && texts[1].ends_with("SET x='a;' */"), "{found:#?}");
        assert!(texts[2].ends_with("SET a = 1; END */") && texts[4].ends_with("RETURN 1; END"), "{found:#?}");
        assert_eq!((texts[3], texts[5]), ("SELECT 5--1", "-- Dump completed"));
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4, 6, 8, 10, 12]);
    }

    #[test]
    fn quotes_and_backslashes_mean_what_the_mode_says() {
        let script = "\u{feff}SET @old=@@sql_mode;/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */ ;\nDELIMITER ;;\nCREATE TRIGGER t SET \
                      new.v='\\';;\nDELIMITER ;\nSET sql_mode=@old;\nINSERT INTO t VALUES ('it\\'s;');SET sql_mode='ANSI';\nCREATE VIEW \
                      \"a\\\" AS SELECT ';\\''\n;";
        let texts: Vec<String> =
            split(script).expect("it is whole").into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                "SET @old=@@sql_mode",
                "/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */",
                "CREATE TRIGGER t SET new.v='\\'",
                "SET sql_mode=@old",
                "INSERT INTO t VALUES ('it\\'s;')",
                "SET sql_mode='ANSI'",
                "CREATE VIEW \"a\\\" AS SELECT ';\\''",
            ]
        );
    }

    #[test]
    fn what_has_no_end_is_told() {
        for script in [
            "INSERT INTO t VALUES(1)",
            "SELECT 1; SELECT 'a\\'",
            "/* x",
            "SELECT `a;",
            "DELIMITER ;;\nSELECT 1;",
        ] {
            assert!(matches!(split(script), Err(Trouble::Unended)), "{script}");
        }
        for script in ["", "  \n", "SELECT 1; -- a", "SELECT 1;\n--", "DELIMITER ;;"] {
            assert!(split(script).is_ok(), "{script}");
        }
    }
}
