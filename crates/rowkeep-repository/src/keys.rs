//! The master key and who may have it: key slots, passphrases and key files.

mod file;
mod kdf;
mod slot;

use jiff::Timestamp;
use rowkeep_format::ids::{KeySlotId, RepositoryId};
use zeroize::Zeroizing;

pub use file::KeyFile;
pub use kdf::Kdf;
pub use slot::SlotKind;
pub(crate) use slot::{Place, Slot};

/// The secret from which all keys of a repository follow.
pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// A passphrase, wiped from memory when dropped.
pub type Passphrase = Zeroizing<String>;

/// What a new key slot is to be opened with.
pub enum Lock {
    /// A passphrase, by Argon2id.
    Passphrase(Passphrase, Kdf),
    /// A key file, which the caller has stored away already.
    KeyFile(KeyFile),
}

/// A key slot that is to be made.
pub struct NewSlot {
    /// What opens it.
    pub lock: Lock,
    /// Words by which people tell it from others.
    pub label: String,
    /// The time now.
    pub created: Timestamp,
}

/// A key slot of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
    /// Its name.
    pub id: KeySlotId,
    /// What opens it.
    pub kind: SlotKind,
    /// Words by which people tell it from others.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
}

/// The key of a repository that is not encrypted, which anybody can compute.
pub(crate) fn public_master_key(repository: &RepositoryId) -> MasterKey {
    Zeroizing::new(blake3::derive_key("rowkeep v1 2026 public master key", &repository.0))
}
