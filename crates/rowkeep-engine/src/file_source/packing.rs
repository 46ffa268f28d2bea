//! How a file is packed, by its first bytes: names say little.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::lz4::Lz4Reader;
use super::zip::ZipReader;

/// The most that a window of zstd may take, as a power of two: what `zstd --ultra --long=27` makes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What a file is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Nothing.
    None,
    /// gzip, in one part or several.
    Gzip,
    /// Zstandard frames.
    Zstd,
    /// xz.
    Xz,
    /// A frame of LZ4.
    Lz4,
    /// A zip archive of one file.
    Zip,
}

impl Packing {
    /// By the first bytes of a file.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            _ => Self::None,
        }
    }

    /// What people call it.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Xz => Some("xz"),
            Self::Lz4 => Some("lz4"),
            Self::Zip => Some("zip"),
        }
    }

    /// What is in bytes that are packed so. An end that comes too early and sums that do not hold are errors.
    pub(crate) fn unpack(self, bytes: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let bytes = BufReader::with_capacity(256 * 1024, bytes);
        Ok(match self {
            Self::None => Box::new(bytes),
            Self::Gzip => Box::new(GzipReader(Some(GzDecoder::new(bytes)))),
            Self::Zstd => {
                let mut bytes = bytes;
                // `pg_dump` writes nothing at all where there is nothing to pack.
                if bytes.fill_buf()?.is_empty() {
                    return Ok(Box::new(bytes));
                }
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Xz => Box::new(XzReader::new(bytes, true)),
            Self::Lz4 => Box::new(Lz4Reader::new(bytes)),
            Self::Zip => Box::new(ZipReader::new(bytes)?),
        })
    }
}

/// The parts of a file of gzip, one after the other. Zeros behind the last are room that was left, all else is wrong.
struct GzipReader<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.0 {
            let read = part.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(mut rest) = self.0.take().map(GzDecoder::into_inner) else { break };
            self.0 = match rest.fill_buf()?.first() {
                None => None,
                Some(0x1f) => Some(GzDecoder::new(rest)),
                Some(_) => {
                    while let [first, ..] = rest.fill_buf()? {
                        if *first != 0 {
                            let wrong = "something follows the end of its data";
                            return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
                        }
                        rest.consume(1);
                    }
                    None
                }
            };
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What `xz` makes of the text.
    const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a30100076f6e650a74776f0a0051ab9eaf5775704900012008bb19d9bb1fb6f37d010000000004595a";
    const TEXT: &[u8] = b"one\ntwo\n";

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Packing::of(bytes).unpack(io::Cursor::new(bytes.to_vec()))?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn packed() -> Vec<Vec<u8>> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(TEXT).expect("it is packed");
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(TEXT).expect("it is packed");
        let zstd = zstd::stream::encode_all(TEXT, 3).expect("it is packed");
        vec![gzip.finish().expect("it is packed"), lz4.finish().expect("it is packed"), zstd, zip()]
    }

    /// An archive of one file whose sum and sizes stand behind it.
    fn zip() -> Vec<u8> {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflate.write_all(TEXT).expect("it is packed");
        let data = deflate.finish().expect("it is packed");
        let mut crc = flate2::Crc::new();
        crc.update(TEXT);
        let mut zip = b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\0\0".to_vec();
        zip.extend([0; 12]);
        zip.extend(b"\x01\0\0\0a");
        zip.extend(&data);
        zip.extend(b"PK\x07\x08");
        for number in [crc.sum(), data.len() as u32, TEXT.len() as u32] {
            zip.extend(number.to_le_bytes());
        }
        zip.extend(b"PK\x01\x02 and the directory");
        zip
    }

    #[test]
    fn every_packing_is_known_by_its_content() {
        for packed in packed() {
            assert_eq!(unpacked(&packed).expect("it is whole"), TEXT, "{:?}", Packing::of(&packed));
        }
        assert_eq!(unpacked(TEXT).expect("it is not packed"), TEXT);
        let gzip = &packed()[0];
        assert_eq!(unpacked(&gzip.repeat(2)).expect("it is whole"), TEXT.repeat(2));
        assert_eq!(unpacked(&[&gzip[..], &[0; 600]].concat()).expect("it is whole"), TEXT);
        let behind = unpacked(&[&gzip[..], b"garbage"].concat()).expect_err("something follows");
        assert_eq!(behind.kind(), io::ErrorKind::InvalidData);
        let xz = hex::decode(XZ).expect("they are digits");
        assert_eq!((Packing::of(&xz), unpacked(&xz).expect("it is whole")), (Packing::Xz, TEXT.to_vec()));
        assert!(unpacked(&xz[..xz.len() - 20]).is_err());
    }

    #[test]
    fn files_that_are_cut_off_or_changed_are_not_taken_for_whole() {
        for packed in packed() {
            let packing = Packing::of(&packed);
            // A zip archive is read up to where its directory begins.
            let end = if packing == Packing::Zip { packed.len() - 22 } else { packed.len() };
            for length in 8..end {
                let found = unpacked(&packed[..length]);
                assert!(found.is_err(), "{packing:?} cut at {length}: {found:?}");
            }
            for place in 0..packed.len() {
                let mut flipped = packed.clone();
                flipped[place] ^= 0x10;
                // Some bytes say nothing of the content; whatever comes, it is no panic.
                let _ = unpacked(&flipped);
            }
        }
    }
}
