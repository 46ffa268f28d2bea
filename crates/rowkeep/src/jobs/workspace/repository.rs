//! The repository of a workspace: opened once, or made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rowkeep_format::ids::RepositoryId;
use rowkeep_repository::{
    Encryption, ErrorKind, Kdf, KeyFile, Lock, NewSlot, ObjectStore, Options, Passphrase, ProbeDepth,
    ProbeReport, Probed, Protection, Repository, Unlock, create_store, open_bucket, open_store,
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};

use super::known::{Known, Memory};
use super::{Circumstances, NewPassphrase, Workspace, folder_of};
use crate::state::snapshots::SHORT_ID;
use crate::without_secrets::without_secrets;
use crate::{Error, RequestError};

/// A repository that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its id.
    pub repository: RepositoryId,
    /// Where it is.
    pub location: String,
    /// What opens it.
    pub by: MadeBy,
    /// What its store was found to do when it was tried.
    #[serde(default)]
    pub store: ProbeReport,
}

/// What opens a repository that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// A passphrase.
    Passphrase,
    /// A key file that was made for it.
    KeyFile(PathBuf),
    /// A key file that was there.
    ExistingKeyFile(PathBuf),
    /// Nothing: it is not encrypted.
    Unencrypted,
}

impl Workspace {
    /// The repository; it is opened when it is first asked for.
    ///
    /// One that is not encrypted is opened only where no secret is given and no key file lies beside it: whoever controls
    /// the store could have put it in the place of an encrypted one. One that is not the repository that was there before is
    /// not opened at all, as far as this machine remembers ([`Circumstances::memory`](super::Circumstances::memory)).
    ///
    /// Of several, it is the first that can be opened.
    pub async fn repository(&self) -> Result<&Repository, Error> {
        if !self.places.is_empty() {
            return self.first_of_several(None).await;
        }
        let opened = self.repository.get_or_try_init(|| self.open()).await;
        opened.map_err(|error| match &error {
            Error::Repository(cause) if cause.kind() == ErrorKind::NotARepository => {
                RequestError::NoRepository { location: self.shown_location() }.into()
            }
            Error::Request(_) => error,
            _ => error.of_step(format!("cannot open the repository at {}", self.shown_location())),
        })
    }

    /// The repository, where it has been opened.
    pub(super) fn opened(&self) -> Option<&Repository> {
        self.repository.get()
    }

    /// Leaves the repository so that the next process has little to read: see [`Repository::settle`].
    ///
    /// For the end of a process, or for when a server has nothing to do.
    pub async fn settle(&self) {
        for (_, other) in self.others() {
            Box::pin(other.settle()).await;
        }
        if let Some(repository) = self.opened() {
            repository.settle().await;
        }
    }

    /// Makes the repository.
    ///
    /// It is opened by a passphrase where one is given or typed, else by a key file that is made for it: at `key_file` where
    /// that is given. Where a repository is remembered that is not there, none is made: its disk may not be mounted.
    pub async fn init(&self, no_encryption: bool, key_file: Option<PathBuf>) -> Result<Made, Error> {
        self.refuse_several()?;
        let location = self.location();
        let options = self.store_options(location);
        let memory = self.memory(&options);
        if let Some(known) = memory.recall()
            && self.found(&options).await?.is_none()
        {
            return Err(self.not_that_one(&known, None));
        }
        let store = self.at_rates(create_store(location, &options)?);
        let (protection, by) = if no_encryption {
            (Protection::Unencrypted, MadeBy::Unencrypted)
        } else {
            let (lock, by) = self.new_lock(location, key_file)?;
            let slot = NewSlot { lock, label: "first".to_owned(), created: self.surroundings().clock.now() };
            (Protection::Encrypted(slot), by)
        };
        match Repository::init_with(store, protection, self.options()).await {
            Ok(repository) => {
                // It is made, whatever its store does.
                let store = self.probe(ProbeDepth::Brief).await.unwrap_or_default();
                let made = Made { repository: repository.id(), location: location.to_owned(), by, store };
                memory.remember(repository.id(), repository.is_encrypted());
                // Another may have been opened meanwhile only by who asked for both at once; either is the one that is there.
                let _ = self.repository.set(repository);
                Ok(made)
            }
            Err(error) => {
                // A key file without a repository would only be taken for that of another.
                if let MadeBy::KeyFile(path) = &by {
                    let _ = std::fs::remove_file(path);
                }
                Err(Error::from(error)
                    .of_step(format!("cannot make a repository at {}", self.shown_location())))
            }
        }
    }

    fn new_lock(&self, location: &str, key_file: Option<PathBuf>) -> Result<(Lock, MadeBy), Error> {
        let usage = |problem: String| Error::from(RequestError::Secret(problem));
        if key_file.is_none() {
            if let Some(passphrase) = self.given_passphrase().map_err(usage)? {
                return Ok((Lock::Passphrase(passphrase, Kdf::DEFAULT), MadeBy::Passphrase));
            }
            if self.named_key_file().is_none()
                && let Some(passphrase) = self.typed_passphrase()?
            {
                return Ok((Lock::Passphrase(passphrase, Kdf::DEFAULT), MadeBy::Passphrase));
            }
        }
        let path = match key_file {
            Some(path) => path,
            None => {
                let path = self.named_key_file().unwrap_or_else(|| default_key_file(location));
                if path.exists() {
                    let file = KeyFile::parse(read_secret(&path).map_err(usage)?.expose_secret())?;
                    return Ok((Lock::KeyFile(file), MadeBy::ExistingKeyFile(path)));
                }
                path
            }
        };
        let file = KeyFile::generate()?;
        file.write_new(&path)?;
        Ok((Lock::KeyFile(file), MadeBy::KeyFile(path)))
    }

    fn typed_passphrase(&self) -> Result<Option<Passphrase>, Error> {
        let Circumstances { secrets, called, .. } = &self.circumstances;
        secrets.person.as_ref().map_or(Ok(None), |person| typed(person.chosen(called.as_deref())))
    }

    /// A passphrase that a person types for the repository beside those that it has.
    pub(crate) fn another_passphrase(&self) -> Result<Option<Passphrase>, Error> {
        let Circumstances { secrets, called, .. } = &self.circumstances;
        secrets.person.as_ref().map_or(Ok(None), |person| typed(person.another(called.as_deref())))
    }

    async fn open(&self) -> Result<Repository, Error> {
        let options = self.store_options(self.location());
        let memory = self.memory(&options);
        let opened = self.open_there(&options).await;
        let Some(known) = memory.recall() else {
            if let Ok(repository) = &opened {
                memory.remember(repository.id(), repository.is_encrypted());
            }
            return opened;
        };
        let found = match &opened {
            Ok(repository) => Some(Found { id: repository.id(), encrypted: repository.is_encrypted() }),
            Err(Error::Repository(error)) if error.kind() == ErrorKind::NotARepository => None,
            // Another one opens with another secret.
            Err(Error::Repository(error)) if is_locked(error.kind()) => self.found(&options).await?,
            Err(_) => return opened,
        };
        match found {
            Some(found) if found.is(&known.0) => opened,
            found => Err(self.not_that_one(&known, found)),
        }
    }

    /// The repository for a repair, and whether its config is as it should be: one whose config is damaged, lost, or that of
    /// another repository is opened by its key slots.
    pub(crate) async fn repository_to_repair(&self) -> Result<(&Repository, bool), Error> {
        self.refuse_several()?;
        let error = match self.repository().await {
            Ok(repository) => return Ok((repository, true)),
            Err(error) => error,
        };
        let is_damaged = is_of_config(&error);
        if !is_damaged && !is_of_another(&error) {
            return Err(error);
        }
        match self.repository.get_or_try_init(|| self.open_without_config()).await {
            Ok(opened) => Ok((opened, false)),
            Err(cause) if is_damaged => {
                let step = format!("cannot tell which repository is at {}", self.shown_location());
                Err(cause.of_step(step))
            }
            Err(_) => Err(error),
        }
    }

    async fn open_without_config(&self) -> Result<Repository, Error> {
        let location = self.location();
        let options = self.store_options(location);
        let store = self.at_rates(open_store(location, &options)?);
        let known = self.memory(&options).recall();
        let secret = match self.secret(location)? {
            Some(secret) => secret,
            None if known.as_ref().is_some_and(|(known, _)| !known.encrypted) => Unlock::Unencrypted,
            None => self.typed_secret()?,
        };
        let id = known.as_ref().map(|(known, _)| known.repository);
        let opened = Repository::open_without_config(store, &secret, id, self.options()).await?;
        let found = Found { id: opened.id(), encrypted: opened.is_encrypted() };
        match &known {
            Some(known) if !found.is(&known.0) => Err(self.not_that_one(known, Some(found))),
            _ => Ok(opened),
        }
    }

    async fn open_there(&self, options: &[(String, String)]) -> Result<Repository, Error> {
        let store = self.at_rates(open_store(self.location(), options)?);
        let unlock = self.unlock(self.location(), &store).await?;
        Ok(Repository::open_with(store, &unlock, self.options()).await?)
    }

    /// What the store says is there. One whose config is damaged is not known for another.
    async fn found(&self, options: &[(String, String)]) -> Result<Option<Found>, Error> {
        let probed = match open_store(self.location(), options) {
            Ok(store) => Repository::probe(store).await,
            Err(error) => Err(error),
        };
        match probed {
            Ok(Probed { id, encryption }) => {
                Ok(Some(Found { id, encrypted: encryption != Encryption::None }))
            }
            Err(error) if error.kind() == ErrorKind::NotARepository => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where it is remembered which repository is where.
    fn memory(&self, options: &[(String, String)]) -> Memory<'_> {
        let is_endpoint = |name: &str| ENDPOINTS.iter().any(|known| name.eq_ignore_ascii_case(known));
        let endpoint = options.iter().rfind(|(name, _)| is_endpoint(name));
        let endpoint = endpoint.map(|(_, url)| without_secrets(url));
        Memory::of(&self.circumstances.memory, self.location(), endpoint.as_deref())
    }

    /// Says that what is there is not the repository that was there.
    fn not_that_one(&self, (known, note): &(Known, PathBuf), found: Option<Found>) -> Error {
        let short = |id: RepositoryId| id.to_string()[..SHORT_ID].to_owned();
        let (location, note) = (self.shown_location(), note.clone());
        let expected = match known.encrypted {
            true => format!("the encrypted repository {}", short(known.repository)),
            false => format!("repository {}", short(known.repository)),
        };
        let found = match found {
            None => "there is no repository".to_owned(),
            Some(Found { id, encrypted: true }) => format!("there is repository {}", short(id)),
            Some(Found { id, encrypted: false }) => {
                format!("there is repository {}, which is not encrypted,", short(id))
            }
        };
        RequestError::NotThatRepository { location, found, expected, note }.into()
    }

    /// How the repository is worked with: by the clock that everything else here goes by.
    fn options(&self) -> Options {
        Options {
            clock: Arc::clone(&self.surroundings().clock),
            is_local: self.repository_folder().is_some(),
            // Only for what is said of deletions; one that cannot be opened fails where it is needed.
            bucket: open_bucket(self.location(), &self.store_options(self.location())).ok().flatten(),
            ..Options::default()
        }
    }

    /// What opens the repository: a secret that was given, the key file beside it, or what a person types.
    async fn unlock(&self, location: &str, store: &Arc<dyn ObjectStore>) -> Result<Unlock, Error> {
        if let Some(secret) = self.secret(location)? {
            return Ok(secret);
        }
        // Only for what to ask a person: whoever has given a secret never comes here.
        if Repository::probe(Arc::clone(store)).await?.encryption == Encryption::None {
            return Ok(Unlock::Unencrypted);
        }
        self.typed_secret()
    }

    /// A secret that was given, or the key file beside the repository.
    fn secret(&self, location: &str) -> Result<Option<Unlock>, Error> {
        let in_file = |path: &Path| -> Result<Option<Unlock>, Error> {
            Ok(Some(Unlock::KeyFile(read_secret(path).map_err(Error::Secret)?)))
        };
        if let Some(path) = self.named_key_file() {
            return in_file(&path);
        }
        if let Some(passphrase) = self.given_passphrase().map_err(Error::Secret)? {
            return Ok(Some(Unlock::Passphrase(passphrase)));
        }
        let path = default_key_file(location);
        if path.exists() { in_file(&path) } else { Ok(None) }
    }

    /// A passphrase that a person types.
    fn typed_secret(&self) -> Result<Unlock, Error> {
        let Circumstances { secrets, called, .. } = &self.circumstances;
        let asked = secrets.person.as_ref().map(|person| person.present(called.as_deref()));
        match asked.transpose().map_err(unreadable)?.flatten() {
            Some(passphrase) => Ok(Unlock::Passphrase(passphrase)),
            None => Err(rowkeep_repository::Error::SecretNeeded.into()),
        }
    }

    fn named_key_file(&self) -> Option<PathBuf> {
        let configured = self.config.key_file.as_ref().map(PathBuf::from);
        self.circumstances.secrets.key_file.clone().or(configured)
    }

    /// The key file that opens the repository where no passphrase does.
    pub(crate) fn key_file_in_use(&self) -> Option<PathBuf> {
        let named = self.named_key_file().or_else(|| Some(default_key_file(self.location())));
        named.filter(|path| path.exists())
    }

    fn given_passphrase(&self) -> Result<Option<Passphrase>, String> {
        let secrets = &self.circumstances.secrets;
        let configured = self.config.passphrase_file.as_ref().map(PathBuf::from);
        match secrets.passphrase_file.clone().or(configured) {
            Some(path) => return passphrase_in(&path).map(Some),
            None if secrets.passphrase.is_some() => return Ok(secrets.passphrase.clone()),
            None => {}
        }
        let configured = self.config.passphrase.as_ref().map(|passphrase| passphrase.value());
        let configured = configured.transpose().map_err(|problem| format!("passphrase: {problem}"))?;
        Ok(configured.map(|passphrase| passphrase.expose_secret().to_owned().into()))
    }

    /// The options of the object store: found, configured and given, the later the stronger.
    pub(super) fn store_options(&self, location: &str) -> Vec<(String, String)> {
        let scheme = location.split_once("://").map_or("file", |(scheme, _)| scheme);
        let store = &self.circumstances.store;
        let exposed = |name: &String, value: &SecretString| (name.clone(), value.expose_secret().to_owned());
        let found = store.found.iter().filter(|(of, ..)| of == scheme);
        let mut options: Vec<(String, String)> = found.map(|(_, name, value)| exposed(name, value)).collect();
        if matches!(scheme, "s3" | "gs" | "az") {
            options.extend(self.config.store.iter().map(|(name, value)| exposed(name, value)));
        }
        options.extend(store.given.iter().map(|(name, value)| exposed(name, value)));
        options
    }
}

/// The options of object stores that tell apart those which have buckets of the same name.
const ENDPOINTS: [&str; 6] = [
    "aws_endpoint",
    "aws_endpoint_url",
    "endpoint",
    "endpoint_url",
    "azure_endpoint",
    "azure_storage_endpoint",
];

/// The repository that is at a place.
#[derive(Clone, Copy)]
struct Found {
    id: RepositoryId,
    encrypted: bool,
}

impl Found {
    fn is(self, known: &Known) -> bool {
        self.id == known.repository && self.encrypted == known.encrypted
    }
}

/// Whether an error says that the config is damaged or lost.
fn is_of_config(error: &Error) -> bool {
    use rowkeep_repository::Error as Cause;
    match error {
        Error::Step { source, .. } => is_of_config(source),
        Error::Repository(Cause::Damaged { object, .. } | Cause::Missing { object }) => object == "config",
        _ => false,
    }
}

/// Whether an error says that the config is that of another repository, or may be.
fn is_of_another(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => is_of_another(source),
        Error::Repository(cause) => is_locked(cause.kind()),
        Error::Request(RequestError::NotThatRepository { .. }) => true,
        _ => false,
    }
}

/// Whether a secret does not fit what is there.
fn is_locked(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Locked | ErrorKind::Downgrade)
}

/// The place of the key file that is looked for when nothing else opens the repository: beside it, or here.
fn default_key_file(location: &str) -> PathBuf {
    match folder_of(location) {
        Some(folder) => {
            let mut name = folder.file_name().unwrap_or_default().to_owned();
            name.push(".key");
            folder.with_file_name(name)
        }
        None => PathBuf::from("rowkeep-repository.key"),
    }
}

/// The passphrase in the first line of a file; or in words, why it cannot be had.
pub fn passphrase_in(path: &Path) -> Result<Passphrase, String> {
    let bytes = read_secret(path)?;
    let line = bytes.expose_secret().split(|byte| *byte == b'\n').next().unwrap_or_default();
    match std::str::from_utf8(line).map(|line| line.trim_end_matches('\r').to_owned()) {
        Ok(text) if !text.is_empty() => Ok(text.into()),
        Ok(_) => Err(format!("{} has no passphrase in its first line", path.display())),
        Err(_) => Err(format!("the passphrase in {} is not UTF-8", path.display())),
    }
}

fn read_secret(path: &Path) -> Result<SecretSlice<u8>, String> {
    let read = std::fs::read(path).map(SecretSlice::from);
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// What a person typed for a new passphrase.
fn typed(answer: std::io::Result<NewPassphrase>) -> Result<Option<Passphrase>, Error> {
    match answer.map_err(unreadable)? {
        NewPassphrase::Given(passphrase) => Ok(Some(passphrase)),
        NewPassphrase::Differs => Err(RequestError::Secret("the two passphrases differ".to_owned()).into()),
        NewPassphrase::None => Ok(None),
    }
}

fn unreadable(source: std::io::Error) -> Error {
    Error::File { problem: "cannot read the passphrase".to_owned(), source }
}
