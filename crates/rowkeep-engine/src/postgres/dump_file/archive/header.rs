//! The head of an archive and its table of contents (`pg_backup_archiver.c`: `ReadHead`, `ReadToc`).

use std::io::{self, Read};

use jiff::civil::{DateTime, date};

use super::blocks::{Compression, integer};

/// What every archive begins with.
pub(in crate::postgres::dump_file) const MAGIC: &[u8; 5] = b"PGDMP";

/// The versions of the format that are read: those of `pg_dump` 13 to 19.
const VERSIONS: std::ops::RangeInclusive<(u8, u8)> = (1, 12)..=(1, 16);

/// The longest text in a table of contents.
const LONGEST_BYTES: i64 = 256 << 20;

/// The most entries.
const MOST_ENTRIES: i64 = 4_000_000;

/// The head of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres::dump_file) struct Header {
    pub(in crate::postgres::dump_file) version: (u8, u8),
    pub(in crate::postgres::dump_file) integer_bytes: u8,
    pub(in crate::postgres::dump_file) offset_bytes: u8,
    pub(in crate::postgres::dump_file) format: u8,
    pub(in crate::postgres::dump_file) compression: Compression,
    pub(in crate::postgres::dump_file) created: Option<DateTime>,
    pub(in crate::postgres::dump_file) database: Option<String>,
    pub(in crate::postgres::dump_file) server: Option<String>,
    pub(in crate::postgres::dump_file) program: Option<String>,
}

/// The formats that have such a head.
pub(in crate::postgres::dump_file) const CUSTOM: u8 = 1;
pub(in crate::postgres::dump_file) const TAR: u8 = 3;
pub(in crate::postgres::dump_file) const DIRECTORY: u8 = 5;

/// When an entry is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    None,
    Before,
    Data,
    After,
}

/// An entry of the table of contents.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) has_data: bool,
    pub(super) tag: String,
    pub(super) kind: String,
    pub(super) section: Section,
    pub(super) definition: String,
    pub(super) drop: String,
    pub(super) copy: String,
    pub(super) schema: Option<String>,
    pub(super) tablespace: String,
    pub(super) access_method: String,
    pub(super) owner: String,
    /// The file that its data is in, of formats that have files.
    pub(super) file: Option<String>,
}

/// Why a head or a table of contents is not one.
#[derive(Debug)]
pub(in crate::postgres::dump_file) enum Wrong {
    /// It ends early, or cannot be read.
    Io(io::Error),
    /// It is of a version or form that is not read.
    Form(String),
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the head.
pub(in crate::postgres::dump_file) fn header(bytes: &mut impl Read) -> Result<Header, Wrong> {
    let mut magic = [0; 5];
    bytes.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(Wrong::Form("it does not begin as an archive of pg_dump does".to_owned()));
    }
    let [major, minor, _revision, integer_bytes, offset_bytes, format] = six(bytes)?;
    let version = (major, minor);
    if !VERSIONS.contains(&version) {
        return Err(Wrong::Form(format!(
            "it is an archive of version {major}.{minor}, and those of {}.{} to {}.{} are read, which pg_dump 13 to 19 make",
            VERSIONS.start().0,
            VERSIONS.start().1,
            VERSIONS.end().0,
            VERSIONS.end().1
        )));
    }
    if !(1..=8).contains(&integer_bytes) || !(1..=8).contains(&offset_bytes) {
        return Err(Wrong::Form("its numbers have a length that no machine has".to_owned()));
    }
    let compression = if minor >= 15 {
        match byte(bytes)? {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Lz4,
            3 => Compression::Zstd,
            other => {
                return Err(Wrong::Form(format!("its data is packed in a way that is not known, {other}")));
            }
        }
    } else if integer(bytes, integer_bytes)? == 0 {
        Compression::None
    } else {
        Compression::Gzip
    };
    let mut time = [0; 7];
    for part in &mut time {
        *part = integer(bytes, integer_bytes)?;
    }
    let mut header = Header {
        version,
        integer_bytes,
        offset_bytes,
        format,
        compression,
        created: created(time),
        database: None,
        server: None,
        program: None,
    };
    header.database = text(bytes, integer_bytes)?;
    header.server = text(bytes, integer_bytes)?;
    header.program = text(bytes, integer_bytes)?;
    Ok(header)
}

/// Reads the table of contents that follows the head.
pub(super) fn entries(bytes: &mut impl Read, header: &Header) -> Result<Vec<Entry>, Wrong> {
    let length = header.integer_bytes;
    let count = integer(bytes, length)?;
    if !(0..=MOST_ENTRIES).contains(&count) {
        return Err(Wrong::Form(format!("its table of contents has {count} entries")));
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(entry(bytes, header)?);
    }
    Ok(entries)
}

fn entry(bytes: &mut impl Read, header: &Header) -> Result<Entry, Wrong> {
    let length = header.integer_bytes;
    let (_, minor) = header.version;
    let id = integer(bytes, length)?;
    let has_data = integer(bytes, length)? != 0;
    // The numbers of what it was made of.
    let (_, _) = (text(bytes, length)?, text(bytes, length)?);
    let tag = text(bytes, length)?.unwrap_or_default();
    let kind = text(bytes, length)?.unwrap_or_default();
    let section = match integer(bytes, length)? {
        2 => Section::Before,
        3 => Section::Data,
        4 => Section::After,
        _ => Section::None,
    };
    let definition = text(bytes, length)?.unwrap_or_default();
    let drop = text(bytes, length)?.unwrap_or_default();
    let copy = text(bytes, length)?.unwrap_or_default();
    let schema = text(bytes, length)?.filter(|schema| !schema.is_empty());
    let tablespace = text(bytes, length)?.unwrap_or_default();
    let access_method = if minor >= 14 { text(bytes, length)?.unwrap_or_default() } else { String::new() };
    if minor >= 16 {
        integer(bytes, length)?;
    }
    let owner = text(bytes, length)?.unwrap_or_default();
    let _has_oids = text(bytes, length)?;
    while text(bytes, length)?.is_some() {}
    let file = match header.format {
        CUSTOM => {
            let mut offset = [0; 9];
            bytes.read_exact(&mut offset[..=usize::from(header.offset_bytes)])?;
            None
        }
        _ => text(bytes, length)?.filter(|file| !file.is_empty()),
    };
    Ok(Entry {
        id,
        has_data,
        tag,
        kind,
        section,
        definition,
        drop,
        copy,
        schema,
        tablespace,
        access_method,
        owner,
        file,
    })
}

fn byte(bytes: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    bytes.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn six(bytes: &mut impl Read) -> io::Result<[u8; 6]> {
    let mut six = [0; 6];
    bytes.read_exact(&mut six)?;
    Ok(six)
}

/// A text, or none.
fn text(bytes: &mut impl Read, integer_bytes: u8) -> Result<Option<String>, Wrong> {
    let length = integer(bytes, integer_bytes)?;
    if length < 0 {
        return Ok(None);
    }
    if length > LONGEST_BYTES {
        return Err(Wrong::Form(format!("its table of contents has a text of {length} bytes")));
    }
    let mut text = Vec::new();
    let read = bytes.by_ref().take(length as u64).read_to_end(&mut text)?;
    if read as i64 != length {
        return Err(Wrong::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    let text = String::from_utf8(text);
    let text =
        text.map_err(|_| Wrong::Form("its table of contents has text that is not UTF-8".to_owned()))?;
    Ok(Some(text))
}

/// Seconds, minutes, hours, day, month from zero on, years since 1900, and whether it was summer.
fn created([second, minute, hour, day, month, year, _]: [i64; 7]) -> Option<DateTime> {
    let part = |value: i64| i8::try_from(value).ok();
    let year = i16::try_from(year.checked_add(1900)?).ok().filter(|year| (1970..=9999).contains(year))?;
    let (month, day) = (part(month.checked_add(1)?)?, part(day)?);
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    let fits = is_date && is_time && jiff::civil::Date::new(year, month, day).is_ok();
    fits.then(|| date(year, month, day).at(hour as i8, minute as i8, second as i8, 0))
}
