//! What was changed on pages, out of the state of a service that does not run.

use std::path::Path;

use rowkeep::config::{Addition, Exported};
use secrecy::{ExposeSecret, SecretBox};

use super::kept::{open_all, usable};
use crate::Error;
use crate::state::{KEY_BYTES, State, additions, key_file};

/// What was changed on pages, out of the file of a state.
pub struct AdditionsFile {
    additions: Vec<Addition>,
    lost: Vec<(String, String)>,
}

impl AdditionsFile {
    /// Reads a state with which no service runs, by the key beside it.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let state = State::existing(path).await?;
        let kept = state.transaction(additions::all).await?;
        if kept.is_empty() {
            return Ok(Self { additions: Vec::new(), lost: Vec::new() });
        }
        let key_path = key_file(path);
        let bytes = std::fs::read(&key_path);
        let bytes = bytes.map_err(|source| Error::File { path: key_path.clone(), source })?;
        let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| Error::OtherFile { path: key_path })?;
        let key = SecretBox::new(Box::new(key));
        let kept = open_all(key.expose_secret(), kept);
        let lost = kept
            .iter()
            .filter_map(|kept| Some((kept.subject.clone(), kept.addition.as_ref().err()?.clone())));
        Ok(Self { additions: usable(&kept), lost: lost.collect() })
    }

    /// What can be had.
    pub fn additions(&self) -> &[Addition] {
        &self.additions
    }

    /// What cannot be had, and why.
    pub fn lost(&self) -> &[(String, String)] {
        &self.lost
    }

    /// The same as TOML, to be put into `rowkeep.toml`.
    pub fn export(&self, with_secrets: bool) -> Result<Exported, Error> {
        Exported::of(&self.additions, with_secrets).map_err(Error::Content)
    }
}
