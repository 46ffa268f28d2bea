//! Frames of LZ4, with the mark that ends each (LZ4 Frame Format Description, version 1.6.2).

use std::io::{self, Read};

use lz4_flex::frame::FrameDecoder;

/// The mark behind the last block of a frame.
const END: [u8; 4] = [0; 4];

/// In the fifth byte of a frame: a sum of the content follows the mark.
const HAS_SUM: u8 = 1 << 2;

/// What is in frames. The decoder takes the end of the bytes between two blocks for the end of the frame; this does not.
pub(crate) struct Lz4Reader<R: Read> {
    decoder: FrameDecoder<Watched<R>>,
}

impl<R: Read> Lz4Reader<R> {
    pub(crate) fn new(bytes: R) -> Self {
        let watched = Watched { bytes, flags: None, read: 0, last: [1; 8] };
        Self { decoder: FrameDecoder::new(watched) }
    }
}

impl<R: Read> Read for Lz4Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(into)?;
        let watched = self.decoder.get_ref();
        let is_ended = match watched.flags {
            Some(flags) if flags & HAS_SUM != 0 => watched.last[..4] == END,
            Some(_) => watched.last[4..] == END,
            None => watched.read == 0,
        };
        match read == 0 && !into.is_empty() && !is_ended {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(read),
        }
    }
}

/// Bytes, of which the last ones are remembered.
struct Watched<R> {
    bytes: R,
    flags: Option<u8>,
    read: u64,
    last: [u8; 8],
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        let (bytes, place) = (&into[..read], 4_u64.checked_sub(self.read));
        if let Some(place) = place.and_then(|place| usize::try_from(place).ok()) {
            self.flags = self.flags.or(bytes.get(place).copied());
        }
        self.read += read as u64;
        let all = [&self.last[..], &bytes[bytes.len().saturating_sub(8)..]].concat();
        self.last.copy_from_slice(&all[all.len() - 8..]);
        Ok(read)
    }
}
