//! How databases are, found out once a second at most for however many who ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rowkeep::repository::Catalog;
use tokio::sync::Mutex;

use crate::Error;
use crate::health::{DatabaseHealth, health_of_all};
use crate::queue::Queue;

/// Ages are told in seconds.
const LASTS: Duration = Duration::from_secs(1);

/// How all databases are, by name.
pub(crate) type AllHealth = Arc<Vec<DatabaseHealth>>;

/// How databases are, as it was found out last.
#[derive(Default)]
pub(crate) struct KnownHealth(Mutex<Option<Known>>);

struct Known {
    /// What it was found out from.
    changes: u64,
    catalog: Result<Arc<Catalog>, String>,
    /// When.
    now: Timestamp,
    at: Instant,
    health: AllHealth,
}

impl Known {
    /// Whether it would be the same if it was found out again, but for the part of a second that has passed.
    fn holds(
        &self,
        changes: u64,
        catalog: &Result<Arc<Catalog>, String>,
        now: Timestamp,
        at: Instant,
    ) -> bool {
        let is_same = match (&self.catalog, catalog) {
            (Ok(known), Ok(catalog)) => Arc::ptr_eq(known, catalog),
            (Err(known), Err(problem)) => known == problem,
            _ => false,
        };
        is_same
            && self.changes == changes
            && self.now.as_second() == now.as_second()
            && at.saturating_duration_since(self.at) < LASTS
    }
}

impl KnownHealth {
    /// How all databases are.
    pub(crate) async fn all(&self, queue: &Queue) -> Result<AllHealth, Error> {
        let mut known = self.0.lock().await;
        let changes = queue.state().changes();
        let catalog = queue.catalog().await;
        let (now, at) = (queue.now(), queue.clock().instant());
        if let Some(known) = known.as_ref().filter(|known| known.holds(changes, &catalog, now, at)) {
            return Ok(Arc::clone(&known.health));
        }
        let health = Arc::new(health_of_all(queue, |_| true).await?);
        *known = Some(Known { changes, catalog, now, at, health: Arc::clone(&health) });
        Ok(health)
    }

    /// How one is.
    pub(crate) async fn of(&self, queue: &Queue, name: &str) -> Result<DatabaseHealth, Error> {
        let all = self.all(queue).await?;
        let found = all.iter().find(|health| health.name == name);
        found.cloned().ok_or_else(|| Error::Content(format!("no database {name}")))
    }
}
