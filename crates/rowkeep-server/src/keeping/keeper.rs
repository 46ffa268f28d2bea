//! Puts the state into the repository when something changed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::KeepState;
use rowkeep::jobs::service_state;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::luggage::{CONFIG, KEY};
use crate::Error;
use crate::additions::Settings;
use crate::audit::HEAD_TAG;
use crate::queue::{Queue, in_one_line, tell};
use crate::state::audit;
use crate::state::kept::{self, Kept};
use crate::state::transaction::Transaction;

/// How often it is looked whether something changed.
const LOOK: Duration = Duration::from_secs(1);

/// How long it is waited before it is tried again after it failed.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// For how long the end of the service waits for it.
const AT_THE_END: Duration = Duration::from_secs(15);

/// Puts the state of a service into the repository.
#[derive(Clone)]
pub(crate) struct Keeper {
    queue: Queue,
    settings: Settings,
}

impl Keeper {
    /// The text of `rowkeep.toml` goes with it, as the settings have it.
    pub(crate) fn new(queue: Queue, settings: Settings) -> Self {
        Self { queue, settings }
    }

    /// Keeps it when something changed, until that is to stop.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let (mut failed, mut has_told): (Option<Timestamp>, Option<String>) = (None, None);
        while !stop.is_cancelled() {
            let now = self.queue.now();
            let is_paused = failed.is_some_and(|failed| now.duration_since(failed).abs() < AGAIN);
            if !is_paused && self.is_due(now).await {
                match self.keep(stop.clone()).await {
                    Ok(()) => (failed, has_told) = (None, None),
                    Err(_) if stop.is_cancelled() => {}
                    Err(told) => {
                        if has_told.as_ref() != Some(&told) {
                            tracing::warn!(
                                "the state could not be put into the repository: {told}; it is tried again"
                            );
                        }
                        (failed, has_told) = (Some(now), Some(told));
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Keeps it once more, when nothing changes any more.
    pub(crate) async fn keep_last(&self) {
        if self.interval().is_none() || !matches!(self.change().await, Ok(Some(_))) {
            return;
        }
        let patience = CancellationToken::new();
        let keeping = self.clone();
        let told = tokio::select! {
            kept = keeping.keep(patience.clone()) => kept.err(),
            () = tokio::time::sleep(AT_THE_END) => Some("it takes too long".to_owned()),
        };
        patience.cancel();
        if let Some(told) = told {
            tracing::warn!("the last of the state could not be put into the repository: {told}");
        }
    }

    fn interval(&self) -> Option<SignedDuration> {
        match self.queue.workspace().config().service.keep_state {
            KeepState::Off => None,
            KeepState::Every { seconds } => {
                Some(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
            }
        }
    }

    /// What is in the repository, if it is not all that there is; and whether the rest must not wait.
    async fn change(&self) -> Result<Option<(Option<Kept>, bool)>, Error> {
        let look = |state: &Transaction<'_>| {
            let ((number, hash), kept) = (audit::head(state)?, kept::last(state)?);
            let known = kept.as_ref().map_or(0, |kept| kept.number);
            match kept.as_ref().is_some_and(|kept| kept.number == number && kept.hash == hash) {
                true => Ok(None),
                false => Ok(Some((kept, kept::is_urgent(state, known)?))),
            }
        };
        self.queue.state().transaction(look).await
    }

    async fn is_due(&self, now: Timestamp) -> bool {
        let Some(interval) = self.interval() else { return false };
        let is_due = match self.change().await {
            Ok(None) => false,
            Ok(Some((None, _) | (_, true))) => true,
            Ok(Some((Some(kept), false))) => now.duration_since(kept.time).abs() >= interval,
            Err(error) => {
                tell(&error);
                false
            }
        };
        // Where there is no repository yet, there is nothing to tell: jobs say so.
        is_due && self.queue.usable().await.is_ok()
    }

    /// Keeps it now; or tells why it cannot be.
    async fn keep(&self, cancel: CancellationToken) -> Result<(), String> {
        let (keeper, runtime) = (self.clone(), Handle::current());
        // Not all that is waited for can go from thread to thread.
        let kept = tokio::task::spawn_blocking(move || runtime.block_on(keeper.keep_here(cancel)));
        match kept.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(in_one_line(&error)),
            Err(_) => Err("it broke off by a fault of rowkeep's".to_owned()),
        }
    }

    async fn keep_here(&self, cancel: CancellationToken) -> Result<(), Error> {
        let (queue, workspace) = (&self.queue, self.queue.workspace());
        let context = queue.context(cancel);
        let keeping = queue.keeping().await;
        let mut luggage = Vec::new();
        // What nobody but the service knows does not go where others can read it.
        if workspace.repository().await?.is_encrypted() {
            luggage.push((KEY, queue.state().key()?.to_vec()));
            let config = self.settings.text().map(|text| text.expose_secret().as_bytes().to_vec());
            luggage.extend(config.map(|text| (CONFIG, text)));
        }
        let time = queue.now();
        let copy = queue.state().copy(luggage).await?;
        let (number, hash) = copy.head;
        let tags = BTreeMap::from([(HEAD_TAG.to_owned(), format!("{number}:{}", hex::encode(&hash)))]);
        let made = service_state::keep(&context, &workspace, copy.file.path(), tags).await?;
        let note = Kept { number, hash, time };
        queue.state().transaction(move |state| kept::set(state, &note)).await?;
        drop(keeping);
        for behind in made.behind {
            tracing::warn!(
                "the repository {} does not have the newest state: {}",
                behind.repository,
                behind.error
            );
        }
        service_state::thin_out(&context, &workspace).await?;
        Ok(())
    }
}
