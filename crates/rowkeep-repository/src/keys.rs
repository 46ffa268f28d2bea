//! The master key and who may have it: key slots, passphrases and key files.

mod file;
mod kdf;
mod lock;
mod slot;

use jiff::Timestamp;
use rowkeep_format::ids::{KeySlotId, RepositoryId};
use zeroize::Zeroizing;

pub use file::KeyFile;
pub use kdf::Kdf;
pub(crate) use lock::MasterKey;
pub use lock::{Lock, NewSlot, Passphrase};
pub use slot::SlotKind;
pub(crate) use slot::{Place, Slot};

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
