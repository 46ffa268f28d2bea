//! Databases that somebody is about to add: between one page and the next they are kept here, for addresses may hold passwords.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rowkeep::clock::Clock;
use rowkeep::jobs::outcome::Examined;
use rowkeep::repository::StoreFinding;
use secrecy::SecretString;

/// How long one is kept after it was changed last.
const LASTS: Duration = Duration::from_secs(60 * 60);

/// No more are kept at once: the oldest goes.
const MOST: usize = 100;

/// A database that somebody is about to add.
#[derive(Clone)]
pub(crate) struct Draft {
    /// The id of the user, who alone sees it.
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) url: SecretString,
    /// What was found when it was looked at; or why it could not be.
    pub(crate) examined: Result<Examined, String>,
    /// What was found of the store of the repository that was just made for it.
    pub(crate) store: Vec<StoreFinding>,
}

/// All of them.
pub(crate) struct Drafts {
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<String, (Instant, Draft)>>,
}

impl Drafts {
    /// None yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Keeps one under an id.
    pub(crate) fn keep(&self, id: String, draft: Draft) {
        let now = self.clock.instant();
        let mut kept = self.kept();
        kept.retain(|_, (since, _)| now.saturating_duration_since(*since) < LASTS);
        if kept.len() >= MOST && !kept.contains_key(&id) {
            let oldest = kept.iter().min_by_key(|(_, (since, _))| *since).map(|(id, _)| id.clone());
            oldest.map(|oldest| kept.remove(&oldest));
        }
        kept.insert(id, (now, draft));
    }

    /// That of an id, if it is this user's and still there.
    pub(crate) fn get(&self, id: &str, user: &str) -> Option<Draft> {
        let now = self.clock.instant();
        let kept = self.kept();
        let (since, draft) = kept.get(id)?;
        (draft.user == user && now.saturating_duration_since(*since) < LASTS).then(|| draft.clone())
    }

    /// Forgets one.
    pub(crate) fn forget(&self, id: &str) {
        self.kept().remove(id);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (Instant, Draft)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
