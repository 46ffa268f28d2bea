//! What the state has of it.

use jiff::Timestamp;
use rowkeep::config::{Addition, Subject};

use super::sealing::{open, seal};
use crate::Error;
use crate::state::State;
use crate::state::additions::{self, KeptAddition};
use crate::state::key::KEY_BYTES;
use crate::state::transaction::Transaction;

/// Something that was changed on a page.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// What it is about.
    pub(crate) subject: String,
    /// What is said of it; or why that cannot be had.
    pub(crate) addition: Result<Addition, String>,
    /// Who said it last.
    pub(crate) who: String,
    /// When.
    pub(crate) time: Timestamp,
}

impl Kept {
    /// The same as the state keeps it.
    pub(super) fn sealed(&self, key: &[u8; KEY_BYTES]) -> Result<KeptAddition, Error> {
        let addition = self.addition.as_ref().map_err(|problem| Error::Content(problem.clone()))?;
        Ok(KeptAddition {
            subject: self.subject.clone(),
            sealed: seal(key, &self.subject, addition.text())?,
            who: self.who.clone(),
            time: self.time,
        })
    }
}

/// Opens what the state keeps.
pub(crate) fn open_all(key: &[u8; KEY_BYTES], kept: Vec<KeptAddition>) -> Vec<Kept> {
    let opened = |kept: KeptAddition| {
        let lost = "it was not sealed with the key beside the state; put that key back, or remove it and add it anew";
        let text = open(key, &kept.subject, &kept.sealed).ok_or_else(|| lost.to_owned());
        let subject =
            Subject::named(&kept.subject).ok_or_else(|| "nothing like this is configured".to_owned());
        let addition = text.and_then(|text| Addition::kept(subject?, text));
        Kept { subject: kept.subject, addition, who: kept.who, time: kept.time }
    };
    kept.into_iter().map(opened).collect()
}

/// What the state has, by subject.
pub(crate) async fn read(state: &State) -> Result<Vec<Kept>, Error> {
    let kept = state.transaction(|state: &Transaction<'_>| additions::all(state)).await?;
    Ok(open_all(state.key()?, kept))
}

/// The additions that can be had.
pub(crate) fn usable(kept: &[Kept]) -> Vec<Addition> {
    kept.iter().filter_map(|kept| kept.addition.as_ref().ok().cloned()).collect()
}
