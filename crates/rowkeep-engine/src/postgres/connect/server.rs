//! A server that was reached, and connections to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::address::Address;
use super::pooling::{self, Pooling};
use super::row::{Row, text};
use super::session::Session;
use super::tls::Tls;
use super::{failure, transport};
use crate::{EngineError, ErrorKind};

/// The oldest major version that is read and written.
const OLDEST: u32 = 13;

/// One machine that answered, so that every further connection goes to the same one.
///
/// A name may stand for several machines (replicas behind one name), of which each has its own snapshots.
#[derive(Clone)]
pub(crate) struct Server {
    /// How to connect: one host, one IP address.
    pub(crate) config: Config,
    /// How TLS is spoken.
    pub(crate) tls: Tls,
    /// What the URL said.
    pub(crate) address: Arc<Address>,
    /// Whether a pooler stands in between.
    pub(crate) pooling: Pooling,
}

impl Server {
    /// Finds a machine that takes the connection.
    pub(crate) async fn reach(address: &Arc<Address>) -> Result<(Server, Session), EngineError> {
        Self::reach_database(address, address.database()).await
    }

    /// The same, in another database than the address names.
    pub(crate) async fn reach_database(
        address: &Arc<Address>,
        database: &str,
    ) -> Result<(Server, Session), EngineError> {
        let tls = Tls::new(address)?;
        let mut last = None;
        for mut config in candidates(address).await? {
            config.dbname(database);
            if address.without_login_triggers.load(Ordering::Relaxed) {
                keep_event_triggers_off(&mut config);
            }
            let server =
                Server { config, tls: tls.clone(), address: address.clone(), pooling: Pooling::None };
            match server.connect().await {
                Ok(session) => {
                    let (mut server, session) = server.without_login_triggers(session).await;
                    server.pooling = pooling::find(&session, server.connect()).await?;
                    let is_lent = server.pooling == Pooling::Transaction;
                    return Ok((server, if is_lent { session.lent() } else { session }));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| unreachable(address)))
    }

    /// Goes on without the login triggers of the database, where there are any and the role can do that: each connection would
    /// fire them, and what one writes would be another state than the one that was just read.
    async fn without_login_triggers(self, session: Session) -> (Server, Session) {
        const HAS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e \
            WHERE e.evtevent = 'login' AND e.evtenabled IN ('O', 'A')) \
            AND pg_catalog.has_parameter_privilege('event_triggers', 'SET')";
        let is_known = self.address.without_login_triggers.load(Ordering::Relaxed);
        if is_known
            || session.major < 17
            || !matches!(session.try_rows(HAS).await, Ok(rows) if is_true(&rows))
        {
            return (self, session);
        }
        let mut silent = self.clone();
        keep_event_triggers_off(&mut silent.config);
        match silent.connect().await {
            Ok(session) => {
                self.address.without_login_triggers.store(true, Ordering::Relaxed);
                (silent, session)
            }
            // Not every pooler lets a connection say what it wants.
            Err(_) => (self, session),
        }
    }

    /// Opens a connection of its own.
    pub(crate) async fn connect(&self) -> Result<Session, EngineError> {
        let wait = self.config.get_connect_timeout().copied().unwrap_or(Duration::from_secs(10));
        let Ok(connected) = timeout(wait, self.connect_intercepted()).await else {
            return Err(
                unreachable(&self.address).with_source(format!("no answer within {} s", wait.as_secs()))
            );
        };
        let session = connected
            .map_err(|error| failure::failed(format!("cannot connect to {}", self.describe()), error))??;
        if session.major < OLDEST {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                format!(
                    "{} is PostgreSQL {}, and {OLDEST} is the oldest that rowkeep knows",
                    self.describe(),
                    session.version
                ),
            ));
        }
        let session = if self.pooling == Pooling::Transaction { session.lent() } else { session };
        // Otherwise the server would check that texts of no known encoding are UTF-8.
        if session.encoding == "SQL_ASCII" {
            session.prepare("SET client_encoding = 'SQL_ASCII'").await?;
        }
        Ok(session)
    }

    async fn connect_intercepted(&self) -> Result<Result<Session, EngineError>, tokio_postgres::Error> {
        match transport::intercepted(&self.config, self.tls.connector()) {
            Some((config, connector, interceptor)) => {
                let (client, connection) = config.connect(connector).await?;
                Ok(Session::start(client, connection, Some(interceptor)))
            }
            None => {
                let (client, connection) = self.config.connect(self.tls.connector()).await?;
                Ok(Session::start(client, connection, None))
            }
        }
    }

    /// Refuses what needs a connection of its own for longer than a transaction; `what` says what that is.
    pub(crate) fn refuse_pooler(&self, what: &str) -> Result<(), EngineError> {
        if self.pooling != Pooling::Transaction {
            return Ok(());
        }
        Err(EngineError::new(
            ErrorKind::Unsupported,
            format!(
                "{} is reached through a pooler in transaction mode, and {what} needs a connection to the server itself: name its \
                 own host and port, or a pool in session mode",
                self.address
            ),
        ))
    }

    /// The same server, another database.
    pub(crate) fn with_database(&self, name: &str) -> Server {
        let mut server = self.clone();
        server.config.dbname(name);
        server
    }

    /// The name of the database.
    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or(self.address.database())
    }

    fn describe(&self) -> String {
        if self.database() == self.address.database() {
            self.address.to_string()
        } else {
            format!("database {} of the server of {}", self.database(), self.address)
        }
    }
}

fn keep_event_triggers_off(config: &mut Config) {
    let given = config.get_options().unwrap_or_default();
    config.options(format!("{given} -c event_triggers=off"));
}

fn is_true(rows: &[Row]) -> bool {
    rows.first().is_some_and(|row| text(row, 0) == "t")
}

fn unreachable(address: &Address) -> EngineError {
    EngineError::new(ErrorKind::Unreachable, format!("cannot connect to {address}"))
}

/// One configuration for each IP address of each host.
async fn candidates(address: &Address) -> Result<Vec<Config>, EngineError> {
    let given = &address.config;
    let mut out = Vec::new();
    let mut unresolved = None;
    for at in 0..given.get_hosts().len().max(given.get_hostaddrs().len()) {
        let port = given.get_ports().get(at).or(given.get_ports().first()).copied().unwrap_or(5432);
        let host = given.get_hosts().get(at);
        match (given.get_hostaddrs().get(at), host) {
            (Some(ip), _) => out.push(pinned(given, host, Some(*ip), port)),
            (None, Some(Host::Tcp(name))) => match lookup_host((name.as_str(), port)).await {
                Ok(found) => out.extend(found.map(|found| pinned(given, host, Some(found.ip()), port))),
                Err(error) => unresolved = Some(error),
            },
            (None, _) => out.push(pinned(given, host, None, port)),
        }
    }
    match unresolved {
        Some(error) if out.is_empty() => Err(unreachable(address).with_source(error)),
        _ => Ok(out),
    }
}

fn pinned(given: &Config, host: Option<&Host>, ip: Option<IpAddr>, port: u16) -> Config {
    let mut config = Config::new();
    match host {
        Some(Host::Tcp(name)) => config.host(name),
        Some(Host::Unix(folder)) => config.host_path(folder),
        None => &mut config,
    };
    if let Some(ip) = ip {
        config.hostaddr(ip);
    }
    config.port(port);
    if let Some(user) = given.get_user() {
        config.user(user);
    }
    if let Some(password) = given.get_password() {
        config.password(password);
    }
    if let Some(name) = given.get_dbname() {
        config.dbname(name);
    }
    if let Some(options) = given.get_options() {
        config.options(options);
    }
    if let Some(name) = given.get_application_name() {
        config.application_name(name);
    }
    if let Some(wait) = given.get_connect_timeout() {
        config.connect_timeout(*wait);
    }
    if let Some(wait) = given.get_tcp_user_timeout() {
        config.tcp_user_timeout(*wait);
    }
    if let Some(interval) = given.get_keepalives_interval() {
        config.keepalives_interval(interval);
    }
    if let Some(retries) = given.get_keepalives_retries() {
        config.keepalives_retries(retries);
    }
    config
        .ssl_mode(given.get_ssl_mode())
        .ssl_negotiation(given.get_ssl_negotiation())
        .keepalives(given.get_keepalives())
        .keepalives_idle(given.get_keepalives_idle())
        .target_session_attrs(given.get_target_session_attrs())
        .channel_binding(given.get_channel_binding());
    config
}
