use std::path::Path;

use async_trait::async_trait;
use rowkeep_format::Schema;
use secrecy::{ExposeSecret, SecretString};

use super::cluster::Cluster;
use crate::postgres::engine::Postgres;
use crate::postgres::load::scratch::{Scratch, ScratchServer};
use crate::scratch::{Cleared, ScratchDatabase, ScratchPlace, ScratchWanted};
use crate::{Engine, EngineError, LibpqEnvironment, Surroundings};

/// A server on which scratch databases are made.
pub(crate) struct OnServer {
    server: ScratchServer,
    url: SecretString,
    surroundings: Surroundings,
    /// The server itself, where it was made for this.
    own: Option<Cluster>,
}

/// A database of it.
struct Made {
    engine: Postgres,
    database: Scratch,
}

impl OnServer {
    /// The server of a URL.
    pub(crate) fn of(url: &SecretString, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let server = ScratchServer::new(url, &surroundings.libpq)?;
        Ok(Self { server, url: url.clone(), surroundings: surroundings.clone(), own: None })
    }

    /// A server that is made for this, in a folder, of the major version or the next newer one that there is; blocks.
    pub(crate) fn own(
        folder: &Path,
        wanted: &ScratchWanted,
        surroundings: &Surroundings,
    ) -> Result<Self, EngineError> {
        let major = wanted.server_version.as_deref().and_then(|version| {
            version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok())
        });
        let cluster = Cluster::start(folder, surroundings, major.unwrap_or(0), &wanted.secret)?;
        let url = cluster.url();
        Ok(Self {
            server: ScratchServer::new(&url, &LibpqEnvironment::default())?,
            url,
            surroundings: surroundings.clone(),
            own: Some(cluster),
        })
    }
}

#[async_trait]
impl ScratchPlace for OnServer {
    fn describe(&self) -> String {
        match &self.own {
            Some(cluster) => cluster.describe(),
            None => {
                let described = Postgres::new(self.url.expose_secret(), &self.surroundings)
                    .map(|engine| engine.describe());
                format!("a scratch database beside {}", described.unwrap_or_default())
            }
        }
    }

    async fn clear(&self, seconds: u64) -> Result<Cleared, EngineError> {
        let found = self.server.clear_abandoned(seconds).await?;
        let removed = found.dropped.into_iter().map(|name| format!("database {name}"));
        let left = found.left.into_iter();
        let left = left.map(|(name, why)| format!("database {name} cannot be dropped: {why}"));
        Ok(Cleared { removed: removed.collect(), left: left.collect() })
    }

    async fn make(
        &self,
        schema: &Schema,
        seconds: u64,
        random: u64,
    ) -> Result<Box<dyn ScratchDatabase>, EngineError> {
        let database = self.server.make(schema, seconds, random).await?;
        // Its URL says all: what the user has set is for other servers.
        let surroundings = Surroundings { libpq: LibpqEnvironment::default(), ..self.surroundings.clone() };
        let engine = Postgres::new(database.url().expose_secret(), &surroundings)?;
        Ok(Box::new(Made { engine, database }))
    }
}

#[async_trait]
impl ScratchDatabase for Made {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    async fn remove(self: Box<Self>) -> Result<(), EngineError> {
        self.database.remove().await
    }
}
