//! What was changed on pages, out of the state of a service that does not run.

use rowkeep::config::{Addition, Exported};
use secrecy::ExposeSecret;

use super::kept::{open_all, usable};
use crate::Error;
use crate::state::place::StatePlace;
use crate::state::{State, additions, key};

/// What was changed on pages, out of a state.
pub struct AdditionsFile {
    additions: Vec<Addition>,
    lost: Vec<(String, String)>,
}

impl AdditionsFile {
    /// Reads a state with which no service runs, by the key beside it.
    pub async fn open(place: &StatePlace) -> Result<Self, Error> {
        let state = State::existing(place).await?;
        let kept = state.transaction(additions::all).await?;
        if kept.is_empty() {
            return Ok(Self { additions: Vec::new(), lost: Vec::new() });
        }
        let path = place.key_file();
        let missing = || Error::File { path: path.to_owned(), source: std::io::ErrorKind::NotFound.into() };
        let key = key::read(path)?.ok_or_else(missing)?;
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
