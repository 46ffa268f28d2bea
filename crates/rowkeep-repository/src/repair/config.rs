//! A repository whose config is damaged or lost: its key slots say which one it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use rowkeep_format::ids::RepositoryId;
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::keys::{KeyFile, Place, public_master_key};
use crate::listings::{Folder, Listings};
use crate::objects::{CONFIG, KEYS, Objects};
use crate::repository::Options;
use crate::seal::Encryption;
use crate::{Error, Repository, Result, Unlock, slot_objects, snapshot_objects};

impl Repository {
    /// Opens a repository whose config is damaged or lost.
    ///
    /// A key slot that opens says which repository it is, for that is sealed with the master key. One that is not encrypted
    /// has no slots: `known` says which it was, and is believed only if a snapshot opens by it.
    pub async fn open_without_config(
        store: Arc<dyn ObjectStore>,
        unlock: &Unlock,
        known: Option<RepositoryId>,
        options: Options,
    ) -> Result<Self> {
        let objects = Objects::new(store);
        let listings =
            Listings::new(objects.clone(), Arc::clone(&options.clock), options.freshness, options.patience);
        if matches!(unlock, Unlock::Unencrypted) {
            let id = known.ok_or_else(|| Error::Missing { object: CONFIG.to_owned() })?;
            let config = Config::new(id, Encryption::None);
            let opened = Self::assemble(objects, listings, config, public_master_key(&id), None, options);
            return match opened.opens_any_snapshot().await? {
                true => Ok(opened),
                false => Err(Error::Missing { object: CONFIG.to_owned() }),
            };
        }
        let [keys] = listings.get([Folder::Keys]).await?;
        let slots = slot_objects::read_all(&objects, &keys.objects).await?;
        let ids: BTreeSet<RepositoryId> =
            slots.into_iter().filter_map(|(_, slot)| slot.ok()).map(|slot| slot.repository).collect();
        let mut refused = Error::Missing { object: format!("{KEYS}/") };
        for id in ids {
            let place = Place { repository: id, encryption: Encryption::Aes256Gcm };
            let unlocked = match unlock {
                Unlock::Passphrase(passphrase) => {
                    slot_objects::unlock_with_passphrase(&objects, &keys.objects, place, passphrase).await
                }
                Unlock::KeyFile(contents) => {
                    let file = KeyFile::parse(contents.expose_secret())?;
                    slot_objects::unlock_with_key_file(&objects, &keys.objects, place, &file).await
                }
                Unlock::Unencrypted => Err(Error::SecretNeeded),
            };
            match unlocked {
                Ok((slot, master)) => {
                    let config = Config::new(id, Encryption::Aes256Gcm);
                    return Ok(Self::assemble(objects, listings, config, master, Some(slot), options));
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Writes the config as it was opened, where it is another or none; what is there is set aside.
    pub async fn restore_config(&self) -> Result<()> {
        if self.still_there().await.is_ok() {
            return Ok(());
        }
        self.objects().set_aside(CONFIG).await?;
        self.objects().write(CONFIG, Bytes::from(self.config().encode())).await?;
        self.still_there().await
    }

    async fn opens_any_snapshot(&self) -> Result<bool> {
        for id in self.snapshots().await? {
            match snapshot_objects::read(self.objects(), self.sealer(), id).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_finding() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}
