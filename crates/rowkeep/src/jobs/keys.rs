//! Key slots: the passphrases and key files that open a repository.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rowkeep_format::ids::KeySlotId;
use rowkeep_repository::{Kdf, KeyFile, KeySlot, Lock, NewSlot, Passphrase, Repository, SlotKind};
use serde::Serialize;

use super::workspace::{Workspace, passphrase_in};
use crate::without_secrets::without_secrets;
use crate::{Error, RequestError};

/// Bytes of an id that are shown, in hexadecimal digits.
const SHORT: usize = 8;

/// A secret that is to open a repository from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewSecret {
    /// A key file, created at this path.
    KeyFile(PathBuf),
    /// The passphrase on the first line of this file.
    PassphraseFile(PathBuf),
    /// A passphrase that is asked for.
    Asked,
}

/// A key slot, for listings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotListing {
    /// Its id.
    pub id: KeySlotId,
    /// What opens it.
    pub opened_by: OpenedBy,
    /// When it was created.
    pub created: Timestamp,
    /// Its label.
    pub label: String,
    /// Whether it opened the repository this time.
    pub in_use: bool,
}

/// What opens a key slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum OpenedBy {
    /// A passphrase.
    #[serde(rename = "passphrase")]
    Passphrase,
    /// A key file.
    #[serde(rename = "key file")]
    KeyFile,
}

/// A key slot that replaced another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The new slot.
    pub slot: KeySlotId,
    /// The slot that was removed.
    pub removed: KeySlotId,
}

/// The beginning of a slot's id, by which it can be named.
pub fn short_id(id: KeySlotId) -> String {
    id.to_string()[..SHORT].to_owned()
}

/// All key slots of the repository, oldest first.
///
/// ```no_run
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let slots = rowkeep::jobs::keys::list(workspace).await?;
/// assert!(slots.iter().any(|slot| slot.in_use));
/// # Ok(())
/// # }
/// ```
pub async fn list(workspace: &Workspace) -> Result<Vec<SlotListing>, Error> {
    let repository = encrypted(workspace).await?;
    let in_use = repository.unlocked_by();
    let listing = |slot: KeySlot| SlotListing {
        id: slot.id,
        opened_by: match slot.kind {
            SlotKind::Passphrase => OpenedBy::Passphrase,
            SlotKind::KeyFile => OpenedBy::KeyFile,
        },
        created: slot.created,
        label: slot.label,
        in_use: Some(slot.id) == in_use,
    };
    Ok(repository.key_slots().await?.into_iter().map(listing).collect())
}

/// Adds a key slot. A key file that was created for it goes again when that fails.
pub async fn add(workspace: &Workspace, secret: &NewSecret, label: &str) -> Result<KeySlotId, Error> {
    let repository = encrypted(workspace).await?;
    let lock = match secret {
        NewSecret::KeyFile(path) => {
            let file = KeyFile::generate()?;
            file.write_new(path)?;
            Lock::KeyFile(file)
        }
        NewSecret::PassphraseFile(path) => passphrase(read(path)?),
        NewSecret::Asked => passphrase(asked(workspace)?),
    };
    let added = repository.add_key_slot(new_slot(workspace, lock, label)).await;
    if let (Err(_), NewSecret::KeyFile(path)) = (&added, secret) {
        let _ = std::fs::remove_file(path);
    }
    Ok(added?)
}

/// Removes the key slot whose id begins with `prefix`.
pub async fn remove(workspace: &Workspace, prefix: &str) -> Result<KeySlotId, Error> {
    let repository = encrypted(workspace).await?;
    let slots = repository.key_slots().await?;
    let found: Vec<&KeySlot> = slots.iter().filter(|slot| slot.id.to_string().starts_with(prefix)).collect();
    let [slot] = found.as_slice() else {
        return Err(
            RequestError::NotOneKeySlot { prefix: without_secrets(prefix), found: found.len() }.into()
        );
    };
    repository.remove_key_slot(slot.id).await?;
    Ok(slot.id)
}

/// Replaces the passphrase that opened the repository with another: that on the first line of a file, or one that is asked
/// for.
pub async fn change_passphrase(workspace: &Workspace, file: Option<&Path>) -> Result<Changed, Error> {
    let repository = encrypted(workspace).await?;
    let slots = repository.key_slots().await?;
    let present = slots.iter().find(|slot| Some(slot.id) == repository.unlocked_by());
    let Some(present) = present.filter(|slot| slot.kind == SlotKind::Passphrase) else {
        return Err(RequestError::OpenedByKeyFile.into());
    };
    let lock = passphrase(match file {
        Some(path) => read(path)?,
        None => asked(workspace)?,
    });
    let slot = repository.replace_key_slot(present.id, new_slot(workspace, lock, &present.label)).await?;
    Ok(Changed { slot, removed: present.id })
}

async fn encrypted(workspace: &Workspace) -> Result<&Repository, Error> {
    workspace.refuse_several()?;
    let repository = workspace.repository().await?;
    match repository.is_encrypted() {
        true => Ok(repository),
        false => Err(RequestError::NoKeySlots.into()),
    }
}

fn read(path: &Path) -> Result<Passphrase, Error> {
    passphrase_in(path).map_err(|problem| RequestError::Secret(problem).into())
}

fn asked(workspace: &Workspace) -> Result<Passphrase, Error> {
    workspace.another_passphrase()?.ok_or_else(|| RequestError::NoPassphrase.into())
}

fn passphrase(passphrase: Passphrase) -> Lock {
    Lock::Passphrase(passphrase, Kdf::DEFAULT)
}

fn new_slot(workspace: &Workspace, lock: Lock, label: &str) -> NewSlot {
    NewSlot { lock, label: label.to_owned(), created: workspace.surroundings().clock.now() }
}
