//! Where the rows of a table are in a dump.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::archive::blocks::{BlockReader, Compression};
use crate::file_source::Packing;

/// Bytes that can be read again and again, several at once.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A part of a file.
    Section(Section),
    /// Blocks of an archive, packed one by one.
    Blocks { section: Section, integer_bytes: u8, compression: Compression },
    /// A part of a file that is packed by itself.
    Packed(Section, Packing),
    /// A file of its own.
    File(PathBuf, Packing),
}

/// A part of a file that is open.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) file: Arc<File>,
    pub(super) at: u64,
    pub(super) bytes: u64,
}

impl Place {
    /// Begins to read.
    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Place::Section(section) => Box::new(section.clone().reader()),
            Place::Packed(section, packing) => packing.unpack(section.clone().reader())?,
            Place::Blocks { section, integer_bytes, compression } => {
                let blocks = BlockReader::new(
                    io::BufReader::with_capacity(256 * 1024, section.clone().reader()),
                    *integer_bytes,
                );
                compression.unpack(blocks)?
            }
            Place::File(path, packing) => packing.unpack(File::open(path)?)?,
        })
    }

    /// About how many bytes there are.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Place::Section(section) | Place::Packed(section, _) | Place::Blocks { section, .. } => {
                section.bytes
            }
            Place::File(path, _) => std::fs::metadata(path).map_or(0, |file| file.len()),
        }
    }
}

impl Section {
    fn reader(self) -> SectionReader {
        SectionReader { section: self }
    }
}

/// Reads a part of a file by position, so that others can read the same file meanwhile.
struct SectionReader {
    section: Section,
}

impl Read for SectionReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Section { file, at, bytes } = &mut self.section;
        let wanted = usize::try_from(*bytes).unwrap_or(usize::MAX).min(into.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = read_at(file, &mut into[..wanted], *at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *at += read as u64;
        *bytes -= read as u64;
        Ok(read)
    }
}

/// Reads at a position.
#[cfg(unix)]
pub(super) fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

/// Reads at a position.
#[cfg(windows)]
pub(super) fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}
