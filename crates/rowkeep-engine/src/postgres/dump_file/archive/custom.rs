//! Where the data of the entries of a custom-format archive is.
//!
//! The table of contents says it too, but not where the archive was written into a pipe; and whether the blocks are whole only
//! they themselves tell. So they are gone through once, from length to length.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use super::blocks::integer;
use super::header::Header;
use crate::file_source::Damage;
use crate::postgres::dump_file::place::{Section, read_at};

const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

/// Where blocks are, by the number of their entry.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) data: HashMap<i64, Section>,
    /// Large objects by their numbers.
    pub(super) objects: HashMap<i64, Vec<(String, Section)>>,
}

/// Goes through the blocks that begin at a place.
pub(super) fn find(file: &Arc<File>, begins: u64, header: &Header) -> (Blocks, Option<Damage>) {
    let mut blocks = Blocks::default();
    let mut walk =
        Walk { bytes: BufReader::with_capacity(64 * 1024, At { file: Arc::clone(file), at: begins }) };
    let damage = loop {
        let at = walk.position();
        match walk.block(file, header, &mut blocks) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => {
                let what = match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        "the file is cut off in the middle of this block".to_owned()
                    }
                    io::ErrorKind::InvalidData => "no block of data begins here".to_owned(),
                    _ => format!("it cannot be read: {error}"),
                };
                break Some(Damage { place: format!("byte {at}"), what });
            }
        }
    };
    (blocks, damage)
}

/// A file from a position on.
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct Walk {
    bytes: BufReader<At>,
}

impl Walk {
    fn position(&self) -> u64 {
        self.bytes.get_ref().at - self.bytes.buffer().len() as u64
    }

    /// Goes past one entry's blocks; says no at the end of the file.
    fn block(&mut self, file: &Arc<File>, header: &Header, blocks: &mut Blocks) -> io::Result<bool> {
        if self.bytes.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut kind = [0];
        self.bytes.read_exact(&mut kind)?;
        let id = integer(&mut self.bytes, header.integer_bytes)?;
        match kind[0] {
            DATA => {
                let section = self.section(file, header)?;
                blocks.data.insert(id, section);
            }
            LARGE_OBJECTS => loop {
                let objects = blocks.objects.entry(id).or_default();
                let oid = integer(&mut self.bytes, header.integer_bytes)?;
                if oid == 0 {
                    break;
                }
                let section = self.section(file, header)?;
                objects.push((oid.to_string(), section));
            },
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(true)
    }

    /// The blocks up to the one that ends them.
    fn section(&mut self, file: &Arc<File>, header: &Header) -> io::Result<Section> {
        let begins = self.position();
        loop {
            let length = integer(&mut self.bytes, header.integer_bytes)?;
            let Ok(length) = u64::try_from(length) else { return Err(io::ErrorKind::InvalidData.into()) };
            if length == 0 {
                break;
            }
            self.skip(length)?;
        }
        Ok(Section { file: Arc::clone(file), at: begins, bytes: self.position() - begins })
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let buffered = self.bytes.buffer().len() as u64;
        if length <= buffered {
            self.bytes.consume(length as usize);
            return Ok(());
        }
        self.bytes.consume(buffered as usize);
        let source = self.bytes.get_mut();
        source.at += length - buffered;
        if source.at > source.file.metadata()?.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
