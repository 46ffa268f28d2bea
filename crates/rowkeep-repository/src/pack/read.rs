use super::Directory;
use crate::Flaw;
use crate::cursor::Cursor;
use crate::header::{HEADER_BYTES, PACK, Salt};
use crate::seal::{Part, SEAL_BYTES, Sealer};

/// The last bytes of a pack.
pub(super) const END: &[u8; 8] = b"rowkpend";

/// Bytes behind the directory.
pub(crate) const TRAILER_BYTES: usize = 4 + END.len();

/// Reads the end of a pack of `size` bytes: how long the sealed directory before it is.
pub(crate) fn directory_len(trailer: &[u8], size: u64) -> Result<u32, Flaw> {
    let mut cursor = Cursor::new(trailer, "the end of the pack");
    let len = cursor.u32()?;
    if cursor.array()? != *END {
        return Err(Flaw::Malformed("the end of the pack"));
    }
    cursor.end()?;
    let least = (HEADER_BYTES + TRAILER_BYTES) as u64;
    if (len as usize) < SEAL_BYTES + 4 || u64::from(len) + least > size {
        return Err(Flaw::Malformed("the length of the directory"));
    }
    Ok(len)
}

/// Opens the sealed directory of a pack of `size` bytes.
pub(crate) fn open_directory(
    sealer: &Sealer,
    salt: &Salt,
    sealed: &[u8],
    size: u64,
) -> Result<Directory, Flaw> {
    let object = sealer.object(PACK, salt).map_err(|_| Flaw::Seal("the directory of the pack"))?;
    let plain = object.open(Part::Directory, sealed)?;
    let mut cursor = Cursor::new(&plain, "the directory of the pack");
    let directory = Directory::decode(&mut cursor)?;
    cursor.end()?;
    let expected = (HEADER_BYTES + sealed.len() + TRAILER_BYTES) as u64 + directory.frames_len();
    if size != expected {
        return Err(Flaw::Size { found: size, expected });
    }
    Ok(directory)
}

/// Opens the directory of a whole pack.
pub(crate) fn open_pack(sealer: &Sealer, file: &[u8]) -> Result<(Salt, Directory), Flaw> {
    let salt = PACK.read(file)?;
    let size = file.len() as u64;
    let (before, trailer) =
        file.split_last_chunk::<TRAILER_BYTES>().ok_or(Flaw::Truncated("the end of the pack"))?;
    let len = directory_len(trailer, size)? as usize;
    let sealed = before.len().checked_sub(len).and_then(|start| before.get(start..));
    let sealed = sealed.ok_or(Flaw::Malformed("the length of the directory"))?;
    Ok((salt, open_directory(sealer, &salt, sealed, size)?))
}
