//! What the repository of the service is known to hold, so that not everybody who asks has to look.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::Catalog;

use super::{Looked, Queue};

/// For how long the repository is taken to be as it was found.
const FRESH: Duration = Duration::from_secs(10);

/// For how long nobody looks again what others have put into it; what jobs here did is known at once.
const MOMENTS: Duration = Duration::from_secs(2);

/// For so long what is known of it is told while it is looked again: to list very many snapshots takes a while.
const KNOWN: Duration = Duration::from_secs(60);

impl Queue {
    /// The workspace, whose repository was there a moment ago; or why that cannot be used.
    pub(crate) async fn usable(&self) -> Result<Arc<Workspace>, String> {
        let mut looked = self.0.looked.lock().await;
        let (workspace, now) = (self.workspace(), self.0.clock.instant());
        let problem = match &*looked {
            Some(known)
                if Arc::ptr_eq(&known.of, &workspace) && now.saturating_duration_since(known.at) < FRESH =>
            {
                known.problem.clone()
            }
            _ => {
                let problem = look(&workspace).await.err();
                *looked = Some(Looked { of: Arc::clone(&workspace), at: now, problem: problem.clone() });
                problem
            }
        };
        problem.map_or(Ok(workspace), Err)
    }

    /// What the repository holds, or why it cannot be read: what jobs here have made and deleted, and what others had put there when
    /// it was looked, at most a minute ago and mostly moments.
    pub(crate) async fn catalog(&self) -> Result<Arc<Catalog>, String> {
        let workspace = self.usable().await?;
        let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
        let Some(age) = self.catalog_age().filter(|age| *age < KNOWN) else { return self.look_again().await };
        if age >= MOMENTS
            && let Ok(looking) = Arc::clone(&self.0.looking).try_lock_owned()
        {
            let queue = self.clone();
            tokio::spawn(async move {
                // Whoever asks next is told what is wrong.
                let _ = queue.look_into_it().await;
                drop(looking);
            });
        }
        match repository.known_catalog().await {
            Some(catalog) => Ok(catalog),
            None => self.look_again().await,
        }
    }

    /// What is known already of what the repository holds.
    async fn known_catalog(&self) -> Option<Arc<Catalog>> {
        let workspace = self.workspace();
        workspace.repository().await.ok()?.known_catalog().await
    }

    /// How long ago it was looked what the repository holds.
    fn catalog_age(&self) -> Option<Duration> {
        let seen = *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|seen| self.0.clock.instant().saturating_duration_since(seen))
    }

    /// Looks what the repository holds, unless somebody else just did.
    async fn look_again(&self) -> Result<Arc<Catalog>, String> {
        let _looking = self.0.looking.lock().await;
        if self.catalog_age().is_some_and(|age| age < MOMENTS)
            && let Some(catalog) = self.known_catalog().await
        {
            return Ok(catalog);
        }
        self.look_into_it().await
    }

    async fn look_into_it(&self) -> Result<Arc<Catalog>, String> {
        let began = self.0.clock.instant();
        let found = async {
            let workspace = self.usable().await?;
            let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
            repository.catalog().await.map_err(|error| error.to_string())
        };
        let found = found.await;
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = found.is_ok().then_some(began);
        found
    }
}

/// Looks whether the repository is there, and is the one that was opened.
async fn look(workspace: &Workspace) -> Result<(), String> {
    let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
    let there = repository.still_there().await.map_err(rowkeep::Error::from);
    there.map_err(|error| {
        format!(
            "{}; if another repository is meant, start the service again or have it read rowkeep.toml again",
            error.in_one_line()
        )
    })
}
