//! A store that does not answer keeps nobody from hearing of everything else.

use std::future::Future;
use std::time::Duration;

/// How long it is waited for a store.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes of something, unless it takes too long.
pub(super) async fn within_patience<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, work).await.ok()
}
