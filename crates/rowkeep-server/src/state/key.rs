//! The key of the state, which lies beside it: whoever has a copy of the state has none of the secrets in it.

use std::path::Path;

use secrecy::{ExposeSecret, SecretBox};

use super::failure;
use super::transaction::Transaction;
use crate::Error;

/// The bytes of the key.
pub(crate) const KEY_BYTES: usize = 32;

/// The key.
pub(crate) type Key = SecretBox<[u8; KEY_BYTES]>;

/// The key that a file holds, if it is there.
pub(crate) fn read(path: &Path) -> Result<Option<Key>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let bytes: [u8; KEY_BYTES] =
                bytes.try_into().map_err(|_| Error::OtherFile { path: path.to_owned() })?;
            Ok(Some(SecretBox::new(Box::new(bytes))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

/// Writes a key into a file that is not there yet.
pub(super) fn write(path: &Path, key: &Key) -> Result<(), Error> {
    let written = rowkeep::private_files::write(path, key.expose_secret());
    written.map_err(|source| Error::File { path: path.to_owned(), source })
}

/// What the state knows of a key, and from which nobody learns it.
pub(crate) fn mark(key: &[u8; KEY_BYTES]) -> [u8; 32] {
    blake3::derive_key("rowkeep 2026-11-29 mark of the key of a state", key)
}

/// Notes the key by its mark; whether it is the one that sealed the secrets in the state, or there are none.
pub(super) fn settle(transaction: &Transaction<'_>, mark: [u8; 32]) -> failure::Result<bool> {
    let known: Option<Vec<u8>> =
        transaction.query_optional("SELECT mark FROM key_mark", &[], |row| row.get(0))?;
    match known {
        Some(known) if known == mark => return Ok(true),
        Some(_) if has_sealed(transaction)? => return Ok(false),
        _ => {}
    }
    let set = "INSERT INTO key_mark (one, mark) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET mark = excluded.mark";
    transaction.execute(set, params![mark])?;
    Ok(true)
}

/// Forgets which key it was, of a state whose key is lost: secrets that it sealed cannot be read any more.
pub(crate) fn forget(transaction: &Transaction<'_>) -> failure::Result<()> {
    transaction.execute("DELETE FROM key_mark", &[]).map(drop)
}

/// Whether the state holds a secret that a key has sealed.
fn has_sealed(transaction: &Transaction<'_>) -> failure::Result<bool> {
    let query =
        "SELECT EXISTS (SELECT 1 FROM users WHERE second_factor IS NOT NULL OR begun_factor IS NOT NULL)";
    transaction.query_row(query, &[], |row| row.get(0))
}
