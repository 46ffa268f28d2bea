//! A connection for what rowkeep keeps for itself in a database, rather than for what it backs up.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::config::TargetSessionAttrs;

use super::address::Address;
use super::failure;
use super::libpq::complete;
use super::server::Server;
use super::session::Session;
use crate::{EngineError, Surroundings};

/// How long it is waited for a server that does not say that it has got what was sent, unless the URL says it.
const UNANSWERED: Duration = Duration::from_secs(20);

/// Nothing that a role has by default may end it, or change what statements do. A server that hears nothing more of the machine ends it
/// within a minute, with the locks that it holds.
const SETTINGS: &str = "SET client_min_messages = 'warning'; SET statement_timeout = 0; \
    SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '10s'; SET default_transaction_read_only = off; \
    SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; SET row_security = off; \
    SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";

/// Where such a connection goes, which may not be a database at all.
#[derive(Clone)]
pub struct OwnDatabase(Arc<Address>);

/// Shows no password.
impl std::fmt::Debug for OwnDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnDatabase").field(&self.0.to_string()).finish()
    }
}

/// The URL without password and settings.
impl std::fmt::Display for OwnDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl OwnDatabase {
    /// The database of a URL as libpq reads it. Of several hosts, that one is meant to which can be written, unless the URL says otherwise.
    pub fn new(url: &str, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let mut address = Address::parse(&complete(url, &surroundings.libpq)?)?;
        if address.config.get_target_session_attrs() == TargetSessionAttrs::Any {
            address.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if address.config.get_tcp_user_timeout().is_none() {
            address.config.tcp_user_timeout(UNANSWERED);
        }
        Ok(Self(Arc::new(address)))
    }

    /// Connects. A pooler that lends connections for a transaction is refused; `what` says what needs one of its own.
    pub async fn connect(&self, what: &str) -> Result<OwnConnection, EngineError> {
        let (server, session) = Server::reach(&self.0).await?;
        server.refuse_pooler(what)?;
        // Ours as long as it lasts.
        session.settle(SETTINGS).await?;
        Ok(OwnConnection { session })
    }
}

/// A connection that is nobody else's.
pub struct OwnConnection {
    session: Session,
}

impl OwnConnection {
    /// What statements are run with. What it begins is undone where the connection ends before.
    pub fn client(&self) -> &Client {
        &self.session.client
    }

    /// The encoding of the database.
    pub fn encoding(&self) -> &str {
        &self.session.encoding
    }

    /// Ends it, whatever is on its way.
    pub fn cut(&self) {
        self.session.kill();
    }

    /// An error of the client as the engine tells it, with the words of the server; `what` says what was being done.
    pub fn failed(&self, what: &str, error: tokio_postgres::Error) -> EngineError {
        failure::failed(what, error)
    }
}
