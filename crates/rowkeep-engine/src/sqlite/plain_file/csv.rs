//! CSV (RFC 4180), one record at a time.

use std::io::Read;

use super::json::Trouble;

/// The longest record, in bytes, and the most fields that one has.
const LONGEST_BYTES: usize = 64 << 20;
const MOST_FIELDS: usize = 10_000;

/// How much is read at once; in tests so little that every place is once an end of the buffer.
const READ_BYTES: usize = if cfg!(test) { 3 } else { 256 * 1024 };

/// One field: its text, and nothing where it is empty and stands in no quotes.
pub(super) type Field = Option<String>;

/// Records on their way.
pub(super) struct Csv<R> {
    bytes: R,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    /// The line in which the record begins.
    begins: u64,
    /// What stands for NULL beside nothing, where it stands in no quotes.
    null: Option<String>,
    /// Whether a carriage return alone ends lines, as the first line of the file has it; nothing before its end.
    is_return: Option<bool>,
    is_blank: bool,
}

impl<R: Read> Csv<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self {
            bytes,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            begins: 1,
            null: None,
            is_return: None,
            is_blank: false,
        }
    }

    /// Takes a word for NULL from here on, where it stands in no quotes.
    pub(super) fn null(&mut self, word: Option<String>) {
        self.null = word;
    }

    /// Whether the last record is a line with nothing in it.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// The line in which the last record begins, counted from one.
    pub(super) fn record_line(&self) -> u64 {
        self.begins
    }

    /// What is read from.
    pub(super) fn source(&self) -> &R {
        &self.bytes
    }

    /// The next record; nothing at the end.
    pub(super) fn record(&mut self) -> Result<Option<Vec<Field>>, Trouble> {
        // The mark of UTF-8, which spreadsheets write.
        if self.peek()?.is_some() && self.is_return.is_none() && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        if self.peek()?.is_none() {
            return Ok(None);
        }
        self.begins = self.line;
        let (mut fields, mut length) = (Vec::new(), 0);
        loop {
            let (field, is_last) = self.field(&mut length)?;
            if fields.len() == MOST_FIELDS {
                return Err(Trouble::Wrong(format!("a record has more than {MOST_FIELDS} fields")));
            }
            fields.push(field);
            if is_last {
                self.is_blank = length == 0 && fields == [None];
                return Ok(Some(fields));
            }
        }
    }

    fn field(&mut self, length: &mut usize) -> Result<(Field, bool), Trouble> {
        let mut text = Vec::new();
        let is_quoted = self.peek()? == Some(b'"');
        if is_quoted {
            self.at += 1;
            loop {
                match self.take()?.ok_or(Trouble::Ended)? {
                    b'"' if self.peek()? == Some(b'"') => {
                        self.at += 1;
                        text.push(b'"');
                    }
                    b'"' => break,
                    other => {
                        self.line += u64::from(other == b'\n');
                        text.push(other);
                    }
                }
                Self::bounded(*length + text.len())?;
            }
        }
        let is_last = loop {
            match self.take()? {
                None => break true,
                Some(b',') => break false,
                Some(b'\n') => {
                    self.line += 1;
                    self.is_return.get_or_insert(false);
                    break true;
                }
                Some(b'\r') if matches!(self.peek()?, Some(b'\n')) => {}
                Some(b'\r') if *self.is_return.get_or_insert(true) => {
                    self.line += 1;
                    break true;
                }
                Some(_) if is_quoted => {
                    return Err(Trouble::Wrong("something follows the end of a quoted field".to_owned()));
                }
                Some(other) => text.push(other),
            }
            Self::bounded(*length + text.len())?;
        };
        *length += text.len();
        let text = String::from_utf8(text).map_err(|_| Trouble::Wrong("a field is not UTF-8".to_owned()))?;
        let is_null = !is_quoted && (text.is_empty() || self.null.as_ref() == Some(&text));
        Ok(((!is_null).then_some(text), is_last))
    }

    fn bounded(length: usize) -> Result<(), Trouble> {
        match length > LONGEST_BYTES {
            true => Err(Trouble::Wrong(format!("a record is longer than {} MiB", LONGEST_BYTES >> 20))),
            false => Ok(()),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Trouble> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            self.bytes.by_ref().take(READ_BYTES as u64).read_to_end(&mut self.buffer).map_err(Trouble::Io)?;
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn take(&mut self) -> Result<Option<u8>, Trouble> {
        let byte = self.peek()?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Vec<Field>>, Trouble> {
        let mut csv = Csv::new(text.as_bytes());
        let mut records = Vec::new();
        while let Some(record) = csv.record()? {
            records.push(record);
        }
        Ok(records)
    }

    #[test]
    fn records_are_read_with_null_told_from_empty() {
        let some = |text: &str| Some(text.to_owned());
        let read = all("a,b\r\n1,\r\n\"x,\"\"y\r\nz\",\"\"\n,é").expect("it is whole");
        assert_eq!(
            read,
            [
                vec![some("a"), some("b")],
                vec![some("1"), None],
                vec![some("x,\"y\r\nz"), some("")],
                vec![None, some("é")]
            ]
        );
        let plain = [vec![some("a"), some("b")], vec![some("1"), some("2")]];
        for ends in ["\n", "\r\n", "\r"] {
            for mark in ["", "\u{feff}"] {
                let text = format!("{mark}\"a\",b{ends}1,2{ends}");
                assert_eq!(all(&text).expect("it is whole"), plain, "{text:?}");
            }
        }
        assert_eq!(all("a\nb\rc").expect("it is whole"), [vec![some("a")], vec![some("b\rc")]]);
        let mut csv = Csv::new(&b"-,\"-\"\n-,\"-\""[..]);
        assert_eq!(csv.record().expect("a record"), Some(vec![some("-"), some("-")]));
        csv.null(some("-"));
        assert_eq!(csv.record().expect("a record"), Some(vec![None, some("-")]));
        assert!(matches!(all(&",".repeat(MOST_FIELDS)), Err(Trouble::Wrong(_))));
        assert!(matches!(all("a\n\"b"), Err(Trouble::Ended)));
        assert!(matches!(all("\"a\"b"), Err(Trouble::Wrong(_))));
        assert_eq!(all("").expect("nothing"), Vec::<Vec<Field>>::new());
    }
}
