//! The large objects of a dump, as rows.

mod owners;

use std::io::Read;

use rowkeep_format::{RowBatch, Value};

pub(super) use owners::objects;

use super::contents::ObjectData;
use super::output::{Ended, Output};
use super::pieces::{Pieces, Trouble};
use crate::file_source::Damage;
use crate::postgres::catalog::large_objects::PAGE_BYTES;
use crate::postgres::schema::cursor::Cursor;

/// Sends the contents of large objects, page by page, in the order of their numbers.
pub(super) fn read(data: &[ObjectData], output: &mut Output<'_>) -> Result<Ended, Damage> {
    for object in data {
        let wrong = |what: String| Damage { place: format!("large object {}", object.oid), what };
        let bytes =
            object.place.open().map_err(|error| wrong(format!("its data cannot be read: {error}")))?;
        let mut bytes: Box<dyn Read> = match object.is_script {
            true => Box::new(Written { pieces: Pieces::new(bytes), ready: Vec::new(), taken: 0 }),
            false => bytes,
        };
        for page in 0u64.. {
            let mut content = Vec::new();
            let read = bytes.by_ref().take(PAGE_BYTES).read_to_end(&mut content);
            let read = read.map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => wrong("the file is cut off".to_owned()),
                _ => wrong(format!("its data cannot be read: {error}")),
            })?;
            if read == 0 {
                break;
            }
            let number = page.to_string();
            let row =
                [Value::Text(object.oid.as_bytes()), Value::Text(number.as_bytes()), Value::Blob(&content)];
            push(output.batch(), row);
            if !output.added(read) {
                return Ok(Ended::Unwanted);
            }
            if (read as u64) < PAGE_BYTES {
                break;
            }
        }
    }
    Ok(if output.send() { Ended::Well } else { Ended::Unwanted })
}

fn push(batch: &mut RowBatch, row: [Value<'_>; 3]) {
    batch.push_row(row);
}

/// The bytes that statements write into a large object.
struct Written<R> {
    pieces: Pieces<R>,
    ready: Vec<u8>,
    taken: usize,
}

impl<R: Read> Read for Written<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.taken == self.ready.len() {
            let piece = match self.pieces.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(0),
                Err(Trouble::Io(error)) => return Err(error),
                Err(_) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            };
            self.taken = 0;
            self.ready = written(piece.code)?;
        }
        let length = into.len().min(self.ready.len() - self.taken);
        into[..length].copy_from_slice(&self.ready[self.taken..][..length]);
        self.taken += length;
        Ok(length)
    }
}

/// `SELECT pg_catalog.lowrite(0, '\x00ff');`; other statements write nothing.
fn written(code: &[u8]) -> std::io::Result<Vec<u8>> {
    let wrong =
        || std::io::Error::new(std::io::ErrorKind::InvalidData, "its bytes are not in hexadecimal digits");
    let text = std::str::from_utf8(code).map_err(|_| wrong())?;
    let Some((_, arguments)) = text.split_once("lowrite(") else { return Ok(Vec::new()) };
    let (_, literal) = arguments.split_once(',').ok_or_else(wrong)?;
    let literal = Cursor::new(literal.trim_start()).literal().ok_or_else(wrong)?;
    let digits = literal.strip_prefix("\\x").ok_or_else(wrong)?;
    hex::decode(digits).map_err(|_| wrong())
}
