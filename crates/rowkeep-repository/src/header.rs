//! How every sealed object begins: what it is, its format version, its salt.
//!
//! ```text
//! header := magic:8 version:u32 salt:32
//! ```

use crate::Flaw;
use crate::cursor::Cursor;

/// Random bytes that make the key of one object.
pub(crate) type Salt = [u8; 32];

/// Bytes of a whole header.
pub(crate) const HEADER_BYTES: usize = TAG_BYTES + 32;

/// Bytes of magic and version, which are authenticated with everything that follows them.
pub(crate) const TAG_BYTES: usize = 12;

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Magic {
    bytes: [u8; 8],
    /// Words for errors.
    what: &'static str,
}

/// A pack.
pub(crate) const PACK: Magic = Magic { bytes: *b"rowkpack", what: "the header of a pack" };
/// An index object.
pub(crate) const INDEX: Magic = Magic { bytes: *b"rowkindx", what: "the header of an index object" };
/// A snapshot.
pub(crate) const SNAPSHOT: Magic = Magic { bytes: *b"rowksnap", what: "the header of a snapshot" };

/// A plan, or the claim to execute one.
pub(crate) const PLAN: Magic = Magic { bytes: *b"rowkplan", what: "the header of a plan" };

/// A hold.
pub(crate) const HOLD: Magic = Magic { bytes: *b"rowkhold", what: "the header of a hold" };

/// A summary object.
pub(crate) const SUMMARY: Magic = Magic { bytes: *b"rowksumm", what: "the header of a summary" };

/// A record of a prune.
pub(crate) const PRUNE: Magic = Magic { bytes: *b"rowkprun", what: "the header of a record of a prune" };

/// What was left alone of the changes that a safety snapshot was taken for.
pub(crate) const LEFT: Magic = Magic { bytes: *b"rowkleft", what: "the header of what was left alone" };

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

impl Magic {
    /// Magic and version.
    pub(crate) fn tag(self) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        tag[..8].copy_from_slice(&self.bytes);
        tag[8..].copy_from_slice(&VERSION.to_le_bytes());
        tag
    }

    /// Appends a header.
    pub(crate) fn put(self, salt: &Salt, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tag());
        out.extend_from_slice(salt);
    }

    /// Reads the header at the start of an object; gives the salt.
    pub(crate) fn read(self, object: &[u8]) -> Result<Salt, Flaw> {
        let mut cursor = Cursor::new(object, self.what);
        if cursor.array::<8>()? != self.bytes {
            return Err(Flaw::Malformed(self.what));
        }
        match cursor.u32()? {
            VERSION => cursor.array(),
            0 => Err(Flaw::Malformed(self.what)),
            found => Err(Flaw::NewerVersion { found, supported: VERSION }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        let mut header = Vec::new();
        PACK.put(&[7; 32], &mut header);
        assert_eq!(header.len(), HEADER_BYTES);
        assert_eq!(PACK.read(&header), Ok([7; 32]));
        assert_eq!(INDEX.read(&header), Err(Flaw::Malformed("the header of an index object")));
        for len in 0..HEADER_BYTES {
            assert_eq!(
                PACK.read(&header[..len]),
                Err(Flaw::Truncated("the header of a pack")),
                "{len} bytes"
            );
        }
        header[8] = 2;
        assert_eq!(PACK.read(&header), Err(Flaw::NewerVersion { found: 2, supported: 1 }));
        header[8] = 0;
        assert_eq!(PACK.read(&header), Err(Flaw::Malformed("the header of a pack")));
    }
}
