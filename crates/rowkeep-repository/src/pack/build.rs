use bytes::Bytes;
use rowkeep_format::ids::PackId;

use super::directory::MAX_ENTRY_BYTES;
use super::read::{END, TRAILER_BYTES, open_pack};
use super::record::PackRecord;
use super::{Directory, Entry, MAX_CHUNKS, with_offsets};
use crate::compress::Compressed;
use crate::header::{PACK, Salt};
use crate::seal::{ObjectSealer, Part, SEAL_BYTES, Sealer, random};
use crate::{Error, Flaw, Result};

/// A pack that is being filled.
pub(crate) struct PackBuilder {
    target_bytes: usize,
    salt: Salt,
    sealer: ObjectSealer,
    file: Vec<u8>,
    directory: Directory,
    /// What each frame has to open to.
    proofs: Vec<blake3::Hash>,
}

/// A pack that is ready to be written.
pub(crate) struct FinishedPack {
    pub(crate) record: PackRecord,
    pub(crate) file: Bytes,
}

impl PackBuilder {
    /// Begins a pack of up to `target_bytes`, or of one chunk that is larger.
    pub(crate) fn new(sealer: &Sealer, target_bytes: usize) -> Result<Self> {
        Self::with_salt(sealer, target_bytes, random()?)
    }

    pub(super) fn with_salt(sealer: &Sealer, target_bytes: usize, salt: Salt) -> Result<Self> {
        let mut file = Vec::new();
        PACK.put(&salt, &mut file);
        let sealer = sealer.object(PACK, &salt)?;
        Ok(Self { target_bytes, salt, sealer, file, directory: Directory::default(), proofs: Vec::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.directory.entries.is_empty()
    }

    /// Whether a chunk fits without making the pack larger than it should be. Into an empty one every chunk fits.
    pub(crate) fn has_room_for(&self, chunk: &Compressed) -> bool {
        let entries = self.directory.entries.len();
        let end = (entries + 1) * MAX_ENTRY_BYTES + 4 + SEAL_BYTES + TRAILER_BYTES;
        let bytes = self.file.len() + chunk.bytes.len() + SEAL_BYTES + end;
        self.is_empty() || (bytes <= self.target_bytes && entries < MAX_CHUNKS)
    }

    /// Seals a chunk behind the others.
    pub(crate) fn push(&mut self, chunk: &Compressed) -> Result<()> {
        let frame_len = chunk.bytes.len() + SEAL_BYTES;
        if self.is_empty() {
            self.file.reserve_exact(frame_len.max(self.target_bytes));
        }
        let too_large = || {
            let (bytes, limit) = ((self.file.len() + frame_len) as u64, u64::from(u32::MAX));
            Error::TooLarge { object: "a pack".to_owned(), bytes, limit }
        };
        let offset = u32::try_from(self.file.len()).map_err(|_| too_large())?;
        let frame_len = u32::try_from(frame_len).map_err(|_| too_large())?;
        offset.checked_add(frame_len).ok_or_else(too_large)?;

        let entry = Entry { id: chunk.id, encoding: chunk.encoding, frame_len, plain_len: chunk.plain_len };
        self.sealer.seal(entry.part(offset), &chunk.bytes, &mut self.file)?;
        self.directory.entries.push(entry);
        self.proofs.push(chunk.proof);
        Ok(())
    }

    /// Completes the file, reads all of it back and names it. Takes milliseconds of one core.
    pub(crate) fn finish(mut self, sealer: &Sealer) -> Result<FinishedPack> {
        let mut directory = Vec::with_capacity(self.directory.encoded_len());
        self.directory.encode(&mut directory);
        self.file.reserve_exact(directory.len() + SEAL_BYTES + TRAILER_BYTES);
        let before = self.file.len();
        self.sealer.seal(Part::Directory, &directory, &mut self.file)?;
        let directory_len = (self.file.len() - before) as u32;
        self.file.extend_from_slice(&directory_len.to_le_bytes());
        self.file.extend_from_slice(END);

        let id = PackId(*blake3::hash(&self.file).as_bytes());
        self.read_back(sealer).map_err(|_| Error::at(format!("pack {id}"), Flaw::ReadBack))?;
        let size = self.file.len() as u64;
        let record = PackRecord { id, size, salt: self.salt, directory: self.directory };
        Ok(FinishedPack { record, file: Bytes::from(self.file) })
    }

    /// Opens the file as a reader would and compares each frame with what was to go in.
    fn read_back(&self, sealer: &Sealer) -> Result<(), Flaw> {
        let (salt, directory) = open_pack(sealer, &self.file)?;
        if salt != self.salt || directory != self.directory || self.proofs.len() != directory.entries.len() {
            return Err(Flaw::ReadBack);
        }
        let sealer = sealer.object(PACK, &salt).map_err(|_| Flaw::ReadBack)?;
        for ((offset, entry), proof) in with_offsets(&directory.entries).zip(&self.proofs) {
            let frame = frame(&self.file, offset, entry)?;
            if blake3::hash(&sealer.open(entry.part(offset), frame)?) != *proof {
                return Err(Flaw::ReadBack);
            }
        }
        Ok(())
    }
}

/// The frame of an entry in a whole file.
pub(crate) fn frame<'a>(file: &'a [u8], offset: u32, entry: &Entry) -> Result<&'a [u8], Flaw> {
    let start = offset as usize;
    file.get(start..start + entry.frame_len as usize).ok_or(Flaw::Truncated("a chunk"))
}
