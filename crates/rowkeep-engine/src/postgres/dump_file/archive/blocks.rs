//! The data of an entry in a custom-format archive: blocks with their lengths, packed as one stream.

use std::io::{self, BufReader, Read};

use flate2::read::ZlibDecoder;
use lz4_flex::frame::FrameDecoder;

/// What the data of an archive is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres::dump_file) enum Compression {
    /// Nothing.
    None,
    /// zlib streams, or gzip where each entry is a file.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Compression {
    /// What is in a stream that is packed so.
    pub(in crate::postgres::dump_file) fn unpack(
        self,
        bytes: impl Read + Send + 'static,
    ) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::None => Box::new(bytes),
            Self::Gzip => Box::new(ZlibDecoder::new(bytes)),
            Self::Lz4 => Box::new(FrameDecoder::new(bytes)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::new(bytes))?),
        })
    }
}

/// Reads an integer of an archive: a sign, then bytes from the lowest on.
pub(super) fn integer(bytes: &mut impl Read, length: u8) -> io::Result<i64> {
    let mut sign = [0];
    bytes.read_exact(&mut sign)?;
    let mut digits = [0u8; 8];
    let length = usize::from(length);
    if length > digits.len() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    bytes.read_exact(&mut digits[..length])?;
    let value = i64::try_from(u64::from_le_bytes(digits)).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(if sign[0] == 0 { value } else { -value })
}

/// The bytes in blocks, up to the block without any.
pub(in crate::postgres::dump_file) struct BlockReader<R> {
    bytes: R,
    integer_bytes: u8,
    left: u64,
    is_end: bool,
}

impl<R: Read> BlockReader<R> {
    pub(in crate::postgres::dump_file) fn new(bytes: R, integer_bytes: u8) -> Self {
        Self { bytes, integer_bytes, left: 0, is_end: false }
    }
}

impl<R: Read> Read for BlockReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.left == 0 && !self.is_end {
            let length = integer(&mut self.bytes, self.integer_bytes)?;
            self.left = u64::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?;
            self.is_end = length == 0;
        }
        if self.is_end {
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.bytes.read(&mut into[..wanted])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
