//! A document: an object that is sealed in one piece, an index object or a snapshot.
//!
//! ```text
//! document := header seal(plain_len:u32 zstd_frame)
//! ```

use crate::compress;
use crate::cursor::Cursor;
use crate::header::{HEADER_BYTES, Magic, Salt};
use crate::seal::{Part, SEAL_BYTES, Sealer};
use crate::{Error, Flaw, Result};

/// No document is longer, before compression, than this many bytes.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 256 << 20;

/// No object that holds a document is longer than this many bytes.
pub(crate) const MAX_OBJECT_BYTES: u64 = MAX_DOCUMENT_BYTES + (1 << 20);

const LEVEL: i32 = 3;

/// Makes the bytes of a document and opens them again.
pub(crate) fn seal(sealer: &Sealer, magic: Magic, salt: &Salt, plain: &[u8], what: &str) -> Result<Vec<u8>> {
    if plain.len() as u64 > MAX_DOCUMENT_BYTES {
        let (bytes, limit) = (plain.len() as u64, MAX_DOCUMENT_BYTES);
        return Err(Error::TooLarge { object: what.to_owned(), bytes, limit });
    }
    let mut content = Vec::with_capacity(plain.len() / 2 + 64);
    content.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    content.extend_from_slice(&compress::zstd(plain, LEVEL)?);

    let mut object = Vec::with_capacity(HEADER_BYTES + content.len() + SEAL_BYTES);
    magic.put(salt, &mut object);
    sealer.object(magic, salt)?.seal(Part::Document, &content, &mut object)?;
    match open(sealer, magic, &object) {
        Ok(read) if read == plain => Ok(object),
        _ => Err(Error::at(what, Flaw::ReadBack)),
    }
}

/// Opens a document.
pub(crate) fn open(sealer: &Sealer, magic: Magic, object: &[u8]) -> Result<Vec<u8>, Flaw> {
    let salt = magic.read(object)?;
    let sealer = sealer.object(magic, &salt).map_err(|_| Flaw::Seal("the content"))?;
    let content = sealer.open(Part::Document, &object[HEADER_BYTES..])?;
    let mut cursor = Cursor::new(&content, "the content");
    let plain_len = cursor.u32()?;
    if u64::from(plain_len) > MAX_DOCUMENT_BYTES {
        return Err(Flaw::Malformed("the content"));
    }
    compress::unzstd(cursor.rest(), plain_len, None).ok_or(Flaw::Compression("the content"))
}

#[cfg(test)]
mod tests {
    use rowkeep_format::ids::RepositoryId;

    use super::*;
    use crate::Encryption;
    use crate::header::{INDEX, SNAPSHOT};

    fn sealer(encryption: Encryption) -> Sealer {
        Sealer::new(RepositoryId([0xab; 16]), encryption, &[7; 32])
    }

    #[test]
    fn every_truncation_and_every_altered_bit_is_noticed() {
        for encryption in [Encryption::Aes256Gcm, Encryption::None] {
            let sealer = sealer(encryption);
            let object = seal(&sealer, SNAPSHOT, &[3; 32], b"a manifest", "the manifest").expect("seals");
            assert_eq!(open(&sealer, SNAPSHOT, &object).as_deref(), Ok(&b"a manifest"[..]));
            assert!(open(&sealer, INDEX, &object).is_err());
            for len in 0..object.len() {
                assert!(open(&sealer, SNAPSHOT, &object[..len]).is_err(), "{len} bytes");
            }
            for bit in 0..object.len() * 8 {
                let mut altered = object.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                assert!(open(&sealer, SNAPSHOT, &altered).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn content_that_announces_the_wrong_length_is_refused() {
        let sealer = sealer(Encryption::None);
        let packed = compress::zstd(b"a manifest", 3).expect("compresses");
        for plain_len in [0, 9, 11, u32::MAX] {
            let mut object = Vec::new();
            SNAPSHOT.put(&[3; 32], &mut object);
            let content = [&plain_len.to_le_bytes()[..], &packed].concat();
            let part = sealer.object(SNAPSHOT, &[3; 32]).expect("a key");
            part.seal(Part::Document, &content, &mut object).expect("seals");
            assert!(open(&sealer, SNAPSHOT, &object).is_err(), "{plain_len}");
        }
    }
}
