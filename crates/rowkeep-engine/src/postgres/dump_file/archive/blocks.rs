//! The data of an entry in a custom-format archive: blocks with their lengths, packed as one stream.

use std::io::{self, BufReader, Read};

use flate2::read::ZlibDecoder;

use crate::file_source::Lz4Reader;

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
            Self::Lz4 => Box::new(Lz4Reader::new(bytes)),
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn blocks(data: &[u8]) -> Vec<u8> {
        let number = |length: usize| [&[0][..], &(length as u32).to_le_bytes()].concat();
        let each = data.chunks(7).flat_map(|block| [number(block.len()), block.to_vec()].concat());
        each.chain(number(0)).collect()
    }

    #[test]
    fn blocks_of_every_packing_are_read_to_their_end() {
        let text = "1\tone\n".repeat(40).into_bytes();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&text).expect("it is packed");
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(&text).expect("it is packed");
        for (compression, packed) in [
            (Compression::None, text.clone()),
            (Compression::Gzip, zlib.finish().expect("it is packed")),
            (Compression::Lz4, lz4.finish().expect("it is packed")),
            (Compression::Zstd, zstd::stream::encode_all(&text[..], 3).expect("it is packed")),
        ] {
            let read = |blocks: Vec<u8>| -> io::Result<Vec<u8>> {
                let mut out = Vec::new();
                let blocks = BlockReader::new(io::Cursor::new(blocks), 4);
                compression.unpack(blocks)?.read_to_end(&mut out)?;
                Ok(out)
            };
            let whole = blocks(&packed);
            assert_eq!(read(whole.clone()).expect("it is whole"), text, "{compression:?}");
            for length in 0..whole.len() - 5 {
                assert!(read(whole[..length].to_vec()).is_err(), "{compression:?} cut at {length}");
            }
        }
    }
}
