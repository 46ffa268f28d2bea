//! How much the repository holds: asked for often, and found out seldom, for its store has to be listed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rowkeep::jobs::workspace::Workspace;
use tokio::sync::Notify;

use crate::queue::Queue;

/// For how long it is taken to be what it was.
const FRESH: Duration = Duration::from_secs(300);

/// How long it is waited before it is tried again, where it could not be found out.
const AGAIN: Duration = Duration::from_secs(10);

/// How long whoever asks waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much the repository holds.
#[derive(Clone, Default)]
pub(crate) struct RepositorySize(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: Mutex<Known>,
    found: Notify,
}

#[derive(Default)]
struct Known {
    bytes: Option<u64>,
    /// When it was found out, or was to be.
    at: Option<Instant>,
    is_looking: bool,
}

async fn stored_bytes(workspace: &Workspace) -> Option<u64> {
    let statistics = workspace.repository().await.ok()?.statistics().await;
    statistics.ok().map(|found| found.stored_bytes())
}

impl RepositorySize {
    /// Bytes that the repository holds, as they were some minutes ago at the most; none where nobody knows yet, or any more.
    pub(crate) async fn bytes(&self, queue: &Queue) -> Option<u64> {
        let found = self.0.found.notified();
        if self.begin(queue) {
            let (size, queue) = (self.clone(), queue.clone());
            tokio::spawn(async move {
                let bytes = match queue.usable().await {
                    Ok(workspace) => stored_bytes(&workspace).await,
                    Err(_) => None,
                };
                size.end(bytes);
            });
        }
        if self.lock().is_looking {
            // What takes longer is there for the next who asks.
            let _ = tokio::time::timeout(PATIENCE, found).await;
        }
        self.lock().bytes
    }

    /// Whether it is to be found out, by whoever is told so.
    fn begin(&self, queue: &Queue) -> bool {
        let now = queue.clock().instant();
        let mut known = self.lock();
        let lasts = if known.bytes.is_some() { FRESH } else { AGAIN };
        let is_fresh = known.at.is_some_and(|at| now.saturating_duration_since(at) < lasts);
        if known.is_looking || is_fresh {
            return false;
        }
        (known.is_looking, known.at) = (true, Some(now));
        true
    }

    fn end(&self, bytes: Option<u64>) {
        {
            let mut known = self.lock();
            (known.bytes, known.is_looking) = (bytes, false);
        }
        self.0.found.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
