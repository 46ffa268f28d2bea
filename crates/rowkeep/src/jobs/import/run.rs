//! Which files are imported, and how.

use super::outcome::ImportOutcome;
use super::request::ImportRequest;
use super::several::import_all;
use super::single::import;
use crate::jobs::caller::Caller;
use crate::jobs::workspace::Workspace;
use crate::{Context, Error, RequestError};

impl ImportRequest {
    /// Imports. Of several files one that fails keeps no other from being imported; the only one's error is the job's.
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
        if !self.all {
            let imported = Box::pin(import(self, &self.file, context, workspace, caller)).await?;
            return Ok(ImportOutcome { imported: vec![imported], ..ImportOutcome::default() });
        }
        if self.time.is_some() || self.name.is_some() {
            return Err(RequestError::OfSeveralFiles.into());
        }
        Box::pin(import_all(self, context, workspace, caller)).await
    }
}
