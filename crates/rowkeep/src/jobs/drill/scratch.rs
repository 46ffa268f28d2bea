//! Where drills make their databases, and how these go away.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rowkeep_engine::postgres::{self, ScratchServer};
use rowkeep_engine::{DatabaseUrl, Engine, EngineError, ErrorKind, LibpqEnvironment, Surroundings, connect};
use rowkeep_format::{Manifest, Schema};
use secrecy::SecretString;

use super::cluster::{self, Cluster};
use super::folder::{Folder, abandoned};
use super::options::DrillOptions;
use crate::{Context, Error};

/// A place for scratch databases. What killed drills left at the same place is removed before anything else.
pub(super) struct Workshop {
    place: ScratchLocation,
    options: DrillOptions,
    context: Context,
    cleared: Vec<String>,
    left: Vec<String>,
}

enum ScratchLocation {
    /// SQLite: files in a folder of the drill's own.
    Folder { folder: Folder, made: AtomicU32 },
    /// PostgreSQL: databases of a server, which may itself be the drill's own.
    Server { server: ScratchServer, url: SecretString, own: Option<(Cluster, Folder)> },
}

/// A scratch database.
pub(super) struct Scratch {
    engine: Arc<dyn Engine>,
    on_server: Option<postgres::Scratch>,
    file: Option<PathBuf>,
}

impl Workshop {
    /// Opens a place for the databases of an engine.
    pub(super) async fn open(
        context: &Context,
        manifest: &Manifest,
        options: &DrillOptions,
    ) -> Result<Self, Error> {
        let is_postgres = match manifest.engine.as_str() {
            "postgresql" => true,
            "sqlite" => false,
            other => {
                let message = format!("no scratch database of {other} can be made");
                return Err(EngineError::new(ErrorKind::Unsupported, message).into());
            }
        };
        let (below, surroundings) = (options.temporary.clone(), options.surroundings.clone());
        let (clock, random) = (Arc::clone(context.clock()), Arc::clone(context.randomness()));
        let (mut cleared, mut left) = (Vec::new(), Vec::new());
        let place = match (&options.to_server, is_postgres) {
            (Some(url), true) => {
                let server = ScratchServer::new(url, &options.surroundings.libpq)?;
                let found = context
                    .until_cancelled(async { Ok(server.clear_abandoned(seconds(context.now())).await?) })
                    .await?;
                cleared.extend(found.dropped.into_iter().map(|name| format!("database {name}")));
                let stays = |(name, why)| format!("database {name} cannot be dropped: {why}");
                left.extend(found.left.into_iter().map(stays));
                ScratchLocation::Server { server, url: url.clone(), own: None }
            }
            (_, is_postgres) => {
                let version = manifest.environment.get("server_version");
                let major = version.and_then(|version| {
                    version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok())
                });
                let make = move || -> Result<_, EngineError> {
                    let folder = Folder::make(&below).map_err(|error| no_folder(&below, error))?;
                    let owner = folder.owner().map_err(|error| no_folder(&below, error))?;
                    let cleared = clear(&below, owner, &surroundings, clock.now());
                    let cluster = match is_postgres {
                        true => {
                            Some(Cluster::start(folder.path(), &surroundings, major.unwrap_or(0), &*random)?)
                        }
                        false => None,
                    };
                    Ok((folder, cluster, cleared))
                };
                let (folder, cluster, remains) = blocking(make).await?;
                cleared.extend(remains);
                match cluster {
                    None => ScratchLocation::Folder { folder, made: AtomicU32::new(0) },
                    Some(cluster) => {
                        let url = cluster.url();
                        ScratchLocation::Server {
                            server: ScratchServer::new(&url, &LibpqEnvironment::default())?,
                            url,
                            own: Some((cluster, folder)),
                        }
                    }
                }
            }
        };
        Ok(Self { place, options: options.clone(), context: context.clone(), cleared, left })
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
            ScratchLocation::Folder { .. } => "a temporary SQLite file".to_owned(),
            ScratchLocation::Server { own: Some((cluster, _)), .. } => cluster.describe(),
            ScratchLocation::Server { url, .. } => {
                let described = connect(&DatabaseUrl::Postgres(url.clone()), &self.options.surroundings)
                    .map(|engine| engine.describe());
                format!("a scratch database beside {}", described.unwrap_or_default())
            }
        }
    }

    /// Makes a place for a database; of a server, an empty one like that which the schema is of.
    pub(super) async fn make(&self, schema: &Schema) -> Result<Scratch, Error> {
        let surroundings = &self.options.surroundings;
        match &self.place {
            ScratchLocation::Folder { folder, made } => {
                let number = made.fetch_add(1, Ordering::Relaxed);
                let file = folder.path().join(format!("drill-{number}.db"));
                let engine = connect(&DatabaseUrl::Sqlite(file.clone()), surroundings)?;
                Ok(Scratch { engine, on_server: None, file: Some(file) })
            }
            ScratchLocation::Server { server, .. } => {
                let (now, random) = (self.context.now(), self.context.randomness().number()?);
                let made = server.make(schema, seconds(now), random).await?;
                // Its URL says all: what the user has set is for other servers.
                let surroundings =
                    Surroundings { libpq: LibpqEnvironment::default(), ..surroundings.clone() };
                let engine = connect(&DatabaseUrl::Postgres(made.url().clone()), &surroundings)?;
                Ok(Scratch { engine, on_server: Some(made), file: None })
            }
        }
    }

    /// Removes everything.
    pub(super) async fn close(self) -> Result<(), Error> {
        blocking(move || {
            match self.place {
                ScratchLocation::Folder { .. } | ScratchLocation::Server { own: None, .. } => {}
                ScratchLocation::Server { own: Some((cluster, folder)), .. } => {
                    // The server has to be gone before its files are.
                    drop(cluster);
                    drop(folder);
                }
            }
            Ok(())
        })
        .await
    }
}

impl Scratch {
    pub(super) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// Removes it.
    pub(super) async fn remove(self) -> Result<(), Error> {
        if let Some(database) = self.on_server {
            database.remove().await?;
        }
        if let Some(file) = self.file {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(no_folder(&file, error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Removes what killed drills left below a folder, and says what that was; blocks.
fn clear(below: &std::path::Path, owner: u32, surroundings: &Surroundings, now: Timestamp) -> Vec<String> {
    let mut cleared = Vec::new();
    for left in abandoned(below, owner, now).unwrap_or_default() {
        cluster::stop_left(&left.path, surroundings);
        let path = left.path.display().to_string();
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

fn no_folder(below: &std::path::Path, error: std::io::Error) -> EngineError {
    EngineError::new(ErrorKind::Other, format!("cannot keep scratch files in {}", below.display()))
        .with_source(error)
}

/// Seconds since 1970, for the name of a database.
fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}
