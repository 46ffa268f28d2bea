//! What a packed file may become.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// So much may come of any file, in bytes.
const ANY_BYTES: u64 = 256 << 20;

/// Beyond that, so many times what it came from. Dumps are packed to a hundredth of their size at most, a file of zeros to a
/// thousandth.
const RATIO: u64 = 500;

/// Bytes on their way, counted.
pub(super) struct Counted<R> {
    bytes: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(super) fn new(bytes: R, count: &Arc<AtomicU64>) -> Self {
        Self { bytes, count: Arc::clone(count) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Fails for a file that was made to become more than anybody can hold.
pub(super) fn check(packed: u64, unpacked: u64) -> io::Result<()> {
    if unpacked <= ANY_BYTES || unpacked / RATIO <= packed {
        return Ok(());
    }
    let problem = format!("it becomes more than {RATIO} times its size; unpack it first if that is right");
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_far_too_much_is_refused() {
        let gib = 1 << 30;
        assert!(check(gib / 100, gib).is_ok());
        assert!(check(1000, ANY_BYTES).is_ok());
        assert!(check(gib / 1000, gib).is_err());
    }
}
