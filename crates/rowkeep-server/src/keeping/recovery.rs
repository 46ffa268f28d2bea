//! Brings the state back on a machine that has none.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rowkeep::config::Addition;
use rowkeep::jobs::service_state::{self, KeptState};
use rowkeep::jobs::workspace::Workspace;
use rowkeep::{Config, Context, private_files};
use rusqlite::{Connection, TransactionBehavior};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::luggage::{CONFIG, KEY};
use super::settle::{Known, settle};
use crate::Error;
use crate::additions::{open_all, usable};
use crate::state::additions;
use crate::state::copy::{PassingFile, luggage, unpack};
use crate::state::failure::Failure;
use crate::state::place::StatePlace;
use crate::state::transaction::Transaction;
use crate::state::version::VERSION;
use crate::state::{State, key};

/// A state that was brought back and proven by its hashes, and with which nobody serves yet. Nothing of it stays when this is dropped.
pub struct Recovery {
    state: StatePlace,
    file: PassingFile,
    kept: KeptState,
    known: Known,
    key: Option<SecretBox<Vec<u8>>>,
    config: Option<SecretString>,
    additions: Vec<Addition>,
}

/// What was recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The snapshot that had the state.
    pub snapshot: String,
    /// When it was taken.
    pub taken: Timestamp,
    /// The file into which the configuration was written that was with it, where there was none.
    pub config: Option<PathBuf>,
    /// Whether the key of the state was with it; else second factors have to be set up anew.
    pub has_key: bool,
}

impl Recovery {
    /// Brings the newest state that the repository of the workspace has into a file beside that where it is wanted.
    ///
    /// Fails where a state or its key is there already, and where the repository has none.
    pub async fn begin(context: &Context, workspace: &Workspace, state: &StatePlace) -> Result<Self, Error> {
        State::refuse_existing(state).await?;
        let file = PassingFile::at(state.beside(".recovering"));
        let kept = service_state::bring_back(context, workspace, file.path()).await?;
        let kept = kept.ok_or_else(|| Error::NothingKept { location: workspace.location().to_owned() })?;
        let backups = service_state::newest_backups(workspace).await?;
        let read = |path: &Path| {
            let copy = Connection::open(path)?;
            let version: i64 = copy.query_row("PRAGMA user_version", (), |row| row.get(0))?;
            let copy = Transaction::of_sqlite(&copy);
            Ok((version, luggage(&copy, KEY)?, luggage(&copy, CONFIG)?, additions::all(&copy)?))
        };
        let (version, key, config, kept_additions) =
            read(file.path()).map_err(|failure| failed(state, failure))?;
        if version > VERSION {
            return Err(Error::NewerState { place: state.to_string(), version, known: VERSION });
        }
        let config = config.map(String::from_utf8).transpose();
        let config = config.map_err(|_| Error::Content("the configuration in it is no text".to_owned()))?;
        file_for_key(state, key.as_deref())?;
        let known = Known { snapshot: kept.snapshot.to_string(), taken: kept.time, backups };
        let key = key.map(|key| SecretBox::new(Box::new(key)));
        let of_additions = key.as_ref().and_then(|key| key.expose_secret().first_chunk());
        let additions = of_additions.map(|key| usable(&open_all(key, kept_additions))).unwrap_or_default();
        let (state, config) = (state.clone(), config.map(SecretString::from));
        Ok(Self { state, file, kept, known, key, config, additions })
    }

    /// The same, to be put at another place.
    ///
    /// Fails where a state or another key is there already.
    pub async fn to(self, state: StatePlace) -> Result<Self, Error> {
        State::refuse_existing(&state).await?;
        file_for_key(&state, self.key.as_ref().map(|key| key.expose_secret().as_slice()))?;
        Ok(Self { state, ..self })
    }

    /// The text of the configuration that was with it.
    pub fn config(&self) -> Option<&str> {
        self.config.as_ref().map(|text| text.expose_secret())
    }

    /// What was changed on pages, beside the configuration.
    pub fn additions(&self) -> &[Addition] {
        &self.additions
    }

    /// When it was taken.
    pub fn taken(&self) -> Timestamp {
        self.kept.time
    }

    /// Puts it where it belongs, so that a service goes on with it by this configuration. That which was with the state is written
    /// into `config_file`, if that is given.
    pub async fn finish(
        self,
        config: &Config,
        config_file: Option<&Path>,
        now: Timestamp,
    ) -> Result<Recovered, Error> {
        let change = |path: &Path| {
            let mut copy = Connection::open(path)?;
            let transaction = copy.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let state = Transaction::of_sqlite(&transaction);
            unpack(&state)?;
            settle(&state, &self.known, config, now)?;
            if self.key.is_none() {
                key::forget(&state)?;
            }
            Ok(transaction.commit()?)
        };
        change(self.file.path()).map_err(|failure| failed(&self.state, failure))?;
        State::refuse_existing(&self.state).await?;
        let mut made = Made::default();
        let key = self.key.as_ref().map(|key| key.expose_secret().as_slice());
        if let (Some(path), Some(key)) = (file_for_key(&self.state, key)?, key) {
            made.write(&path, key)?;
        }
        if let (Some(path), Some(text)) = (config_file, &self.config) {
            made.write(path, text.expose_secret().as_bytes())?;
        }
        // From now on there is a state.
        match self.state.as_file() {
            Some(path) => std::fs::rename(self.file.path(), path)
                .map_err(|source| Error::File { path: path.to_owned(), source })?,
            None => State::make_from(&self.state, self.file.path()).await?,
        }
        made.files.clear();
        Ok(Recovered {
            snapshot: self.known.snapshot.clone(),
            taken: self.known.taken,
            config: config_file.filter(|_| self.config.is_some()).map(Path::to_owned),
            has_key: self.key.is_some(),
        })
    }
}

fn failed(state: &StatePlace, failure: Failure) -> Error {
    Error::State { place: state.to_string(), source: failure.into() }
}

/// The file into which a key is to be written; none where it is in it already, as a kill may leave it. Another key fails.
fn file_for_key(state: &StatePlace, key: Option<&[u8]>) -> Result<Option<PathBuf>, Error> {
    let path = state.key_file().to_owned();
    match (std::fs::read(&path), key) {
        (Ok(there), Some(key)) if there == key => Ok(None),
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => Ok(Some(path)),
        (Ok(_), _) => Err(Error::StateExists { place: path.display().to_string() }),
        (Err(source), _) => Err(Error::File { path, source }),
    }
}

/// Files that were made, and go when this is dropped.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.files.push(path.to_owned());
        private_files::write(path, bytes).map_err(|source| Error::File { path: path.to_owned(), source })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.files {
            let _ = std::fs::remove_file(path);
        }
    }
}
