//! Key slots in the store: writing, reading, opening one.

use bytes::Bytes;
use rowkeep_format::ids::{KeySlotId, RepositoryId};
use secrecy::ExposeSecret;

use crate::keys::{KeyFile, MasterKey, NewSlot, Passphrase, Place, Slot};
use crate::ledger::{self, Entry};
use crate::objects::{KEYS, Listed, Objects, key_slot, short_hash};
use crate::{Error, Flaw, Result};

/// No key slot is longer than this many bytes.
const MAX_SLOT_BYTES: u64 = 1 << 16;

/// No more slots than this are tried, so that slots put there by others cannot take for ever.
const MAX_SLOTS: usize = 64;

/// Makes a key slot, proves that it can be read back, and writes it.
pub(crate) async fn write(
    objects: &Objects,
    place: Place,
    new: NewSlot,
    master: &MasterKey,
) -> Result<KeySlotId> {
    let master = master.clone();
    let json = blocking(move || Ok(Slot::wrap(place, &new, &master)?.encode())).await?;
    let id = KeySlotId(short_hash(&json));
    let name = key_slot(&id);
    objects.write(&name, Bytes::from(json.clone())).await?;
    if objects.read(&name, MAX_SLOT_BYTES).await? != json {
        return Err(Error::at(name, Flaw::ReadBack));
    }
    Ok(id)
}

/// Tries a passphrase on every slot that is listed and has one.
pub(crate) async fn unlock_with_passphrase(
    objects: &Objects,
    listed: &[Listed],
    place: Place,
    passphrase: &Passphrase,
) -> Result<(KeySlotId, MasterKey)> {
    let passphrase = passphrase.clone();
    let tried = unlock(objects, listed, place, move |slot| {
        slot.unwrap_with_passphrase(place, passphrase.expose_secret())
    })
    .await?;
    tried.ok_or(Error::WrongPassphrase)
}

/// Tries a key file on every slot that is listed and has one.
pub(crate) async fn unlock_with_key_file(
    objects: &Objects,
    listed: &[Listed],
    place: Place,
    file: &KeyFile,
) -> Result<(KeySlotId, MasterKey)> {
    let file = KeyFile::parse(file.contents().expose_secret().as_bytes())?;
    let tried = unlock(objects, listed, place, move |slot| slot.unwrap_with_key_file(place, &file)).await?;
    tried.ok_or(Error::WrongKeyFile)
}

/// Finds the slot that a secret opens.
///
/// If none does, a damaged or missing slot is told rather than a wrong secret: it may have been that one.
async fn unlock(
    objects: &Objects,
    listed: &[Listed],
    place: Place,
    attempt: impl Fn(&Slot) -> Result<Option<MasterKey>> + Send + 'static,
) -> Result<Option<(KeySlotId, MasterKey)>> {
    let mut usable = Vec::new();
    let mut trouble = None;
    let mut seen = Vec::new();
    for (id, slot) in read_all(objects, listed).await? {
        seen.push(id);
        match slot {
            Ok(slot) if slot.repository == place.repository => usable.push((id, slot)),
            Ok(_) => {}
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    let (found, trouble) = blocking(move || {
        let mut trouble = trouble;
        for (id, slot) in usable {
            match attempt(&slot) {
                Ok(Some(master)) => return Ok((Some((id, master)), None)),
                Ok(None) => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        Ok((None, trouble))
    })
    .await?;
    match (found, trouble) {
        (Some(found), _) => return Ok(Some(found)),
        (None, Some(error)) => return Err(error),
        (None, None) => {}
    }
    let vanished = ledger::entries(objects).await?.into_iter().find(|entry| match entry {
        Entry::KeySlot(id) => !seen.contains(id),
        Entry::Snapshot(_) | Entry::Doubt(_) | Entry::Incomplete(_) => false,
    });
    match vanished {
        Some(entry) => Err(Error::Missing { object: entry.object() }),
        None if seen.is_empty() => Err(Error::Missing { object: format!("{KEYS}/") }),
        None => Ok(None),
    }
}

/// Reads every slot that is listed; one that cannot be used comes with the reason. Fails only if the store does.
pub(crate) async fn read_all(objects: &Objects, listed: &[Listed]) -> Result<Vec<(KeySlotId, Result<Slot>)>> {
    let mut ids: Vec<KeySlotId> = listed.iter().filter_map(id_of).collect();
    ids.sort_unstable();
    ids.truncate(MAX_SLOTS);
    let mut slots = Vec::with_capacity(ids.len());
    for id in ids {
        match read(objects, id).await {
            Err(Error::Missing { .. }) => {}
            Err(error @ (Error::Store { .. } | Error::Denied { .. })) => return Err(error),
            slot => slots.push((id, slot)),
        }
    }
    Ok(slots)
}

async fn read(objects: &Objects, id: KeySlotId) -> Result<Slot> {
    let name = key_slot(&id);
    let json = objects.read(&name, MAX_SLOT_BYTES).await?;
    if short_hash(&json) != id.0 {
        return Err(Error::at(name, Flaw::Name));
    }
    Slot::decode(&json).map_err(|flaw| Error::at(name, flaw))
}

/// Whether a slot can be used and is one of this repository.
pub(crate) async fn belongs(objects: &Objects, id: KeySlotId, repository: &RepositoryId) -> Result<bool> {
    match read(objects, id).await {
        Ok(slot) => Ok(slot.repository == *repository),
        Err(Error::Damaged { .. } | Error::Missing { .. } | Error::NewerFormat { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The id in the name of a key slot.
pub(crate) fn id_of(object: &Listed) -> Option<KeySlotId> {
    KeySlotId::from_hex(object.within(KEYS)?).ok()
}

/// Whether a name is that of a key slot or of its ledger entry.
pub(crate) fn is_slot_name(name: &str) -> bool {
    let listed = Listed { name: name.to_owned(), bytes: 0, modified_ms: 0 };
    id_of(&listed).is_some() || matches!(Entry::parse(&listed), Some(Entry::KeySlot(_)))
}

/// Runs what keeps a core busy for longer than a moment.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::System("deriving a key"))?
}
