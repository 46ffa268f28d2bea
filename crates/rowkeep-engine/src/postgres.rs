//! PostgreSQL, from version 13 on.
//!
//! Reading: one connection locks all tables, takes a snapshot and exports it; others share it and read with `COPY`.
//! The schema is what the server's own `pg_dump` writes at that snapshot. Creating: the same text is run statement by
//! statement, rows go in by `COPY`, and what belongs to a table alone is built as soon as its rows are there. Replacing:
//! the same in one transaction, in which all that the database holds is dropped first (see `load/replace.rs`).

#![forbid(unsafe_code)]

mod apply;
mod catalog;
mod connect;
mod copy_text;
pub(crate) mod dump_file;
mod examine;
mod load;
pub(crate) mod psql_script;
mod quote;
mod read;
pub(crate) mod schema;
mod unrecorded;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Identity, RowBatch, Schema};

use crate::apply::stopped;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, Conversion, Converted, CreateOptions, Definition,
    DefinitionKind, Engine, EngineError, Examination, Meant, QueryRows, Surroundings, Target, Unrecorded,
    View, ViewOptions,
};
pub use catalog::sequences::{NAME as SEQUENCES, STEPS as SEQUENCE_STEPS};
pub use connect::own::{OwnConnection, OwnDatabase};
pub use connect::session::farewell;
pub use load::scratch::{Abandoned, Scratch, ScratchServer};
pub(crate) use schema::ddl::ENGINE as NAME;
pub(crate) use schema::outline::outline;

use catalog::identity;
use connect::address::Address;
pub(crate) use connect::libpq::complete as completed;
use connect::pooling;
use connect::server::Server;
use load::target::{self, PostgresTarget};
use read::view::PostgresView;
use read::{convert, query};
use schema::canonical::canonical;
use schema::classify::{self, Kind};
use schema::{ddl, script};

/// The statements of a schema, without those that only set something for a session.
pub(crate) fn definitions(schema: &Schema) -> Vec<Definition> {
    let parts = [ddl::PROLOGUE, ddl::BEFORE, ddl::AFTER];
    let statements = parts.into_iter().flat_map(|part| script::parse(schema.ddl(part)));
    let definition = |statement: script::Statement| Definition {
        canonical: canonical(&statement.sql),
        sql: classify::shown(&statement.sql),
        kind: match statement.kind {
            Kind::Owner(role) => DefinitionKind::Privileges(vec![role]),
            Kind::Privileges(roles) => DefinitionKind::Privileges(roles),
            Kind::Optional | Kind::Privileged | Kind::EventTrigger => DefinitionKind::Optional,
            _ => DefinitionKind::Object,
        },
    };
    let versions = script::parse(schema.ddl(ddl::EXTENSIONS)).into_iter();
    let version = |statement: script::Statement| Definition {
        canonical: canonical(&statement.sql),
        sql: statement.sql,
        kind: DefinitionKind::Version,
    };
    statements.map(definition).chain(versions.map(version)).collect()
}

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
        let url = completed(url, &surroundings.libpq)?;
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
