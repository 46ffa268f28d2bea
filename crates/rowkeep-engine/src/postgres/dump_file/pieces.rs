//! A script for `psql` as pieces: statements, commands of `psql`, and the rows of `COPY`, without having it in memory.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem};

/// The longest statement that is read, in bytes.
const LONGEST_BYTES: usize = 128 << 20;

/// How much is read at once; in tests so little that every place is once an end of the buffer.
const READ_BYTES: usize = if cfg!(test) { 5 } else { 1 << 20 };

/// Why there is no next piece.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file cannot be read.
    Io(io::Error),
    /// A statement, or the rows of a table, have no end.
    Unended(&'static str),
    /// A statement is longer than what is read.
    TooLong,
}

/// A statement up to its semicolon, or a command of `psql` up to the end of its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'p> {
    /// The comments before it, and it.
    pub(super) comments: &'p [u8],
    pub(super) code: &'p [u8],
    /// Where the code begins: the byte, and the line counted from one.
    pub(super) at: u64,
    pub(super) line: u64,
}

/// The rows behind a `COPY ... FROM stdin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CopyRows {
    /// Where the first line begins, and how many bytes there are with the line that ends them.
    pub(super) at: u64,
    pub(super) bytes: u64,
}

/// The pieces of a script.
pub(super) struct Pieces<R> {
    bytes: R,
    buffer: Vec<u8>,
    /// Where the buffer begins in the script, and at which line the present piece does.
    offset: u64,
    line: u64,
    /// In the buffer: where the present piece begins, how far it was looked at, and where its code begins.
    start: usize,
    at: usize,
    code: Option<usize>,
    is_end: bool,
    within: Within,
    parentheses: u32,
    blocks: u32,
    /// The first words of the piece, and the last one.
    words: Vec<String>,
    last_word: String,
}

/// What the next byte is in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Within {
    Code,
    Quoted(u8),
    /// Text with backslashes.
    Escaped,
    Dollars(Vec<u8>),
    LineComment,
    BlockComment(u32),
    /// A command of `psql`.
    Command,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self {
            bytes,
            buffer: Vec::new(),
            offset: 0,
            line: 1,
            start: 0,
            at: 0,
            code: None,
            is_end: false,
            within: Within::Code,
            parentheses: 0,
            blocks: 0,
            words: Vec::new(),
            last_word: String::new(),
        }
    }

    /// The line that was reached.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next piece; at the end the comments that are left, if there are any, without code.
    pub(super) fn next(&mut self) -> Result<Option<Piece<'_>>, Trouble> {
        self.line += lines(&self.buffer[self.start..self.at]);
        self.start = self.at;
        (self.within, self.code) = (Within::Code, None);
        (self.parentheses, self.blocks) = (0, 0);
        self.words.clear();
        self.last_word.clear();
        while !self.scan() {
            if self.at - self.start > LONGEST_BYTES {
                return Err(Trouble::TooLong);
            }
            if self.is_end {
                match self.within {
                    Within::Command => break,
                    Within::Code | Within::LineComment if self.code.is_none() => {
                        self.at = self.buffer.len();
                        break;
                    }
                    _ => return Err(Trouble::Unended("a statement")),
                }
            }
            self.fill().map_err(Trouble::Io)?;
        }
        if self.at == self.start {
            return Ok(None);
        }
        let code = self.code.unwrap_or(self.at);
        let comments = &self.buffer[self.start..code];
        let line = self.line + lines(comments);
        let at = self.offset + code as u64;
        Ok(Some(Piece { comments, code: &self.buffer[code..self.at], at, line }))
    }

    /// Goes past the rows that follow a `COPY`.
    pub(super) fn copy_rows(&mut self) -> Result<CopyRows, Trouble> {
        self.line += lines(&self.buffer[self.start..self.at]);
        self.start = self.at;
        self.code = None;
        // The rest of the statement's line.
        while memchr(b'\n', &self.buffer[self.at..]).is_none() && !self.is_end {
            self.fill().map_err(Trouble::Io)?;
        }
        let Some(end) = memchr(b'\n', &self.buffer[self.at..]) else {
            return Err(Trouble::Unended("the rows of a table"));
        };
        let mut from = self.at + end;
        let begins = self.offset + from as u64 + 1;
        let finder = memmem::Finder::new(b"\n\\.");
        loop {
            if let Some(found) = finder.find(&self.buffer[from..]) {
                let after = from + found + 3;
                match self.buffer.get(after) {
                    Some(b'\n') => {
                        self.at = after + 1;
                        break;
                    }
                    Some(b'\r') if self.buffer.get(after + 1) == Some(&b'\n') => {
                        self.at = after + 2;
                        break;
                    }
                    None if self.is_end => {
                        self.at = after;
                        break;
                    }
                    Some(_) if self.buffer.len() > after + 1 || self.is_end => {
                        from = after;
                        continue;
                    }
                    _ => {}
                }
            } else if self.is_end {
                self.line += lines(&self.buffer[self.start..]);
                self.start = self.buffer.len();
                self.at = self.start;
                return Err(Trouble::Unended("the rows of a table"));
            }
            // What was looked at is not needed any more but for the last bytes, in which the end may begin.
            let keep = self.buffer.len().saturating_sub(4).max(from);
            self.line += lines(&self.buffer[self.start..keep]);
            self.start = keep;
            let before = self.start;
            self.at = keep;
            self.fill().map_err(Trouble::Io)?;
            from = keep - before;
        }
        let bytes = self.offset + self.at as u64 - begins;
        Ok(CopyRows { at: begins, bytes })
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.offset += self.start as u64;
        self.at -= self.start;
        self.code = self.code.map(|code| code - self.start);
        self.start = 0;
        let wanted = READ_BYTES.max(self.buffer.len() / 2);
        let read = self.bytes.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.is_end = read < wanted;
        Ok(())
    }

    /// Goes on until the piece ends, or as far as the buffer tells.
    fn scan(&mut self) -> bool {
        while self.at < self.buffer.len() {
            let rest = &self.buffer[self.at..];
            let to_end = self.buffer.len();
            match &self.within {
                Within::Quoted(quote) => match memchr(*quote, rest) {
                    Some(found) => self.leave(found + 1),
                    None => self.at = to_end,
                },
                Within::Escaped => match memchr::memchr2(b'\'', b'\\', rest) {
                    Some(found) if rest[found] == b'\'' => self.leave(found + 1),
                    // The character behind a backslash has no meaning.
                    Some(found) if found + 1 < rest.len() => self.at += found + 2,
                    Some(found) => {
                        self.at += found;
                        return false;
                    }
                    None => self.at = to_end,
                },
                Within::Dollars(tag) => match memmem::find(rest, tag) {
                    Some(found) => self.leave(found + tag.len()),
                    None => {
                        // The tag may begin in the last bytes.
                        self.at = to_end - rest.len().min(tag.len() - 1);
                        return false;
                    }
                },
                Within::LineComment => match memchr(b'\n', rest) {
                    Some(found) => self.leave(found + 1),
                    None => self.at = to_end,
                },
                Within::Command => match memchr(b'\n', rest) {
                    Some(found) => {
                        self.at += found + 1;
                        return true;
                    }
                    None => self.at = to_end,
                },
                Within::BlockComment(depth) => {
                    let depth = *depth;
                    let Some(found) = memchr::memchr2(b'*', b'/', rest) else {
                        self.at = to_end;
                        continue;
                    };
                    match rest.get(found..found + 2) {
                        None if !self.is_end => {
                            self.at += found;
                            return false;
                        }
                        Some(b"*/") if depth == 1 => self.leave(found + 2),
                        Some(b"*/") => {
                            (self.at, self.within) = (self.at + found + 2, Within::BlockComment(depth - 1))
                        }
                        Some(b"/*") => {
                            (self.at, self.within) = (self.at + found + 2, Within::BlockComment(depth + 1))
                        }
                        _ => self.at += found + 1,
                    }
                }
                Within::Code => match self.code() {
                    Some(true) => return true,
                    Some(false) => {}
                    None => return false,
                },
            }
        }
        false
    }

    fn leave(&mut self, bytes: usize) {
        self.at += bytes;
        self.within = Within::Code;
    }

    /// Takes one token; says whether the piece ends with it, and nothing where more has to be read to tell.
    fn code(&mut self) -> Option<bool> {
        let rest = &self.buffer[self.at..];
        let (first, second) = (rest[0], rest.get(1).copied());
        if second.is_none() && !self.is_end && matches!(first, b'-' | b'/' | b'e' | b'E') {
            return None;
        }
        let is_first = self.code.is_none();
        let begins = self.at;
        let length = match (first, second) {
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => {
                self.at += 1;
                return Some(false);
            }
            (b'-', Some(b'-')) => {
                self.within = Within::LineComment;
                self.at += 2;
                return Some(false);
            }
            (b'/', Some(b'*')) => {
                self.within = Within::BlockComment(1);
                self.at += 2;
                return Some(false);
            }
            (b'\\', _) if is_first => {
                self.within = Within::Command;
                1
            }
            (b';', _) if self.parentheses == 0 && self.blocks == 0 => {
                self.code.get_or_insert(begins);
                self.at += 1;
                return Some(true);
            }
            (b'e' | b'E', Some(b'\'')) => {
                self.within = Within::Escaped;
                2
            }
            (b'\'' | b'"', _) => {
                self.within = Within::Quoted(first);
                1
            }
            (b'$', _) => {
                let tag = rest[1..].iter().position(|byte| !is_word(*byte) || *byte == b'$');
                let Some(end) = tag.map(|end| end + 1) else {
                    if !self.is_end && rest.len() < 128 {
                        return None;
                    }
                    self.at += 1;
                    return Some(false);
                };
                let is_tag = rest[end] == b'$' && !rest[1].is_ascii_digit();
                if is_tag {
                    self.within = Within::Dollars(rest[..=end].to_vec());
                    end + 1
                } else {
                    1
                }
            }
            (b'(', _) => {
                self.parentheses += 1;
                1
            }
            (b')', _) => {
                self.parentheses = self.parentheses.saturating_sub(1);
                1
            }
            (first, _) if is_word(first) => {
                let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                if length == rest.len() && !self.is_end {
                    return None;
                }
                let word = String::from_utf8_lossy(&rest[..length]).to_ascii_lowercase();
                self.see(&word);
                length
            }
            _ => 1,
        };
        self.code.get_or_insert(begins);
        self.at += length;
        Some(false)
    }

    /// What a word means for where the statement ends: the bodies of routines of the SQL standard hold semicolons.
    fn see(&mut self, word: &str) {
        let is_body = word == "atomic" && self.last_word == "begin";
        word.clone_into(&mut self.last_word);
        if self.words.len() < 4 {
            self.words.push(word.to_owned());
        }
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let is_routine = matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        );
        if !is_routine || self.parentheses > 0 {
            return;
        }
        match word {
            // `BEGIN` by itself may be the name of a column.
            _ if is_body && self.blocks == 0 => self.blocks = 1,
            "case" if self.blocks > 0 => self.blocks += 1,
            "end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
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
#[path = "pieces_tests.rs"]
mod tests;
