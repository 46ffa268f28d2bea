//! Where drills make their databases, or the files that stand for these, and how they go away.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::{
    AbandonedFolder, EngineError, ErrorKind, HeldFolder, Kind, ScratchDatabase, ScratchPlace, ScratchWanted,
    Surroundings, kind_of, kinds,
};
use rowkeep_format::{Manifest, Schema, TableEntry};
use rowkeep_repository::Repository;
use secrecy::{ExposeSecret, SecretString};

use super::options::DrillOptions;
use super::page_file::PageFile;
use crate::data_checks::{Check, Circumstances, run_checks, run_checks_on_rows};
use crate::report::ReportEntry;
use crate::restore::verify::{Comparison, verify, verify_tables};
use crate::restore::{Restored, restore_scratch};
use crate::state::SnapshotState;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error};

/// What the names of drills' folders begin with.
const PREFIX: &str = "rowkeep-drill-";

/// A place for scratch databases. What killed drills left at the same place is removed before anything else.
pub(super) struct Workshop {
    place: Place,
    /// The drill's own folder, where the place is in it.
    folder: Option<HeldFolder>,
    context: Context,
    cleared: Vec<String>,
    left: Vec<String>,
}

/// What is made there.
enum Place {
    /// Databases.
    Databases(Box<dyn ScratchPlace>),
    /// Files in this folder, for databases that only their pages make.
    Files(PathBuf, Box<Surroundings>),
}

/// A scratch database, or the file that stands for one.
pub(super) enum Scratch {
    Database(Box<dyn ScratchDatabase>),
    File(Box<PageFile>),
}

impl Workshop {
    /// Opens a place for the databases of an engine.
    pub(super) async fn open(
        context: &Context,
        manifest: &Manifest,
        options: &DrillOptions,
    ) -> Result<Self, Error> {
        let engine = &manifest.engine;
        let kind = kind_of(engine).map_err(|_| {
            let message = format!("no scratch database of {engine} can be made");
            EngineError::new(ErrorKind::Unsupported, message)
        })?;
        let server = match &options.to_server {
            Some(url) => server_kind(url, kind).scratch_on(url, &options.surroundings)?,
            None => None,
        };
        if let Some(place) = server {
            let clear = async { Ok(place.clear(seconds(context.now())).await?) };
            let found = context.until_cancelled(clear).await?;
            let (cleared, left) = (found.removed, found.left);
            let place = Place::Databases(place);
            return Ok(Self { place, folder: None, context: context.clone(), cleared, left });
        }
        let (below, surroundings) = (options.temporary.clone(), options.surroundings.clone());
        let (clock, random) = (Arc::clone(context.clock()), Arc::clone(context.randomness()));
        let server_version = manifest.environment.get("server_version").cloned();
        let make = move || -> Result<_, EngineError> {
            let folder = HeldFolder::make(&below, PREFIX).map_err(|error| no_folder(&below, error))?;
            let owner = folder.owner().map_err(|error| no_folder(&below, error))?;
            let cleared = clear(&below, owner, &surroundings, clock.now());
            if kind.arrives() {
                let path = folder.path().to_owned();
                let within = Surroundings { temporary: Some(path.clone()), ..surroundings };
                return Ok((folder, Place::Files(path, Box::new(within)), cleared));
            }
            let secret = hex::encode(random.bytes::<16>().map_err(no_password)?).into();
            let wanted = ScratchWanted { server_version, secret };
            let place = kind.scratch_in(folder.path(), &wanted, &surroundings)?;
            Ok((folder, Place::Databases(place), cleared))
        };
        let (folder, place, cleared) = blocking(make).await?;
        Ok(Self { place, folder: Some(folder), context: context.clone(), cleared, left: Vec::new() })
    }

    /// What killed drills had left and is removed.
    pub(super) fn cleared(&self) -> &[String] {
        &self.cleared
    }

    /// What they had left and cannot be removed, and why.
    pub(super) fn left(&self) -> &[String] {
        &self.left
    }

    /// Where the databases are, in words that show no secret.
    pub(super) fn describe(&self) -> String {
        match &self.place {
            Place::Databases(place) => place.describe(),
            Place::Files(..) => "a file for its page, which no browser loaded".to_owned(),
        }
    }

    /// Whether files stand for databases.
    pub(super) fn makes_files(&self) -> bool {
        matches!(self.place, Place::Files(..))
    }

    /// Makes a place for a database; of a server, an empty one like that which the schema is of.
    pub(super) async fn make(&self, schema: &Schema) -> Result<Scratch, Error> {
        let (now, random) = (self.context.now(), self.context.randomness().number()?);
        Ok(match &self.place {
            Place::Databases(place) => Scratch::Database(place.make(schema, seconds(now), random).await?),
            Place::Files(folder, surroundings) => {
                let path = folder.join(format!("{random:x}.ndjson"));
                Scratch::File(Box::new(PageFile::new(path, (**surroundings).clone())))
            }
        })
    }

    /// Removes everything.
    pub(super) async fn close(self) -> Result<(), Error> {
        blocking(move || {
            // What runs has to be gone before its files are.
            drop(self.place);
            drop(self.folder);
            Ok(())
        })
        .await
    }
}

/// The kind of the databases of a server: of several whose snapshots are of one engine, that which the URL is of.
fn server_kind(url: &SecretString, of_snapshot: &'static dyn Kind) -> &'static dyn Kind {
    let is_meant = |kind: &&'static dyn Kind| {
        kind.dialect().name() == of_snapshot.dialect().name()
            && kind.schemes().iter().any(|scheme| url.expose_secret().starts_with(scheme))
    };
    kinds().into_iter().find(is_meant).unwrap_or(of_snapshot)
}

impl Scratch {
    /// Brings these tables of a snapshot back.
    pub(super) async fn fill(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
        tables: &[TableEntry],
    ) -> Result<Restored, Error> {
        match self {
            Scratch::Database(database) => {
                let engine = database.engine();
                restore_scratch(context, repository, snapshot, engine, tables).await
            }
            Scratch::File(file) => file.write(context, repository, snapshot, tables).await,
        }
    }

    /// Holds all that came back against the snapshot.
    pub(super) async fn verify(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
    ) -> Result<Comparison, Error> {
        match self {
            Scratch::Database(database) => verify(context, repository, snapshot, database.engine()).await,
            Scratch::File(file) => file.verify(context, repository, snapshot).await,
        }
    }

    /// The same for the rows of some tables.
    pub(super) async fn verify_tables(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
        tables: &[TableEntry],
    ) -> Result<Comparison, Error> {
        match self {
            Scratch::Database(database) => {
                verify_tables(context, repository, snapshot, database.engine(), tables).await
            }
            Scratch::File(file) => file.verify_tables(context, repository, snapshot, tables).await,
        }
    }

    /// Runs checks on what came back.
    pub(super) async fn check(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
        checks: &[Check],
        circumstances: Circumstances<'_>,
    ) -> Result<Vec<ReportEntry>, Error> {
        match self {
            Scratch::Database(database) => {
                run_checks(context, database.engine(), checks, circumstances).await
            }
            Scratch::File(_) => {
                // The file is equal to the snapshot, whose rows are at hand.
                let reader = Arc::new(repository.reader().await?);
                let state = SnapshotState::open(reader, snapshot.clone()).await?;
                run_checks_on_rows(context, &state, checks, circumstances).await
            }
        }
    }

    /// Removes it.
    pub(super) async fn remove(self) -> Result<(), Error> {
        match self {
            Scratch::Database(database) => Ok(database.remove().await?),
            Scratch::File(file) => file.remove(),
        }
    }
}

/// Removes what killed drills left below a folder, and says what that was; blocks.
fn clear(below: &Path, owner: u32, surroundings: &Surroundings, now: Timestamp) -> Vec<String> {
    let mut cleared = Vec::new();
    for left in AbandonedFolder::find(below, PREFIX, owner, now).unwrap_or_default() {
        kinds().into_iter().for_each(|kind| kind.end_scratch(left.path(), surroundings));
        let path = left.path().display().to_string();
        match left.remove() {
            Ok(()) => cleared.push(path),
            Err(error) => tracing::warn!("cannot remove {path}: {error}"),
        }
    }
    cleared
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

fn no_folder(below: &Path, error: std::io::Error) -> EngineError {
    EngineError::new(ErrorKind::Other, format!("cannot keep scratch files in {}", below.display()))
        .with_source(error)
}

fn no_password(error: rowkeep_repository::Error) -> EngineError {
    EngineError::new(ErrorKind::Other, "cannot make a password for the scratch server").with_source(error)
}

/// Seconds since 1970, for the name of a database.
fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}
