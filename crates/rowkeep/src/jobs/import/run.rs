//! Which files are imported, and how.

use rowkeep_format::SnapshotId;

use super::outcome::ImportOutcome;
use super::request::ImportRequest;
use super::several::import_all;
use super::single::import;
use crate::jobs::caller::Caller;
use crate::jobs::repositories::spread_these;
use crate::jobs::workspace::Workspace;
use crate::{Context, Error, RequestError};

impl ImportRequest {
    /// Imports. Of several files one that fails keeps no other from being imported; the only one's error is the job's.
    ///
    /// Of several repositories, the first that can be opened gets the snapshots, and the others copies of them.
    ///
    /// A file that is damaged makes no snapshot, unless its whole tables are wanted.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<ImportOutcome, Error> {
        if let Some(name) = &self.name {
            workspace.check_name(name)?;
        }
        let mut outcome = if !self.all {
            let imported = Box::pin(import(self, &self.file, context, workspace, caller)).await?;
            ImportOutcome { imported: vec![imported], ..ImportOutcome::default() }
        } else if self.time.is_some() || self.name.is_some() {
            return Err(RequestError::OfSeveralFiles.into());
        } else {
            Box::pin(import_all(self, context, workspace, caller)).await?
        };
        let snapshots: Vec<SnapshotId> = outcome.imported.iter().map(|one| one.snapshot.id).collect();
        outcome.behind = spread_these(context, workspace, &snapshots, caller).await?;
        Ok(outcome)
    }
}
