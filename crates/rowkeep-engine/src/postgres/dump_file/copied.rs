//! Rows that are written as the lines of `COPY`.

use std::io::Read;

use memchr::memchr;

use super::contents::TableData;
use super::output::{Ended, Output, Shape, damaged, unreadable};
use crate::file_source::Damage;
use crate::postgres::copy_text::decode;

/// The largest row that is read, in bytes of its text.
const LARGEST_ROW_BYTES: usize = 256 << 20;

/// How much is read at once.
const READ_BYTES: usize = 512 * 1024;

/// The rows of a `COPY`, up to the line that ends them.
pub(super) fn read(
    data: &TableData,
    bytes: impl Read,
    shape: &Shape,
    output: &mut Output<'_>,
) -> Result<Ended, Damage> {
    let ended = lines(data, bytes, |number, line| {
        if let Err(error) = decode::row(line, output.batch()) {
            return Err(damaged(data, number, error.to_string()));
        }
        if output.batch().columns().len() != shape.columns {
            return Err(damaged(data, number, decode::Malformed::FieldCount.to_string()));
        }
        Ok(output.added(line.len()))
    })?;
    Ok(match ended {
        Ended::Well if !output.send() => Ended::Unwanted,
        ended => ended,
    })
}

/// Hands on the lines of a `COPY`, each with its end and its number from zero, until one is not wanted.
pub(super) fn lines(
    data: &TableData,
    mut bytes: impl Read,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, Damage>,
) -> Result<Ended, Damage> {
    let mut buffer: Vec<u8> = Vec::new();
    let (mut start, mut lines) = (0, 0u64);
    loop {
        let length = buffer.len();
        if start > 0 {
            buffer.drain(..start);
        }
        let (before, wanted) = (buffer.len(), READ_BYTES.max((length - start) / 2));
        start = 0;
        if before > LARGEST_ROW_BYTES {
            return Err(damaged(data, lines, "a row has more than 256 MiB".to_owned()));
        }
        let read = bytes.by_ref().take(wanted as u64).read_to_end(&mut buffer);
        let read = read.map_err(|error| unreadable(data, lines, &error))?;
        // Characters may be divided at the end of what was read.
        let end = buffer.len();
        let mut checked = 0;
        while let Some(found) = memchr(b'\n', &buffer[start..end]) {
            let line = start..start + found + 1;
            if line.end > checked {
                let last = memchr::memrchr(b'\n', &buffer[start..end]).map_or(line.end, |at| start + at + 1);
                if std::str::from_utf8(&buffer[checked.max(start)..last]).is_err() {
                    let wrong = first_wrong(&buffer[checked.max(start)..last]);
                    return Err(damaged(data, lines + wrong, "the text is not UTF-8".to_owned()));
                }
                checked = last;
            }
            let mut row = &buffer[line.clone()];
            start = line.end;
            if row == b"\\.\n" || row == b"\\.\r\n" {
                end_of(data, lines, &buffer[start..], &mut bytes)?;
                return Ok(Ended::Well);
            }
            let without;
            if row.ends_with(b"\r\n") {
                // Line ends of Windows: a carriage return of a value is written as an escape.
                without = [&row[..row.len() - 2], b"\n"].concat();
                row = &without;
            }
            lines += 1;
            if !take(lines - 1, row)? {
                return Ok(Ended::Unwanted);
            }
        }
        if read < wanted {
            let rest = &buffer[start..];
            return match rest {
                b"\\." => Ok(Ended::Well),
                _ => Err(damaged(data, lines, "the line that ends the rows is missing".to_owned())),
            };
        }
    }
}

/// Reads what follows the line that ends the rows, up to where sums are held against what was read: nothing but blank lines.
fn end_of(data: &TableData, lines: u64, rest: &[u8], bytes: &mut impl Read) -> Result<(), Damage> {
    let mut more = rest.to_vec();
    while more.iter().all(u8::is_ascii_whitespace) {
        more.resize(64 * 1024, 0);
        let read = bytes.read(&mut more).map_err(|error| unreadable(data, lines, &error))?;
        if read == 0 {
            return Ok(());
        }
        more.truncate(read);
    }
    Err(damaged(data, lines, "something follows the line that ends the rows".to_owned()))
}

/// In which line text is not UTF-8.
fn first_wrong(bytes: &[u8]) -> u64 {
    let wrong = bytes.split(|byte| *byte == b'\n').position(|line| std::str::from_utf8(line).is_err());
    wrong.unwrap_or(0) as u64
}
