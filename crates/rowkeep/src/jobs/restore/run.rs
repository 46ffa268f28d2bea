//! Which way a restore goes.

use rowkeep_engine::{Contents, Engine};
use rowkeep_repository::Repository;

use super::request::RestoreRequest;
use super::{live, new, translated};
use crate::hooks::{Facts, Operation};
use crate::jobs::caller::Caller;
use crate::jobs::executing::Scene;
use crate::jobs::outcome::RestoreOutcome;
use crate::jobs::workspace::{Source, Workspace};
use crate::restore::translate::is_possible;
use crate::state::snapshots;
use crate::{Context, Error};

impl RestoreRequest {
    /// Restores.
    ///
    /// A new or empty database is made from the snapshot and compared with it. In one that holds data, the rows that differ
    /// are changed in one transaction, or with [`with_schema`](Self::with_schema) all of it is replaced; the caller is
    /// asked before. A database of another engine is made by a translation.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<RestoreOutcome, Error> {
        let to = self.to.as_deref().map(|to| workspace.source(to)).transpose()?;
        // Deriving the repository's key and looking at the database both take a while, and neither needs the other.
        let look = async |to: &Option<Source>| match to {
            Some(to) => Some(to.engine.contents().await),
            None => None,
        };
        let (repository, contents) = tokio::join!(workspace.repository(), look(&to));
        let repository: &Repository = repository?;
        let snapshot = snapshots::find(repository, &self.snapshot).await?;
        let to = match to {
            Some(to) => to,
            None => workspace.configured(&snapshot.manifest.database)?,
        };
        let engine: &dyn Engine = to.engine.as_ref();
        let mut facts = Facts::new(Operation::Restore, &*to.name, engine.describe(), context.now());
        facts.snapshot = Some(snapshot.id.to_string());
        let scene = Scene { context, workspace, caller, repository, snapshot: &snapshot, to: &to };
        if is_possible(&snapshot, engine) {
            return Box::pin(translated::translate(self, scene, facts)).await;
        }
        let contents = match contents {
            Some(contents) => contents,
            None => engine.contents().await,
        };
        match contents? {
            Contents::Occupied(_) if self.with_schema => {
                Box::pin(live::replace_all(self, scene, facts)).await
            }
            Contents::Occupied(_) => Box::pin(live::change_rows(self, scene, facts)).await,
            Contents::Missing | Contents::Empty | Contents::Unfinished => {
                Box::pin(new::make(self, scene, facts)).await
            }
        }
    }
}
