use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::ObjectStore;
use rowkeep_format::clock::{Clock, SystemClock};
use rowkeep_format::ids::{ContentKeys, KeySlotId, RepositoryId};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use crate::catalog::SharedCatalog;
use crate::config::{self, Config};
use crate::index::SharedIndex;
use crate::keys::{KeyFile, MasterKey, NewSlot, Passphrase, Place, public_master_key};
use crate::ledger::{self, Entry};
use crate::listings::{Folder, Listing, Listings};
use crate::objects::{self, CONFIG, INDEX, Objects, PACKS, SNAPSHOTS};
use crate::prune::RecordReader;
use crate::seal::{Encryption, Sealer, random};
use crate::{Bucket, Error, Result, slot_objects};

/// No config is longer than this many bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 16;

/// How a new repository is to be protected.
pub enum Protection {
    /// Encrypted, with a first key slot.
    Encrypted(NewSlot),
    /// Readable and writable by whoever reaches the store.
    Unencrypted,
}

/// What opens a repository.
#[derive(Debug)]
pub enum Unlock {
    /// A passphrase.
    Passphrase(Passphrase),
    /// The contents of a key file.
    KeyFile(SecretSlice<u8>),
    /// Nothing: the caller knows that the repository is not encrypted.
    ///
    /// To be given only when a person said so. Whoever controls the store can put an unencrypted repository in the
    /// place of an encrypted one, and would be given the next backup in the clear.
    Unencrypted,
}

/// What a repository says of itself to whoever can read its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Its name.
    pub id: RepositoryId,
    /// How it is protected.
    pub encryption: Encryption,
}

/// What a repository works with beside its store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// For how long what was listed is good enough for the next who asks, and the config need not be read again before a
    /// snapshot.
    ///
    /// What this process writes is known at once in any case, and what is not found is looked for in a new listing. So it
    /// only delays that this process learns what others write or delete; work that is done in one go asks the store once.
    pub freshness: Duration,
    /// How old a snapshot has to be that does not count for another process than its own to complete it: until then it is
    /// taken for one that is being written.
    pub patience: Duration,
    /// Whether the store is a folder of this machine, so that a request costs next to nothing.
    pub is_local: bool,
    /// The bucket of S3 that the store is, which is asked what it keeps of what is deleted.
    pub bucket: Option<Bucket>,
}

/// The system's clock; ten seconds; an hour; any store.
impl Default for Options {
    fn default() -> Self {
        Self {
            clock: SystemClock::shared(),
            freshness: Duration::from_secs(10),
            patience: Duration::from_secs(3600),
            is_local: false,
            bucket: None,
        }
    }
}

/// A repository that has been opened. Clones share everything.
///
/// What is read of its index and its snapshots is kept for as long as any of them lives, and brought up to date by what
/// the store lists.
#[derive(Clone)]
pub struct Repository {
    inner: Arc<Inner>,
}

#[derive(Clone, Copy, Default)]
struct Confirmed {
    at: Option<Instant>,
    for_snapshot: bool,
}

struct Inner {
    objects: Objects,
    config: Config,
    master: MasterKey,
    content_keys: ContentKeys,
    sealer: Arc<Sealer>,
    unlocked_by: Option<KeySlotId>,
    is_local: bool,
    bucket: Option<Bucket>,
    listings: Arc<Listings>,
    index: SharedIndex,
    catalog: SharedCatalog,
    /// When the config was last found to be the one that was opened, and whether that was ever before a snapshot.
    confirmed: Mutex<Confirmed>,
    /// The listing of the ledger by which it was last completed.
    completed: Mutex<Option<Listing>>,
    record_reader: RecordReader,
}

impl Repository {
    /// Makes a repository where nothing is yet.
    ///
    /// Refuses a place with a repository ([`Error::AlreadyThere`]) or with anything else ([`Error::Occupied`]). When
    /// two processes try at the same time, one of them succeeds. An attempt that was killed can be repeated.
    pub async fn init(store: Arc<dyn ObjectStore>, protection: Protection) -> Result<Self> {
        Self::init_with(store, protection, Options::default()).await
    }

    /// Makes a repository, and works with it by some options: see [`Repository::init`].
    pub async fn init_with(
        store: Arc<dyn ObjectStore>,
        protection: Protection,
        options: Options,
    ) -> Result<Self> {
        let objects = Objects::new(store);
        refuse_occupied(&objects).await?;

        let encryption = match &protection {
            Protection::Encrypted(_) => Encryption::Aes256Gcm,
            Protection::Unencrypted => Encryption::None,
        };
        let config = Config::new(RepositoryId(random()?), encryption);
        let place = Place { repository: config.id, encryption };
        let (master, slot) = match protection {
            Protection::Encrypted(new) => {
                let master = Zeroizing::new(random()?);
                // The slot before the config: what has a config can be opened.
                let slot = slot_objects::write(&objects, place, new, &master).await?;
                (master, Some(slot))
            }
            Protection::Unencrypted => (public_master_key(&config.id), None),
        };

        let bytes = config.encode();
        if objects.exists(CONFIG).await? {
            // For stores that ignore the condition below: deriving the slot's key took its time.
            return Self::came_late(&objects, slot).await;
        }
        objects.create(CONFIG, Bytes::from(bytes.clone())).await?;
        // What the store holds decides, not what it answered: it may ignore the condition, or repeat the request.
        if objects.read(CONFIG, MAX_CONFIG_BYTES).await? != bytes {
            return Self::came_late(&objects, slot).await;
        }
        if let Some(slot) = slot {
            ledger::record(&objects, Entry::KeySlot(slot)).await?;
        }
        let listings =
            Listings::new(objects.clone(), Arc::clone(&options.clock), options.freshness, options.patience);
        Ok(Self::assemble(objects, listings, config, master, slot, options))
    }

    /// Takes back what an initialisation wrote before another one came first.
    async fn came_late(objects: &Objects, slot: Option<KeySlotId>) -> Result<Self> {
        if let Some(slot) = slot {
            objects.delete(&objects::key_slot(&slot)).await?;
        }
        Err(Error::AlreadyThere)
    }

    /// Opens a repository.
    ///
    /// With a passphrase it takes as long as the key derivation does, for each slot that is tried. A secret for a
    /// repository that is not encrypted is refused with [`Error::NotEncrypted`], for it may have been exchanged.
    pub async fn open(store: Arc<dyn ObjectStore>, unlock: &Unlock) -> Result<Self> {
        Self::open_with(store, unlock, Options::default()).await
    }

    /// Opens a repository, and works with it by some options: see [`Repository::open`].
    pub async fn open_with(store: Arc<dyn ObjectStore>, unlock: &Unlock, options: Options) -> Result<Self> {
        let objects = Objects::new(store);
        let listings =
            Listings::new(objects.clone(), Arc::clone(&options.clock), options.freshness, options.patience);
        let now = listings.now();
        let config = read_config(&objects).await?;
        let place = Place { repository: config.id, encryption: config.encryption };
        let (master, slot) = match (config.encryption, unlock) {
            (Encryption::None, Unlock::Unencrypted) => (public_master_key(&config.id), None),
            (Encryption::None, _) => return Err(Error::NotEncrypted),
            (Encryption::Aes256Gcm, Unlock::Unencrypted) => return Err(Error::SecretNeeded),
            (Encryption::Aes256Gcm, Unlock::Passphrase(passphrase)) => {
                let [keys] = listings.get([Folder::Keys]).await?;
                let (slot, master) =
                    slot_objects::unlock_with_passphrase(&objects, &keys.objects, place, passphrase).await?;
                (master, Some(slot))
            }
            (Encryption::Aes256Gcm, Unlock::KeyFile(contents)) => {
                let file = KeyFile::parse(contents.expose_secret())?;
                let [keys] = listings.get([Folder::Keys]).await?;
                let (slot, master) =
                    slot_objects::unlock_with_key_file(&objects, &keys.objects, place, &file).await?;
                (master, Some(slot))
            }
        };
        let opened = Self::assemble(objects, listings, config, master, slot, options);
        lock(&opened.inner.confirmed).at = Some(now);
        Ok(opened)
    }

    /// Reads which repository is at a place and how it says that it is protected, without opening it.
    ///
    /// Whoever controls the store decides the answer: good for choosing what to ask a person, not for deciding that
    /// no secret is needed.
    pub async fn probe(store: Arc<dyn ObjectStore>) -> Result<Probed> {
        let Config { id, encryption, .. } = read_config(&Objects::new(store)).await?;
        Ok(Probed { id, encryption })
    }

    pub(crate) fn assemble(
        objects: Objects,
        listings: Listings,
        config: Config,
        master: MasterKey,
        slot: Option<KeySlotId>,
        options: Options,
    ) -> Self {
        let content_keys = ContentKeys::derive(&master);
        let sealer = Arc::new(Sealer::new(config.id, config.encryption, &master));
        let listings = Arc::new(listings);
        let index = SharedIndex::new(objects.clone(), Arc::clone(&sealer), Arc::clone(&listings));
        let catalog = SharedCatalog::new(objects.clone(), Arc::clone(&sealer), Arc::clone(&listings));
        Self {
            inner: Arc::new(Inner {
                objects,
                config,
                master,
                content_keys,
                sealer,
                unlocked_by: slot,
                is_local: options.is_local,
                bucket: options.bucket,
                listings,
                index,
                catalog,
                confirmed: Mutex::default(),
                completed: Mutex::default(),
                record_reader: RecordReader::default(),
            }),
        }
    }

    /// The repository's name.
    pub fn id(&self) -> RepositoryId {
        self.inner.config.id
    }

    /// The version of its format.
    pub fn format(&self) -> u32 {
        self.inner.config.format
    }

    /// Whether the store's keeper can read what is in it.
    pub fn is_encrypted(&self) -> bool {
        self.inner.config.encryption != Encryption::None
    }

    /// The keys that name and cut chunks.
    pub fn content_keys(&self) -> &ContentKeys {
        &self.inner.content_keys
    }

    /// The key slot that this repository was opened with.
    pub fn unlocked_by(&self) -> Option<KeySlotId> {
        self.inner.unlocked_by
    }

    /// Fails unless the config is still the one that was opened.
    ///
    /// On a store that ignores conditions, the config can be overwritten by another initialisation at the same time.
    /// A disk that is not mounted any more leaves an empty folder in its place.
    pub async fn still_there(&self) -> Result<()> {
        let now = self.listings().now();
        let before = std::mem::take(&mut *lock(&self.inner.confirmed));
        let held = objects_config(self.objects()).await?;
        if !held.is_of(&self.inner.config) {
            return Err(Error::Replaced { expected: self.id() });
        }
        *lock(&self.inner.confirmed) = Confirmed { at: Some(now), ..before };
        Ok(())
    }

    /// Has programs stay away that know nothing of deletions.
    pub(crate) async fn raise_format(&self) -> Result<()> {
        let held = objects_config(self.objects()).await?;
        if held.is_of(&self.inner.config) && held.format < config::FORMAT {
            let raised = Config { format: config::FORMAT, ..held };
            self.objects().write(CONFIG, Bytes::from(raised.encode())).await?;
        }
        self.still_there().await
    }

    /// The same for a writer that begins, unless that was found out only just now.
    pub(crate) async fn still_there_lately(&self) -> Result<()> {
        let confirmed = *lock(&self.inner.confirmed);
        match confirmed.at {
            // A folder costs nothing to ask, and its disk may be unmounted at any time.
            Some(at) if !self.inner.is_local && self.listings().is_fresh(at) => Ok(()),
            _ => self.still_there().await,
        }
    }

    /// The same for a snapshot. Before the first one it is always asked: another initialisation may have ended since the
    /// repository was opened.
    pub(crate) async fn still_there_for_snapshot(&self) -> Result<()> {
        let confirmed = *lock(&self.inner.confirmed);
        if confirmed.for_snapshot {
            return self.still_there_lately().await;
        }
        self.still_there().await?;
        lock(&self.inner.confirmed).for_snapshot = true;
        Ok(())
    }

    /// Whether the ledger was not completed by this listing of it yet.
    pub(crate) fn is_new_ledger(&self, listing: &Listing) -> bool {
        let before = lock(&self.inner.completed).replace(listing.clone());
        before.is_none_or(|before| before.began != listing.began)
    }

    /// Whether a request to the store costs next to nothing.
    pub(crate) fn is_local(&self) -> bool {
        self.inner.is_local
    }

    /// The bucket that the store is.
    pub(crate) fn bucket(&self) -> Option<&Bucket> {
        self.inner.bucket.as_ref()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn listings(&self) -> &Listings {
        &self.inner.listings
    }

    pub(crate) fn index(&self) -> &SharedIndex {
        &self.inner.index
    }

    pub(crate) fn shared_catalog(&self) -> &SharedCatalog {
        &self.inner.catalog
    }

    pub(crate) fn record_reader(&self) -> &RecordReader {
        &self.inner.record_reader
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.inner.objects
    }

    pub(crate) fn sealer(&self) -> &Arc<Sealer> {
        &self.inner.sealer
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.inner.master
    }

    pub(crate) fn place(&self) -> Place {
        Place { repository: self.inner.config.id, encryption: self.inner.config.encryption }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn objects_config(objects: &Objects) -> Result<Config> {
    let json = objects.read(CONFIG, MAX_CONFIG_BYTES).await?;
    Config::decode(&json).map_err(|flaw| Error::at(CONFIG, flaw))
}

/// Reads the config, and tells an empty place from a repository whose config is gone.
async fn read_config(objects: &Objects) -> Result<Config> {
    match objects_config(objects).await {
        Err(Error::Missing { .. }) => {}
        outcome => return outcome,
    }
    for folder in [SNAPSHOTS, INDEX, PACKS] {
        if objects.any(Some(folder), |_| true).await?.is_some() {
            return Err(Error::Missing { object: CONFIG.to_owned() });
        }
    }
    Err(Error::NotARepository)
}

/// Whether an object lies where those of repositories do.
fn is_of_repository(object: &str) -> bool {
    let folder = object.split('/').next().unwrap_or_default();
    object != folder && objects::FOLDERS.contains(&folder)
}

/// Fails if there is anything but key slots, which a killed initialisation may have left, and what a probe could not remove.
async fn refuse_occupied(objects: &Objects) -> Result<()> {
    if objects.exists(CONFIG).await? {
        return Err(Error::AlreadyThere);
    }
    let is_probe = |name: &str| name.split('/').next() == Some(objects::PROBE);
    let foreign = |name: &str| !slot_objects::is_slot_name(name) && !is_probe(name);
    match objects.any(None, foreign).await? {
        // Another initialisation may have come first between the two looks.
        Some(_) if objects.exists(CONFIG).await? => Err(Error::AlreadyThere),
        Some(object) if is_of_repository(&object) => Err(Error::LeftOver { object }),
        Some(object) => Err(Error::Occupied { object }),
        None => Ok(()),
    }
}
