//! The one file in a zip archive, read from the beginning (APPNOTE, sections 4.3 and 4.4).

use std::io::{self, BufRead, Read, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

const LOCAL_FILE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const IS_ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;

/// Reads the first file, and makes sure that it is whole and the only one.
pub(super) struct ZipReader<R: BufRead> {
    content: Content<R>,
    crc: Crc,
    /// The sum that the header has; none when it stands behind the file.
    expected: Option<u32>,
}

enum Content<R: BufRead> {
    Stored(Take<R>),
    Deflated(DeflateDecoder<R>),
    Ended,
}

impl<R: BufRead> ZipReader<R> {
    /// Reads the header of the first file.
    pub(super) fn new(mut bytes: R) -> io::Result<Self> {
        let mut header = [0; 30];
        bytes.read_exact(&mut header)?;
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        if header[..4] != LOCAL_FILE {
            return Err(wrong("it does not begin with a file"));
        }
        let (flags, method) = (short(6), short(8));
        if flags & IS_ENCRYPTED != 0 {
            return Err(wrong("it is encrypted; decrypt it first"));
        }
        let beside = u64::from(short(26)) + u64::from(short(28));
        io::copy(&mut bytes.by_ref().take(beside), &mut io::sink())?;
        let has_descriptor = flags & HAS_DESCRIPTOR != 0;
        let content = match method {
            8 => Content::Deflated(DeflateDecoder::new(bytes)),
            0 if !has_descriptor && long(18) != u32::MAX => Content::Stored(bytes.take(u64::from(long(18)))),
            _ => return Err(wrong("it is packed in a way that is not read; unpack it first")),
        };
        let expected = (!has_descriptor).then(|| long(14));
        Ok(Self { content, crc: Crc::new(), expected })
    }

    /// Holds the sum against what was read, and looks whether another file follows.
    fn end(&mut self) -> io::Result<()> {
        let mut bytes = match std::mem::replace(&mut self.content, Content::Ended) {
            Content::Stored(stored) if stored.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Content::Stored(stored) => stored.into_inner(),
            Content::Deflated(deflated) => deflated.into_inner(),
            Content::Ended => return Ok(()),
        };
        let mut word = || -> io::Result<[u8; 4]> {
            let mut word = [0; 4];
            bytes.read_exact(&mut word).map(|()| word)
        };
        let (expected, next) = match self.expected {
            Some(expected) => (expected, word()?),
            None => {
                let first = word()?;
                let sum = if first == DESCRIPTOR { word()? } else { first };
                // Two sizes of four bytes each, or of eight.
                let (_, _, mut next) = (word()?, word()?, word()?);
                if next != DIRECTORY && next != LOCAL_FILE {
                    word()?;
                    next = word()?;
                }
                (u32::from_le_bytes(sum), next)
            }
        };
        if self.crc.sum() != expected {
            return Err(wrong("the sum of its file does not hold"));
        }
        match next {
            DIRECTORY => Ok(()),
            LOCAL_FILE => Err(wrong("it holds several files; unpack it and name one")),
            _ => Err(wrong("what follows its file is not a zip archive's")),
        }
    }
}

impl<R: BufRead> Read for ZipReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Stored(stored) => stored.read(into)?,
            Content::Deflated(deflated) => deflated.read(into)?,
            Content::Ended => return Ok(0),
        };
        self.crc.update(&into[..read]);
        if read == 0 && !into.is_empty() {
            self.end()?;
        }
        Ok(read)
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
