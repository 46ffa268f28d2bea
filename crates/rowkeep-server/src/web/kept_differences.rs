//! Differences that are kept for a while, so that page after page can be read of one comparison.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rowkeep::clock::Clock;
use rowkeep::diff::Changeset;
use rowkeep::format::{Counts, TableName};
use tokio::sync::Semaphore;

/// How many are kept; the one that was not used for longest makes room.
const KEPT: usize = 8;

/// For how long one is kept that nobody uses.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How many comparisons are made at once.
const AT_ONCE: usize = 2;

/// What is asked for, in the words in which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) database: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) table: String,
}

/// How two states of a table differ.
pub(crate) struct Found {
    /// The states, in words.
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) table: TableName,
    pub(crate) counts: Counts,
    /// The engine in whose forms the rows are.
    pub(crate) engine: String,
    /// The rows that differ. A part of it is in memory, the rest in a file that is gone with it.
    pub(crate) changes: Changeset,
    /// The place of the table in these, where rows of it differ.
    pub(crate) place: Option<usize>,
}

struct Kept {
    id: String,
    asked: Asked,
    found: Arc<Found>,
    used: Instant,
}

/// The differences that are kept, and how many may be looked for at once.
pub(crate) struct KeptDifferences {
    kept: Arc<Mutex<Vec<Kept>>>,
    clock: Arc<dyn Clock>,
    pub(crate) turns: Arc<Semaphore>,
}

impl KeptDifferences {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { kept: Arc::default(), clock, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Keeps a difference by an id that nobody guesses.
    pub(crate) fn keep(&self, id: String, asked: Asked, found: Arc<Found>) {
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT
            && let Some(oldest) = (0..kept.len()).min_by_key(|at| kept[*at].used)
        {
            kept.swap_remove(oldest);
        }
        kept.push(Kept { id: id.clone(), asked, found, used: self.clock.instant() });
        drop(kept);
        let (kept, clock) = (Arc::downgrade(&self.kept), Arc::clone(&self.clock));
        tokio::spawn(async move {
            let mut pause = KEPT_FOR;
            loop {
                tokio::time::sleep(pause).await;
                let Some(kept) = kept.upgrade() else { return };
                let mut kept = lock(&kept);
                let Some(at) = kept.iter().position(|kept| kept.id == id) else { return };
                pause = KEPT_FOR.saturating_sub(clock.instant().saturating_duration_since(kept[at].used));
                if pause.is_zero() {
                    kept.swap_remove(at);
                    return;
                }
            }
        });
    }

    /// The difference of an id, for whoever asks for the same again.
    pub(crate) fn find(&self, id: &str, asked: &Asked) -> Option<Arc<Found>> {
        let mut kept = lock(&self.kept);
        let found = kept.iter_mut().find(|kept| kept.id == id && kept.asked == *asked)?;
        found.used = self.clock.instant();
        Some(Arc::clone(&found.found))
    }
}

fn lock(kept: &Mutex<Vec<Kept>>) -> MutexGuard<'_, Vec<Kept>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
