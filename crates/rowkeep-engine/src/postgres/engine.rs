//! A database of a PostgreSQL server, as an engine.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Identity, RowBatch, Schema};

use super::catalog::identity;
use super::connect::address::Address;
use super::connect::libpq::complete;
use super::connect::pooling;
use super::connect::server::Server;
use super::load::target::{self, PostgresTarget};
use super::read::view::PostgresView;
use super::read::{convert, query};
use super::schema::ddl;
use super::{apply, examine, unrecorded};
use crate::apply::stopped;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, Conversion, Converted, CreateOptions, Engine, EngineError,
    Examination, Finding, Meant, QueryRows, Surroundings, Target, Unrecorded, View, ViewOptions,
};

/// The engine that files of rows, and what others keep in SQLite, are of.
const SQLITE: &str = "sqlite";

/// A database of a PostgreSQL server.
pub struct Postgres {
    address: Arc<Address>,
    surroundings: Surroundings,
}

impl Postgres {
    /// The database that a URL names, `postgres://user:password@host:port/database?settings` as libpq reads it.
    ///
    /// What the URL does not say comes from the service, the variables and the password file that libpq would go by. Of the
    /// settings, `sslmode`, `sslrootcert`, `sslcert` and `sslkey` mean what they mean to libpq, but that the
    /// system's certificates are trusted where none are named. Nothing is opened yet.
    pub fn new(url: &str, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let url = complete(url, &surroundings.libpq)?;
        Ok(Self { address: Arc::new(Address::parse(&url)?), surroundings: surroundings.clone() })
    }
}

/// Shows no password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.address.to_string()).finish()
    }
}

#[async_trait]
impl Engine for Postgres {
    fn name(&self) -> &'static str {
        ddl::ENGINE
    }

    fn describe(&self) -> String {
        self.address.to_string()
    }

    fn place(&self) -> String {
        self.address.place()
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        identity::read(&session, self.place()).await
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        self.examine_of(&Meant::default()).await
    }

    async fn examine_of(&self, meant: &Meant) -> Result<Examination, EngineError> {
        let (server, session) = Server::reach(&self.address).await?;
        examine::examine(&server, &session, &self.surroundings, meant).await
    }

    async fn examine_rows(&self, meant: &Meant) -> Result<Vec<Finding>, EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        examine::rows::findings(&session, meant).await
    }

    async fn examine_for(
        &self,
        schema: &Schema,
        server_version: Option<&str>,
    ) -> Result<Vec<Finding>, EngineError> {
        examine::target::findings(&self.address, schema, server_version).await
    }

    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        self.open_of(options, &Meant::default()).await
    }

    async fn open_of(&self, options: &ViewOptions, meant: &Meant) -> Result<Arc<dyn View>, EngineError> {
        let (server, session) = Server::reach(&self.address).await?;
        let view = PostgresView::open(server, session, &self.surroundings, options.with_ddl, meant);
        Ok(Arc::new(view.await.map_err(|error| error.of(&self.describe()))?))
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        target::contents(&self.address).await
    }

    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Ok(Arc::new(PostgresTarget::create(&self.address, schema, options).await?))
    }

    async fn replace(
        &self,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Arc<dyn Target>, EngineError> {
        Ok(Arc::new(PostgresTarget::replace(&self.address, schema, options).await?))
    }

    async fn check_replaceable(&self) -> Result<(), EngineError> {
        let (server, _) = Server::reach(&self.address).await?;
        server.refuse_pooler(pooling::MAKING)
    }

    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError> {
        let reached = options.stop.run_until_cancelled(Server::reach(&self.address)).await;
        let (server, session) = reached.ok_or_else(stopped)??;
        apply::apply(server, session, changes, options).await
    }

    async fn cautions(&self, changes: &dyn ChangeSource) -> Result<Vec<String>, EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        apply::cautions::cautions(&session, changes).await
    }

    fn converts(&self, from: &str) -> bool {
        from == SQLITE
    }

    async fn convert(&self, conversion: &Conversion, rows: &RowBatch) -> Result<Converted, EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        convert::convert(&session, conversion, rows).await
    }

    async fn unrecorded(&self) -> Result<Vec<Unrecorded>, EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        unrecorded::list(&session).await
    }

    async fn take_back(&self, changed: &Unrecorded) -> Result<(), EngineError> {
        let (_, session) = Server::reach(&self.address).await?;
        unrecorded::take_back(&session, changed).await
    }

    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError> {
        let (server, session) = Server::reach(&self.address).await?;
        query::query(server, session, sql, limit).await
    }
}
