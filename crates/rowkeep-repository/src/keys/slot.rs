//! A key slot: the master key of a repository, wrapped by a passphrase or a key file.
//!
//! ```json
//! {"format":1,"repository":"…","kind":"passphrase","label":"…","created":"2026-08-01T12:00:00Z",
//!  "kdf":{"memory_kib":262144,"passes":3,"lanes":1},"salt":"…64 digits…","wrapped":"…96 digits…"}
//! ```
//!
//! A slot of kind `keyfile` has no `kdf`. The wrapped key is sealed with AES-256-GCM, a nonce of zeros (the salt makes
//! every wrapping key new) and associated data that bind everything else in the slot.

use aws_lc_rs::aead::{Aad, Nonce};
use jiff::Timestamp;
use rowkeep_format::ids::RepositoryId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::KeyFile;
use super::kdf::Kdf;
use super::lock::{Lock, MasterKey, NewSlot};
use crate::hex::Hex;
use crate::seal::{Encryption, aes_key, random};
use crate::{Error, Flaw, Result};

/// The version that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// What opens a key slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotKind {
    /// A passphrase.
    Passphrase,
    /// A key file.
    KeyFile,
}

/// Which repository a slot is for.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) repository: RepositoryId,
    pub(crate) encryption: Encryption,
}

/// A key slot as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slot {
    format: u32,
    pub(crate) repository: RepositoryId,
    pub(crate) kind: SlotKind,
    pub(crate) label: String,
    pub(crate) created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kdf: Option<Kdf>,
    salt: Hex<32>,
    wrapped: Hex<48>,
}

#[derive(Deserialize)]
struct AnyVersion {
    format: u32,
}

impl Slot {
    /// Wraps a master key. Takes as long as the key derivation does.
    pub(crate) fn wrap(place: Place, new: &NewSlot, master: &MasterKey) -> Result<Self> {
        Self::wrap_with_salt(place, new, master, random()?)
    }

    fn wrap_with_salt(place: Place, new: &NewSlot, master: &MasterKey, salt: [u8; 32]) -> Result<Self> {
        let (kind, kdf, key) = match &new.lock {
            Lock::Passphrase(passphrase, _) if passphrase.expose_secret().is_empty() => {
                return Err(Error::EmptyPassphrase);
            }
            Lock::Passphrase(passphrase, kdf) => {
                (SlotKind::Passphrase, Some(*kdf), kdf.derive(passphrase.expose_secret(), &salt)?)
            }
            Lock::KeyFile(file) => (SlotKind::KeyFile, None, file.derive(&salt)),
        };
        let mut slot = Self {
            format: FORMAT,
            repository: place.repository,
            kind,
            label: new.label.clone(),
            created: new.created,
            kdf,
            salt: Hex(salt),
            wrapped: Hex([0; 48]),
        };
        let mut sealed = Zeroizing::new(**master);
        let tag = aes_key(&key)?
            .seal_in_place_separate_tag(nonce(), Aad::from(slot.associated_data(place)), &mut sealed[..])
            .map_err(|_| Error::System("encrypting"))?;
        slot.wrapped.0[..32].copy_from_slice(&sealed[..]);
        slot.wrapped.0[32..].copy_from_slice(tag.as_ref());
        Ok(slot)
    }

    /// The master key, if the passphrase is the slot's. Takes as long as the key derivation does.
    pub(crate) fn unwrap_with_passphrase(&self, place: Place, passphrase: &str) -> Result<Option<MasterKey>> {
        match (self.kind, self.kdf) {
            (SlotKind::Passphrase, Some(kdf)) => self.unwrap(place, &*kdf.derive(passphrase, &self.salt.0)?),
            _ => Ok(None),
        }
    }

    /// The master key, if the key file is the slot's.
    pub(crate) fn unwrap_with_key_file(&self, place: Place, file: &KeyFile) -> Result<Option<MasterKey>> {
        match self.kind {
            SlotKind::KeyFile => self.unwrap(place, &file.derive(&self.salt.0)),
            SlotKind::Passphrase => Ok(None),
        }
    }

    fn unwrap(&self, place: Place, key: &[u8; 32]) -> Result<Option<MasterKey>> {
        let mut master = Zeroizing::new([0; 32]);
        let (sealed, tag) = self.wrapped.0.split_at(32);
        let aad = Aad::from(self.associated_data(place));
        match aes_key(key)?.open_separate_gather(nonce(), aad, sealed, tag, &mut master[..]) {
            Ok(()) => Ok(Some(master)),
            Err(_) => Ok(None),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).expect("a struct of text and numbers becomes JSON");
        json.push(b'\n');
        json
    }

    pub(crate) fn decode(json: &[u8]) -> Result<Self, Flaw> {
        let malformed = |_| Flaw::Malformed("the JSON");
        let AnyVersion { format } = serde_json::from_slice(json).map_err(malformed)?;
        if format > FORMAT {
            return Err(Flaw::NewerVersion { found: format, supported: FORMAT });
        }
        let slot: Self = serde_json::from_slice(json).map_err(malformed)?;
        if format != FORMAT || slot.kdf.is_some() != (slot.kind == SlotKind::Passphrase) {
            return Err(Flaw::Malformed("the JSON"));
        }
        if slot.kdf.is_some_and(|kdf| !kdf.is_sane()) {
            return Err(Flaw::Malformed("the cost of its key derivation"));
        }
        Ok(slot)
    }

    /// Everything that must not change without the wrapped key ceasing to open.
    fn associated_data(&self, place: Place) -> Vec<u8> {
        let mut aad = b"rowkeep key slot v1".to_vec();
        aad.extend_from_slice(&place.repository.0);
        let kind = match self.kind {
            SlotKind::Passphrase => "passphrase",
            SlotKind::KeyFile => "keyfile",
        };
        for text in [place.encryption.name(), kind, &self.label, &self.created.to_string()] {
            aad.extend_from_slice(&(text.len() as u32).to_le_bytes());
            aad.extend_from_slice(text.as_bytes());
        }
        aad
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
#[path = "slot_tests.rs"]
mod tests;
