//! CSV (RFC 4180), one record at a time.

use std::io::Read;

use super::json::Trouble;

/// The longest record, in bytes.
const LONGEST_BYTES: usize = 64 << 20;

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
}

impl<R: Read> Csv<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self { bytes, buffer: Vec::new(), at: 0, line: 1, begins: 1 }
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
        if self.peek()?.is_none() {
            return Ok(None);
        }
        self.begins = self.line;
        let (mut fields, mut length) = (Vec::new(), 0);
        loop {
            let (field, is_last) = self.field(&mut length)?;
            fields.push(field);
            if is_last {
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
                    break true;
                }
                Some(b'\r') if matches!(self.peek()?, Some(b'\n')) => {}
                Some(_) if is_quoted => {
                    return Err(Trouble::Wrong("something follows the end of a quoted field".to_owned()));
                }
                Some(other) => text.push(other),
            }
            Self::bounded(*length + text.len())?;
        };
        *length += text.len();
        let text = String::from_utf8(text).map_err(|_| Trouble::Wrong("a field is not UTF-8".to_owned()))?;
        Ok(((is_quoted || !text.is_empty()).then_some(text), is_last))
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
        assert!(matches!(all("a\n\"b"), Err(Trouble::Ended)));
        assert!(matches!(all("\"a\"b"), Err(Trouble::Wrong(_))));
        assert_eq!(all("").expect("nothing"), Vec::<Vec<Field>>::new());
    }
}
