//! The key slots of a repository: adding, listing, removing.

use rowkeep_format::ids::KeySlotId;

use crate::keys::{KeySlot, NewSlot, Slot};
use crate::ledger::{self, Entry};
use crate::objects::{KEYS, key_slot};
use crate::slot_objects::{read_all, write};
use crate::{Error, Repository, Result};

impl Repository {
    /// Lists the key slots, oldest first. A repository that is not encrypted has none.
    ///
    /// Slots that are damaged, or of another repository, are left out: [`Repository::check`] tells of them.
    pub async fn key_slots(&self) -> Result<Vec<KeySlot>> {
        let mut slots = Vec::new();
        let listed = self.objects().list(KEYS).await?;
        for (id, slot) in read_all(self.objects(), &listed).await? {
            match slot {
                Ok(slot) if slot.repository == self.id() => {
                    let Slot { kind, label, created, .. } = slot;
                    slots.push(KeySlot { id, kind, label, created });
                }
                Ok(_) | Err(Error::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        slots.sort_by_key(|slot| (slot.created, slot.id));
        Ok(slots)
    }

    /// Adds a key slot, so that another secret opens the repository too.
    ///
    /// Fails with [`Error::NotEncrypted`] on a repository that has no key to give.
    pub async fn add_key_slot(&self, new: NewSlot) -> Result<KeySlotId> {
        if !self.is_encrypted() {
            return Err(Error::NotEncrypted);
        }
        self.still_there().await?;
        let id = write(self.objects(), self.place(), new, self.master()).await?;
        ledger::record(self.objects(), Entry::KeySlot(id)).await?;
        Ok(id)
    }

    /// Removes a key slot: its secret opens the repository no more.
    ///
    /// Whoever has opened the repository with it before may have kept the master key. The last slot is not removed
    /// ([`Error::LastKeySlot`]); a slot that has vanished or is damaged is, to be done with it.
    pub async fn remove_key_slot(&self, id: KeySlotId) -> Result<()> {
        let entry = Entry::KeySlot(id);
        let others = self.key_slots().await?.iter().filter(|slot| slot.id != id).count();
        let known =
            self.objects().exists(&entry.object()).await? || self.objects().exists(&entry.name()).await?;
        if !known {
            return Err(Error::NotFound { object: format!("key slot {id}") });
        }
        if others == 0 {
            return Err(Error::LastKeySlot { slot: id });
        }
        ledger::delete(self.objects(), entry).await
    }

    /// Adds a key slot and then removes another: how a passphrase is changed.
    ///
    /// When it is killed in between, both open the repository.
    pub async fn replace_key_slot(&self, old: KeySlotId, new: NewSlot) -> Result<KeySlotId> {
        if !self.objects().exists(&key_slot(&old)).await? {
            return Err(Error::NotFound { object: format!("key slot {old}") });
        }
        let id = self.add_key_slot(new).await?;
        self.remove_key_slot(old).await?;
        Ok(id)
    }
}
