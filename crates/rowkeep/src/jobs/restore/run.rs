//! Which way a restore goes.

use rowkeep_engine::{Contents, Engine};
use rowkeep_format::{Sameness, Summary};
use rowkeep_repository::Repository;

use super::request::RestoreRequest;
use super::{live, new, translated};
use crate::hooks::{Facts, Operation};
use crate::jobs::caller::Caller;
use crate::jobs::executing::Scene;
use crate::jobs::import::import_state;
use crate::jobs::outcome::RestoreOutcome;
use crate::jobs::workspace::{Found, Source, Workspace};
use crate::restore::in_types;
use crate::restore::translate::is_possible;
use crate::state::owner::Owner;
use crate::state::snapshots::{LATEST, Snapshot};
use crate::{Context, Error, RequestError};

/// Refuses to restore a snapshot of one database into another that the configuration gives its name.
async fn refuse_namesake(snapshot: &Snapshot, to: &Source) -> Result<(), RequestError> {
    let manifest = &snapshot.manifest;
    let Some(taken) = manifest.identity.as_ref().filter(|taken| !taken.configured) else { return Ok(()) };
    let Some(there) = to.owner().await.identity else { return Ok(()) };
    if taken.compare(&there) != Sameness::Other || taken.is_at_place_of(&there) {
        return Ok(());
    }
    let (name, place, other) = (to.name.clone(), there.place, taken.place.clone());
    Err(RequestError::OfNamesake { snapshot: snapshot.short_id(), name, place, other })
}

/// Refuses `latest` where it is of another database of the target's name, and the target has snapshots of its own.
async fn refuse_latest_of_namesake(
    repository: &Repository,
    snapshot: &Snapshot,
    to: &Source,
) -> Result<(), Error> {
    let taken = Owner::of(&snapshot.manifest);
    let is_elsewhere = taken.identity.as_ref().is_some_and(|taken| taken.place != to.engine.place());
    if taken.name != to.name || !is_elsewhere {
        return Ok(());
    }
    let owner = to.owner().await;
    let is_own = owner.owns(&Summary::of(snapshot.id, &snapshot.manifest));
    if is_own || !owner.has_backups(&*repository.catalog().await?) {
        return Ok(());
    }
    Err(Error::AmbiguousDatabase { name: LATEST.to_owned(), places: vec![owner.told(), taken.told()] })
}

impl RestoreRequest {
    /// The snapshot that is meant, or one that is made of the file that is: what looks like a path is one, if it is there.
    async fn state(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<Found, Error> {
        let name = &self.snapshot;
        let import = async || Box::pin(import_state(name, context, workspace, caller)).await;
        if name.contains(['/', '.', '#'])
            && let Some(imported) = import().await?
        {
            return Ok(Found::of(imported));
        }
        match workspace.find(context, name).await {
            Err(error @ Error::NoSuchSnapshot { database: None, .. }) => {
                import().await?.map(Found::of).ok_or(error)
            }
            found => found,
        }
    }

    /// Restores.
    ///
    /// A new or empty database is made from the snapshot and compared with it. In one that holds data, the rows that differ
    /// are changed in one transaction, or with [`with_schema`](Self::with_schema) all of it is replaced; the caller is
    /// asked before. A database of another engine is made by a translation; into one that holds data, rows of a file or of another
    /// engine go in the types of its own tables.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<RestoreOutcome, Error> {
        let to = self.to.as_deref().map(|to| workspace.source(to)).transpose()?;
        if let Some(to) = &to {
            to.engine.check_changeable()?;
        }
        // Deriving the repository's key and looking at the database both take a while, and neither needs the other.
        let look = async |to: &Option<Source>| match to {
            Some(to) => Some(to.engine.contents().await),
            None => None,
        };
        let (repository, contents) = tokio::join!(workspace.repository(), look(&to));
        let repository: &Repository = repository?;
        let found = self.state(context, workspace, caller).await?;
        let to = match to {
            Some(to) => to,
            None => {
                let to = workspace.configured(&found.snapshot().manifest.database)?;
                refuse_namesake(found.snapshot(), &to).await?;
                to
            }
        };
        let engine: &dyn Engine = to.engine.as_ref();
        let contents = match contents {
            Some(contents) => contents?,
            None => engine.contents().await?,
        };
        let is_made = self.with_schema || !matches!(contents, Contents::Occupied(_));
        let selection = self.wanted.selection(workspace);
        let parts = (!selection.include.is_empty() && !self.with_schema).then_some(&selection);
        let snapshot = match is_made {
            true => workspace.whole(context, &self.snapshot, found, parts).await?,
            false => found.told(context),
        };
        if self.snapshot == LATEST {
            refuse_latest_of_namesake(repository, &snapshot, &to).await?;
        }
        let mut facts = Facts::new(Operation::Restore, &*to.name, engine.describe(), context.now());
        facts.snapshot = Some(snapshot.id.to_string());
        let scene = Scene { context, workspace, caller, repository, snapshot: &snapshot, to: &to };
        let is_of_others = in_types::is_possible(&snapshot.manifest.engine, engine);
        if is_of_others && !self.with_schema && matches!(contents, Contents::Occupied(_)) {
            return Box::pin(live::change_rows_of_others(self, scene, facts)).await;
        }
        self.refuse_called()?;
        if is_possible(&snapshot, engine) {
            return Box::pin(translated::translate(self, scene, facts)).await;
        }
        match contents {
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
