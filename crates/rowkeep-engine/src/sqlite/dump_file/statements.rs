//! A script as single statements, by SQLite's rules (`sqlite3_complete`), without having it in memory.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem};

/// The longest statement that is read, in bytes.
const LONGEST_BYTES: usize = 128 << 20;

/// How much is read at once; in tests so little that every place is once an end of the buffer.
const READ_BYTES: usize = if cfg!(test) { 7 } else { 256 * 1024 };

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

/// The statements of a script, one after the other.
pub(super) struct Statements<R> {
    bytes: R,
    buffer: Vec<u8>,
    /// Where the present statement begins in the buffer, and how far it was looked at.
    start: usize,
    at: usize,
    is_end: bool,
    /// The line that the present statement begins in.
    line: u64,
    within: Within,
    shape: Shape,
}

/// What the next byte is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    Quoted(u8),
    LineComment,
    BlockComment,
}

/// What tells where a statement ends.
#[derive(Default)]
struct Shape {
    words: u8,
    is_create: bool,
    is_trigger: bool,
    /// Of a trigger, whether its last tokens are a semicolon, and END behind one.
    after_semicolon: bool,
    after_end: bool,
    has_token: bool,
}

impl<R: Read> Statements<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self {
            bytes,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            is_end: false,
            line: 1,
            within: Within::Code,
            shape: Shape::default(),
        }
    }

    /// The line of the first token of the present statement, counted from one.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What there is of a statement that has no end.
    pub(super) fn unended(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// What is read from.
    pub(super) fn source(&self) -> &R {
        &self.bytes
    }

    /// The next statement with what stands before it, up to its semicolon; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        (self.within, self.shape) = (Within::Code, Shape::default());
        loop {
            if self.scan() {
                let statement = self.buffer[self.start..self.at].to_vec();
                self.line += lines(&statement);
                self.start = self.at;
                return Ok(Some(statement));
            }
            if self.at - self.start > LONGEST_BYTES {
                return Err(Trouble::TooLong);
            }
            if self.is_end {
                let is_open = !matches!(self.within, Within::Code | Within::LineComment);
                if self.shape.has_token || is_open {
                    let begun =
                        self.buffer[self.start..].iter().take_while(|byte| byte.is_ascii_whitespace());
                    self.line += begun.filter(|byte| **byte == b'\n').count() as u64;
                    return Err(Trouble::Unended);
                }
                return Ok(None);
            }
            self.fill().map_err(Trouble::Io)?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        let length = self.buffer.len();
        let wanted = READ_BYTES.max(length / 2);
        let read = self.bytes.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.is_end = read < wanted;
        Ok(())
    }

    /// Goes on until the statement ends, or as far as the buffer tells.
    fn scan(&mut self) -> bool {
        while self.at < self.buffer.len() {
            let rest = &self.buffer[self.at..];
            match self.within {
                Within::Quoted(quote) => match memchr(quote, rest) {
                    Some(found) => {
                        self.at += found + 1;
                        self.within = Within::Code;
                    }
                    None => self.at = self.buffer.len(),
                },
                Within::LineComment => match memchr(b'\n', rest) {
                    Some(found) => {
                        self.at += found + 1;
                        self.within = Within::Code;
                    }
                    None => self.at = self.buffer.len(),
                },
                Within::BlockComment => match memmem::find(rest, b"*/") {
                    Some(found) => {
                        self.at += found + 2;
                        self.within = Within::Code;
                    }
                    None => {
                        // The last byte may be the first of the two.
                        self.at = self.buffer.len() - usize::from(!self.is_end);
                        return false;
                    }
                },
                Within::Code => match self.code() {
                    Some(true) => return true,
                    Some(false) => {}
                    None => return false,
                },
            }
        }
        false
    }

    /// Takes one token; says whether the statement ends with it, and nothing where more has to be read to tell.
    fn code(&mut self) -> Option<bool> {
        let rest = &self.buffer[self.at..];
        let (first, second) = (rest[0], rest.get(1).copied());
        if second.is_none() && !self.is_end && matches!(first, b'-' | b'/') {
            return None;
        }
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => 1,
            b'-' if second == Some(b'-') => {
                self.within = Within::LineComment;
                2
            }
            b'/' if second == Some(b'*') => {
                self.within = Within::BlockComment;
                2
            }
            b';' => {
                let ends = !self.shape.is_trigger || self.shape.after_end;
                self.shape.after_semicolon = true;
                self.shape.after_end = false;
                self.at += 1;
                return Some(ends);
            }
            first if is_word(first) => {
                let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                if length == rest.len() && !self.is_end {
                    return None;
                }
                let (shape, word) = (&mut self.shape, &rest[..length]);
                shape.see(word);
                length
            }
            other => {
                let quote = if other == b'[' { b']' } else { other };
                if matches!(other, b'\'' | b'"' | b'`' | b'[') {
                    self.within = Within::Quoted(quote);
                }
                self.shape.token();
                1
            }
        };
        self.at += length;
        Some(false)
    }
}

impl Shape {
    fn token(&mut self) {
        self.has_token = true;
        (self.after_semicolon, self.after_end) = (false, false);
        self.words = self.words.saturating_add(1);
    }

    fn see(&mut self, word: &[u8]) {
        let is = |expected: &str| word.eq_ignore_ascii_case(expected.as_bytes());
        let ends = self.after_semicolon && is("end");
        match self.words {
            0 => self.is_create = is("create"),
            1 | 2 if self.is_create && is("trigger") => self.is_trigger = true,
            1 if !(is("temp") || is("temporary")) => self.is_create = false,
            _ => {}
        }
        self.token();
        self.after_end = ends;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// How many line ends there are in bytes.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str) -> Result<Vec<String>, Trouble> {
        let mut statements = Statements::new(script.as_bytes());
        let mut found = Vec::new();
        while let Some(statement) = statements.next()? {
            found.push(String::from_utf8_lossy(&statement).trim().to_owned());
        }
        Ok(found)
    }

    #[test]
    fn semicolons_that_end_nothing() {
        let script = "-- a;\nINSERT INTO t VALUES('a;''b', \"c;\", [d;], `e;`); /* f; */ CREATE TRIGGER x AFTER INSERT ON t \
                      BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; INSERT INTO t VALUES(1); END; CREATE TEMP TRIGGER y BEGIN SELECT \
                      1;;END; CREATE TABLE \"trigger\"(a); CREATE TABLE trigger(b);;";
        let found = split(script).expect("it is whole");
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(found[1].ends_with("END;") && found[1].contains("VALUES(1)"), "{}", found[1]);
        assert_eq!(found[5], ";");
    }

    #[test]
    fn what_has_no_end_is_told() {
        for script in ["INSERT INTO t VALUES(1)", "SELECT 1; SELECT 'a", "/* x", "SELECT \"a;"] {
            assert!(matches!(split(script), Err(Trouble::Unended)), "{script}");
        }
        for script in ["", "  \n", "SELECT 1; -- a"] {
            assert!(split(script).is_ok(), "{script}");
        }
    }
}
