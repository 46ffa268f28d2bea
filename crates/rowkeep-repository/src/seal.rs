//! Sealing: what makes an object unreadable without the key and any change to it noticed.
//!
//! Every object has a salt of its own; the key of the object is the keyed BLAKE3 hash of the salt under the
//! repository's seal key. A part of an object (a frame of a pack, its directory, a whole document) is sealed under
//! that key with a nonce that no other part of the object has, and with associated data that say where it belongs.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rowkeep_format::ids::{ChunkId, RepositoryId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::header::{Magic, Salt, TAG_BYTES};
use crate::randomness::SystemRandomness;
use crate::{Error, Flaw, Result};

/// Bytes by which sealing makes anything longer.
pub(crate) const SEAL_BYTES: usize = 16;

/// How a repository is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encryption {
    /// Encrypted and authenticated.
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// Readable by everybody; changes by accident are noticed, changes on purpose are not.
    #[serde(rename = "none")]
    None,
}

impl Encryption {
    /// The word that stands in the config.
    pub fn name(self) -> &'static str {
        match self {
            Encryption::Aes256Gcm => "aes-256-gcm",
            Encryption::None => "none",
        }
    }
}

/// Which part of an object is sealed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// A chunk in a pack; its nonce is the offset of the frame in the pack.
    Frame { offset: u32, id: &'a ChunkId, encoding: u8, plain_len: u32, base: Option<&'a ChunkId> },
    /// The directory of a pack; its nonce is all ones.
    Directory,
    /// All of an object behind its header; its nonce is zero.
    Document,
}

impl Part<'_> {
    fn nonce(&self) -> [u8; 12] {
        match self {
            Part::Frame { offset, .. } => {
                let mut nonce = [0; 12];
                nonce[..4].copy_from_slice(&offset.to_le_bytes());
                nonce
            }
            Part::Directory => [0xff; 12],
            Part::Document => [0; 12],
        }
    }

    fn describe(&self, out: &mut Vec<u8>) {
        match *self {
            Part::Frame { id, encoding, plain_len, base, .. } => {
                out.push(1);
                out.extend_from_slice(&id.0);
                out.push(encoding);
                out.extend_from_slice(&plain_len.to_le_bytes());
                if let Some(base) = base {
                    out.extend_from_slice(&base.0);
                }
            }
            Part::Directory => out.push(2),
            Part::Document => out.push(3),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Part::Frame { .. } => "a chunk",
            Part::Directory => "the directory of the pack",
            Part::Document => "the content",
        }
    }
}

/// Makes the keys of objects.
pub(crate) struct Sealer {
    repository: RepositoryId,
    encryption: Encryption,
    key: Zeroizing<[u8; 32]>,
}

impl Sealer {
    pub(crate) fn new(repository: RepositoryId, encryption: Encryption, master: &[u8; 32]) -> Self {
        let key = Zeroizing::new(blake3::derive_key("rowkeep v1 2026 seal", master));
        Self { repository, encryption, key }
    }

    /// The sealer of one object.
    pub(crate) fn object(&self, magic: Magic, salt: &Salt) -> Result<ObjectSealer> {
        let key = Zeroizing::new(*blake3::keyed_hash(&self.key, salt).as_bytes());
        let suite = match self.encryption {
            Encryption::Aes256Gcm => Suite::Aes256Gcm(aes_key(&key)?),
            Encryption::None => Suite::Checksum(key),
        };
        let mut place = [0; 16 + TAG_BYTES];
        place[..16].copy_from_slice(&self.repository.0);
        place[16..].copy_from_slice(&magic.tag());
        Ok(ObjectSealer { suite, place })
    }
}

/// Makes an AES-256-GCM key.
pub(crate) fn aes_key(key: &[u8; 32]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::System("making an encryption key"))?;
    Ok(LessSafeKey::new(key))
}

/// Seals and opens the parts of one object.
pub(crate) struct ObjectSealer {
    suite: Suite,
    /// Repository id, magic and version: how the associated data of every part begin.
    place: [u8; 16 + TAG_BYTES],
}

enum Suite {
    Aes256Gcm(LessSafeKey),
    Checksum(Zeroizing<[u8; 32]>),
}

impl ObjectSealer {
    /// Appends `plain`, sealed, to `out`: as many bytes and [`SEAL_BYTES`] more.
    pub(crate) fn seal(&self, part: Part<'_>, plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let (nonce, aad) = (part.nonce(), self.associated_data(part));
        let start = out.len();
        out.extend_from_slice(plain);
        match &self.suite {
            Suite::Aes256Gcm(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&aad), &mut out[start..])
                    .map_err(|_| Error::System("encrypting"))?;
                out.extend_from_slice(tag.as_ref());
            }
            Suite::Checksum(key) => {
                let checksum = checksum(key, &nonce, &aad, plain);
                out.extend_from_slice(&checksum);
            }
        }
        Ok(())
    }

    /// Opens what [`ObjectSealer::seal`] made for the same part.
    pub(crate) fn open(&self, part: Part<'_>, sealed: &[u8]) -> Result<Vec<u8>, Flaw> {
        let (content, tag) = sealed.split_last_chunk::<SEAL_BYTES>().ok_or(Flaw::Truncated(part.name()))?;
        let (nonce, aad) = (part.nonce(), self.associated_data(part));
        match &self.suite {
            Suite::Aes256Gcm(key) => {
                let mut plain = vec![0; content.len()];
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_separate_gather(nonce, Aad::from(&aad), content, tag, &mut plain)
                    .map_err(|_| Flaw::Seal(part.name()))?;
                Ok(plain)
            }
            Suite::Checksum(key) if checksum(key, &nonce, &aad, content) == *tag => Ok(content.to_vec()),
            Suite::Checksum(_) => Err(Flaw::Seal(part.name())),
        }
    }

    fn associated_data(&self, part: Part<'_>) -> Vec<u8> {
        let mut aad = Vec::with_capacity(self.place.len() + 70);
        aad.extend_from_slice(&self.place);
        part.describe(&mut aad);
        aad
    }
}

/// What stands in the place of the authentication tag when nothing is encrypted.
fn checksum(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], content: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(nonce);
    hasher.update(&(aad.len() as u32).to_le_bytes());
    hasher.update(aad);
    hasher.update(content);
    let mut checksum = [0; SEAL_BYTES];
    hasher.finalize_xof().fill(&mut checksum);
    checksum
}

/// Random bytes for salts, ids and keys.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    SystemRandomness::shared().bytes()
}
