//! The snapshots of databases with everything that is said of them, listed once for however many who ask in the same moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rowkeep::jobs::outcome::SnapshotSummary;
use rowkeep::jobs::snapshots::list_of;
use rowkeep::repository::Catalog;
use tokio::sync::Mutex;

use super::problem::Problem;
use crate::queue::Queue;

/// For how long a list is taken to be what it was: holds that others put on snapshots are not in the catalog.
const LASTS: Duration = Duration::from_secs(2);

/// So many lists are kept.
const KEPT: usize = 8;

/// The snapshots of a database, the oldest first.
pub(crate) type Listed = Arc<Vec<SnapshotSummary>>;

/// The lists that were made last.
#[derive(Default)]
pub(crate) struct KnownSnapshots(Mutex<Vec<Known>>);

struct Known {
    database: String,
    /// What it was listed from: jobs hold and release.
    changes: u64,
    catalog: Arc<Catalog>,
    at: Instant,
    listed: Listed,
}

impl KnownSnapshots {
    /// The snapshots of a database.
    pub(crate) async fn of(&self, queue: &Queue, database: &str) -> Result<Listed, Problem> {
        let mut known = self.0.lock().await;
        let changes = queue.state().changes();
        // Why it cannot be opened is told as by everything else that opens it.
        queue.workspace().repository().await?;
        let catalog = queue.catalog().await.map_err(Problem::unavailable)?;
        let at = queue.clock().instant();
        known.retain(|known| {
            known.changes == changes
                && Arc::ptr_eq(&known.catalog, &catalog)
                && at.saturating_duration_since(known.at) < LASTS
        });
        if let Some(known) = known.iter().find(|known| known.database == database) {
            return Ok(Arc::clone(&known.listed));
        }
        let outcome = list_of(&queue.workspace(), Arc::clone(&catalog), Some(database)).await?;
        let listed = Arc::new(outcome.snapshots);
        if known.len() >= KEPT {
            known.remove(0);
        }
        let database = database.to_owned();
        known.push(Known { database, changes, catalog, at, listed: Arc::clone(&listed) });
        Ok(listed)
    }
}
