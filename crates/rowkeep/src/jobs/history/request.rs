//! Which row is to be followed.

use serde::{Deserialize, Serialize};

use super::{History, databases, history};
use crate::jobs::workspace::Workspace;
use crate::jobs::{DatabaseRef, Verdict};
use crate::rows::condition::KeyReference;
use crate::state::owner::{meant, unknown};
use crate::{Context, Error, RequestError};

/// Which row is to be followed through the snapshots.
///
/// ```no_run
/// use rowkeep::jobs::history::HistoryRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = HistoryRequest { table: "customers".to_owned(), key: "42".to_owned(), database: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(!outcome.history.versions.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRequest {
    /// The table, where need be with its schema.
    pub table: String,
    /// The values of its key, with commas between them.
    pub key: String,
    /// The database by the name that snapshots have, or by its URL or path; the only one of the repository when not given.
    #[serde(default)]
    pub database: Option<DatabaseRef>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryOutcome {
    /// The values of its key, as they were asked for.
    pub key: String,
    /// Its versions.
    #[serde(flatten)]
    pub history: History,
}

impl HistoryOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        Verdict::Done
    }
}

impl HistoryRequest {
    /// Follows the row; snapshots are looked into, the database is not.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<HistoryOutcome, Error> {
        let row = KeyReference::new(&self.table, &self.key)?;
        let repository = workspace.repository().await?;
        let mut known = databases(repository).await?;
        let database = match &self.database {
            Some(name) => name.to_string(),
            None if known.len() == 1 => known.swap_remove(0),
            None if known.is_empty() => return Err(RequestError::NoSnapshots.into()),
            None => return Err(RequestError::SeveralInRepository { known }.into()),
        };
        let catalog = repository.catalog().await?;
        let owner = meant(&catalog, &database)?.ok_or_else(|| unknown(&catalog, &database))?;
        let history = history(context, repository, &owner, &row).await?;
        Ok(HistoryOutcome { key: self.key.clone(), history })
    }
}
