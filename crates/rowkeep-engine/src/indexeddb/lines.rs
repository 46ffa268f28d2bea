//! The lines of a file: read in their order, and held against the sums that the file has of them.

use std::io::{BufRead, BufReader, Read};

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::scan::{member, members, text};
use super::store::{Header, NoHeader};
use crate::file_source::{Damage, Place, Source, Unpacked};
use crate::{EngineError, ErrorKind};

/// The longest line that is read.
const LONGEST_BYTES: u64 = 256 << 20;

const READ_BYTES: usize = 256 * 1024;

/// What a line holds.
#[derive(Debug)]
pub(super) enum Line<'l> {
    /// A part of a content, which its SHA-256 names.
    Part { name: &'l str, bytes: &'l [u8] },
    /// A record of a store, by its place in the first line; with its key where that stands beside it.
    Record { store: usize, key: Option<&'l str>, value: &'l str },
}

#[derive(Deserialize)]
struct Part<'l> {
    part: &'l str,
    bytes: &'l str,
}

#[derive(Deserialize)]
struct End {
    end: String,
    records: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct Complete {
    records: u64,
    sha256: String,
}

/// Takes lines with where they are.
pub(super) type Take<'t> = dyn FnMut(Place, Line<'_>) -> Result<(), EngineError> + 't;

/// Reads the first line of a file.
pub(super) fn header(file: &Source) -> Result<Header, EngineError> {
    let mut lines = Lines::of(file)?;
    match lines.next()? {
        true => lines.header(),
        false => Err(lines.cut_off()),
    }
}

/// Reads a file to its end; fails, where it is not as it was written, at the latest when all lines were taken.
pub(super) fn each(file: &Source, take: &mut Take<'_>) -> Result<Header, EngineError> {
    let mut lines = Lines::of(file)?;
    if !lines.next()? {
        return Err(lines.cut_off());
    }
    let header = lines.header()?;
    let mut about = Context::new(&SHA256);
    about.update(&lines.line);
    let mut own = Context::new(&SHA256);
    let (mut ended, mut records, mut all) = (0_usize, 0_u64, 0_u64);
    loop {
        if !lines.next()? {
            return Err(lines.cut_off());
        }
        let line = lines.text()?;
        if line.starts_with(r#"{"store":"#) {
            let found = members(line).ok_or_else(|| lines.damaged("it is no record"))?;
            let named = member(&found, "store").and_then(text);
            let store = header.stores.get(ended);
            let (Some(value), true) =
                (member(&found, "value"), store.is_some_and(|store| named.as_ref() == Some(&store.name)))
            else {
                let name = named.unwrap_or_default();
                return Err(lines.damaged(format!("a record of store {name} does not belong here")));
            };
            take(lines.place(), Line::Record { store: ended, key: member(&found, "key"), value })?;
            own.update(&lines.line);
            records += 1;
        } else if line.starts_with(r#"{"part":"#) {
            let part: Part<'_> = lines.parsed(line)?;
            let bytes = STANDARD.decode(part.bytes);
            let bytes = bytes.ok().filter(|bytes| hex::encode(digest(&SHA256, bytes)) == part.part);
            let bytes = bytes.ok_or_else(|| lines.damaged("a part of a content is not as it was written"))?;
            take(lines.place(), Line::Part { name: part.part, bytes: &bytes })?;
        } else if line.starts_with(r#"{"end":"#) {
            let End { end, records: said, sha256 } = lines.parsed(line)?;
            if header.stores.get(ended).is_none_or(|store| store.name != end) {
                return Err(lines.damaged(format!("the end of store {end} does not belong here")));
            }
            let sum = std::mem::replace(&mut own, Context::new(&SHA256));
            if said != records {
                return Err(lines.damaged(format!("store {end} has {records} records instead of {said}")));
            }
            if sha256 != hex::encode(sum.finish()) {
                let what = format!("the records of store {end} are not as they were written");
                return Err(lines.damaged(what));
            }
            about.update(&lines.line);
            all += std::mem::take(&mut records);
            ended += 1;
        } else {
            let Complete { records: said, sha256 } = lines.parsed(line)?;
            let is_whole = ended == header.stores.len() && records == 0 && said == all;
            if !is_whole || sha256 != hex::encode(about.finish()) {
                return Err(lines.damaged("the file is not as it was written"));
            }
            return match lines.next()? {
                false => Ok(header),
                true => Err(lines.damaged("something follows the end")),
            };
        }
    }
}

/// The lines of a file.
struct Lines<'f> {
    file: &'f Source,
    from: BufReader<Unpacked>,
    /// The one that was read last, with its line end.
    line: Vec<u8>,
    number: u64,
}

impl<'f> Lines<'f> {
    fn of(file: &'f Source) -> Result<Self, EngineError> {
        let from = BufReader::with_capacity(READ_BYTES, file.open()?);
        Ok(Self { file, from, line: Vec::new(), number: 0 })
    }

    /// Reads the next line; false at the end of the file.
    fn next(&mut self) -> Result<bool, EngineError> {
        self.line.clear();
        self.number += 1;
        let read = Read::by_ref(&mut self.from).take(LONGEST_BYTES).read_until(b'\n', &mut self.line);
        match read {
            Err(error) => Err(self.from.get_ref().failed(error)),
            Ok(0) => Ok(false),
            Ok(_) if self.line.ends_with(b"\n") => Ok(true),
            Ok(read) if read as u64 == LONGEST_BYTES => {
                Err(self.damaged(format!("the line is longer than {} MiB", LONGEST_BYTES >> 20)))
            }
            Ok(_) => Err(self.cut_off()),
        }
    }

    /// The line without its end, which is JSON.
    fn text(&self) -> Result<&str, EngineError> {
        let text = std::str::from_utf8(&self.line).map_err(|_| self.damaged("it is no UTF-8"))?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        match serde_json::from_str::<IgnoredAny>(line) {
            Ok(_) => Ok(line),
            Err(error) => Err(self.damaged(format!("it is no JSON: {error}"))),
        }
    }

    fn parsed<'l, T: Deserialize<'l>>(&self, line: &'l str) -> Result<T, EngineError> {
        serde_json::from_str(line).map_err(|error| self.damaged(format!("no such line is known: {error}")))
    }

    /// The first line, which was read.
    fn header(&self) -> Result<Header, EngineError> {
        Header::read(self.text()?).map_err(|none| match none {
            NoHeader::Wrong(what) => self.damaged(what),
            NoHeader::Newer(version) => {
                let path = self.file.path().display();
                let message = format!(
                    "{path} is of version {version} of its form, which this version of rowkeep does not read: use a newer one"
                );
                EngineError::new(ErrorKind::Unsupported, message)
            }
        })
    }

    fn place(&self) -> Place {
        Place { line: self.number }
    }

    fn damaged(&self, what: impl Into<String>) -> EngineError {
        self.file.damaged(&Damage { place: self.place().to_string(), what: what.into() })
    }

    fn cut_off(&self) -> EngineError {
        self.damaged("the file is cut off")
    }
}
