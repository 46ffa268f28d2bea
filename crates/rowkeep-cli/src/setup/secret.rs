//! What opens a repository: where it is looked for, asked for, and made.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rowkeep::Error;
use rowkeep::repository::{
    Encryption, Kdf, KeyFile, Lock, NewSlot, ObjectStore, Passphrase, Protection, Repository, Unlock,
};
use zeroize::Zeroizing;

use super::Session;
use crate::fail::CommandError;

/// A repository that was just made.
pub(crate) struct Made {
    pub(crate) repository: Repository,
    location: String,
    how: How,
}

enum How {
    Passphrase,
    KeyFile(PathBuf),
    ExistingKeyFile(PathBuf),
    Unencrypted,
}

impl Made {
    /// What was made and what its owner must know, in words.
    pub(crate) fn told(&self) -> String {
        let made = format!("made a repository at {}", self.location);
        match &self.how {
            How::Passphrase => format!(
                "{made}, encrypted with your passphrase.\n\
                 Nobody can read it without the passphrase, not even to help you: write it down and keep it safe."
            ),
            How::KeyFile(path) => format!(
                "{made}, encrypted with the key file {}.\n\
                 Keep a copy of that file somewhere else: a password manager, a safe, another machine.\n\
                 Without it nobody can ever read the backups; with it anybody can.",
                path.display()
            ),
            How::ExistingKeyFile(path) => {
                format!("{made}, encrypted with the key file that was there: {}.", path.display())
            }
            How::Unencrypted => {
                format!("{made}, NOT encrypted: whoever can read that place can read the data.")
            }
        }
    }

    /// The key file that was made for it.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        match &self.how {
            How::KeyFile(path) | How::ExistingKeyFile(path) => Some(path),
            How::Passphrase | How::Unencrypted => None,
        }
    }
}

/// Where a secret was found.
enum Found {
    Passphrase(Passphrase),
    KeyFile(PathBuf),
}

impl Session {
    /// Makes the repository.
    ///
    /// It is opened by a passphrase where one is given or typed, else by a key file that is made for it.
    pub(crate) async fn init(&self, no_encryption: bool, key_file: Option<PathBuf>) -> Result<Made> {
        let location = self.location()?;
        let store = self.new_store(&location)?;
        let (protection, how) = if no_encryption {
            (Protection::Unencrypted, How::Unencrypted)
        } else {
            let (lock, how) = self.new_lock(&location, key_file)?;
            (Protection::Encrypted(new_slot(lock, "first")), how)
        };
        match Repository::init(store, protection).await {
            Ok(repository) => Ok(Made { repository, location, how }),
            Err(error) => {
                // A key file without a repository would only be taken for that of another.
                if let How::KeyFile(path) = &how {
                    let _ = std::fs::remove_file(path);
                }
                Err(anyhow::Error::new(Error::from(error))
                    .context(format!("cannot make a repository at {location}")))
            }
        }
    }

    fn new_lock(&self, location: &str, key_file: Option<PathBuf>) -> Result<(Lock, How)> {
        if key_file.is_none() {
            if let Some(passphrase) = self.given_passphrase()? {
                return Ok((Lock::Passphrase(passphrase, Kdf::DEFAULT), How::Passphrase));
            }
            if self.named_key_file()?.is_none()
                && let Some(passphrase) =
                    ask_new("passphrase for the repository (empty: make a key file instead)")?
            {
                return Ok((Lock::Passphrase(passphrase, Kdf::DEFAULT), How::Passphrase));
            }
        }
        let path = match key_file {
            Some(path) => path,
            None => {
                let path = self.named_key_file()?.unwrap_or_else(|| Self::default_key_file(location));
                if path.exists() {
                    let file = KeyFile::parse(&read_secret(&path)?).map_err(Error::from)?;
                    return Ok((Lock::KeyFile(file), How::ExistingKeyFile(path)));
                }
                path
            }
        };
        let file = KeyFile::generate().map_err(Error::from)?;
        file.write_new(&path).map_err(Error::from)?;
        Ok((Lock::KeyFile(file), How::KeyFile(path)))
    }

    /// What opens a repository: a secret that was given, the key file beside it, or what a person types.
    pub(crate) async fn unlock(&self, location: &str, store: &Arc<dyn ObjectStore>) -> Result<Unlock, Error> {
        match self.found(location).map_err(into_error)? {
            Some(Found::Passphrase(passphrase)) => return Ok(Unlock::Passphrase(passphrase)),
            Some(Found::KeyFile(path)) => {
                return Ok(Unlock::KeyFile(read_secret(&path).map_err(into_error)?));
            }
            None => {}
        }
        // Only for what to ask a person: whoever has given a secret never comes here.
        if Repository::probe(Arc::clone(store)).await? == Encryption::None {
            return Ok(Unlock::Unencrypted);
        }
        match ask("passphrase").map_err(into_error)? {
            Some(passphrase) => Ok(Unlock::Passphrase(passphrase)),
            None => Err(rowkeep::repository::Error::SecretNeeded.into()),
        }
    }

    fn found(&self, location: &str) -> Result<Option<Found>> {
        if let Some(path) = self.named_key_file()? {
            return Ok(Some(Found::KeyFile(path)));
        }
        if let Some(passphrase) = self.given_passphrase()? {
            return Ok(Some(Found::Passphrase(passphrase)));
        }
        let path = Self::default_key_file(location);
        Ok(path.exists().then_some(Found::KeyFile(path)))
    }

    fn named_key_file(&self) -> Result<Option<PathBuf>> {
        let configured = self.config()?.key_file.clone().map(PathBuf::from);
        Ok(self.global.key_file.clone().or(configured))
    }

    fn given_passphrase(&self) -> Result<Option<Passphrase>> {
        let configured = self.config()?.passphrase_file.clone().map(PathBuf::from);
        if let Some(path) = self.global.passphrase_file.clone().or(configured) {
            return Ok(Some(passphrase_in(&path)?));
        }
        match std::env::var("ROWKEEP_PASSPHRASE") {
            Ok(passphrase) if !passphrase.is_empty() => Ok(Some(Zeroizing::new(passphrase))),
            _ => Ok(None),
        }
    }
}

/// A key slot that is to be made now.
pub(crate) fn new_slot(lock: Lock, label: &str) -> NewSlot {
    NewSlot { lock, label: label.to_owned(), created: jiff::Timestamp::now() }
}

/// The passphrase in the first line of a file.
pub(crate) fn passphrase_in(path: &Path) -> Result<Passphrase> {
    let bytes = read_secret(path)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line).map(|line| line.trim_end_matches('\r').to_owned());
    match text {
        Ok(text) if !text.is_empty() => Ok(Zeroizing::new(text)),
        Ok(_) => {
            Err(CommandError::usage(format!("{} has no passphrase in its first line", path.display())).into())
        }
        Err(_) => {
            Err(CommandError::usage(format!("the passphrase in {} is not UTF-8", path.display())).into())
        }
    }
}

/// Asks for a new passphrase twice; nothing when the person leaves it empty or there is no terminal.
pub(crate) fn ask_new(prompt: &str) -> Result<Option<Passphrase>> {
    let Some(passphrase) = ask(prompt)? else { return Ok(None) };
    match ask("the same again")? {
        Some(again) if again == passphrase => Ok(Some(passphrase)),
        _ => Err(CommandError::usage("the two passphrases differ").into()),
    }
}

fn ask(prompt: &str) -> Result<Option<Passphrase>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("{prompt}: ")).context("cannot read the passphrase")?;
    Ok((!typed.is_empty()).then(|| Zeroizing::new(typed)))
}

fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let read = std::fs::read(path).map(Zeroizing::new);
    read.map_err(|error| CommandError::usage(format!("cannot read {}: {error}", path.display())).into())
}

fn into_error(error: anyhow::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::Secret(error.to_string()),
    }
}
