//! What a key slot is made of: the key that it keeps, and the secret that opens it.

use jiff::Timestamp;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::file::KeyFile;
use super::kdf::Kdf;

/// The secret from which all keys of a repository follow.
pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// A passphrase, wiped from memory when dropped. Its debug form does not show it.
pub type Passphrase = SecretString;

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
