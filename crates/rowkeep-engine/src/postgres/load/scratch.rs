//! Databases that are made on a server to be tried and dropped again.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use rowkeep_format::Schema;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::database;
use super::drop_database::drop_database;
use crate::postgres::connect::address::Address;
use crate::postgres::connect::libpq as defaults;
use crate::postgres::connect::row::text;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::{failure, settings};
use crate::postgres::quote;
use crate::postgres::schema::ddl;
use crate::{EngineError, ErrorKind, LibpqEnvironment};

/// What the names of scratch databases begin with; the time in seconds and something random follow.
const PREFIX: &str = "rowkeep_drill_";

/// The comment of a scratch database.
const COMMENT: &str = "A drill of rowkeep; it is dropped when that ends, or by the next one.";

/// The age from which a scratch database without a comment is taken for one whose drill died while making it.
const UNMARKED_SECONDS: u64 = 600;

/// A server on which scratch databases are made, by the URL of any of its databases.
pub struct ScratchServer {
    address: Arc<Address>,
    url: SecretString,
}

/// A scratch database.
///
/// As long as it lives it keeps a connection to the database, by which others see that the drill is alive.
pub struct Scratch {
    server: Server,
    session: Session,
    url: SecretString,
}

/// Scratch databases whose drills are dead.
#[derive(Debug, Clone, Default)]
pub struct Abandoned {
    /// Those that were dropped.
    pub dropped: Vec<String>,
    /// Those that could not be, each with why: somebody is connected, or they are another user's.
    pub left: Vec<(String, String)>,
}

/// Shows no password.
impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scratch").field(&self.server.database()).finish()
    }
}

impl ScratchServer {
    /// The server of a URL. Nothing is opened yet.
    pub fn new(url: &SecretString, libpq: &LibpqEnvironment) -> Result<Self, EngineError> {
        let url = defaults::complete(url.expose_secret(), libpq)?;
        Ok(Self { address: Arc::new(Address::parse(&url)?), url: url.into() })
    }

    /// Makes an empty database like the one that a schema is of; `seconds` is the time, `random` tells it from others.
    pub async fn make(&self, schema: &Schema, seconds: u64, random: u64) -> Result<Scratch, EngineError> {
        let name = format!("{PREFIX}{seconds}_{random:016x}");
        let url = with_database(self.url.expose_secret(), &name);
        let address = Arc::new(Address::parse(&url)?);
        let (server, _) =
            database::make(&address, schema.ddl(ddl::DATABASE), &CancellationToken::new()).await?;
        match mark(&server, &name).await {
            Ok(session) => Ok(Scratch { server, session, url: url.into() }),
            Err(error) => {
                // What went wrong first is what matters; should this fail too, the next drill drops it.
                let _ = database::drop(&server).await;
                Err(error)
            }
        }
    }

    /// Drops the scratch databases whose drills are dead; `seconds` is the time.
    pub async fn clear_abandoned(&self, seconds: u64) -> Result<Abandoned, EngineError> {
        let (server, session) = match Server::reach(&self.address).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Server::reach_database(&self.address, "postgres").await?
            }
            reached => reached?,
        };
        server.refuse_pooler("a drill")?;
        session.settle(&settings::to_load(session.major)).await?;
        let list = format!(
            "SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database') = {} \
             FROM pg_catalog.pg_database d WHERE d.datname ~ '^{PREFIX}[0-9]+_[0-9a-f]{{16}}$' \
             AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1",
            quote::literal(COMMENT)
        );
        let mut abandoned = Abandoned::default();
        for row in session.rows("cannot list the databases", &list).await? {
            let (name, is_marked) = (text(&row, 0), text(&row, 1) == "t");
            if !(is_marked || is_old(name, seconds)) {
                continue;
            }
            // What stays of them, the server says when it refuses to drop the database.
            let dropped = server.with_database(name);
            let _ = database::drop_subscriptions(&dropped, &session).await;
            // Without FORCE: should its drill be alive after all, the server refuses.
            match drop_database(&dropped, &session, "").await {
                Ok(()) => abandoned.dropped.push(name.to_owned()),
                Err(error) => abandoned.left.push((
                    name.to_owned(),
                    error.source().map_or_else(|| error.to_string(), ToString::to_string),
                )),
            }
        }
        drop((server, session));
        Ok(abandoned)
    }
}

impl Scratch {
    /// Its URL, with everything that the server's had.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Drops it, whoever is connected.
    pub async fn remove(self) -> Result<(), EngineError> {
        drop(self.session);
        database::drop(&self.server).await
    }
}

/// Opens the connection to a scratch database, then gives it its comment: what has the comment and no connection is
/// abandoned.
async fn mark(server: &Server, name: &str) -> Result<Session, EngineError> {
    let session = server.connect().await?;
    session.settle(&settings::to_load(session.major)).await?;
    let comment = format!("COMMENT ON DATABASE {} IS {}", quote::ident(name), quote::literal(COMMENT));
    session
        .try_run(&comment)
        .await
        .map_err(|error| failure::failed("cannot mark the scratch database", error))?;
    Ok(session)
}

fn is_old(name: &str, now: u64) -> bool {
    let made = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()).and_then(|s| s.parse().ok());
    made.is_some_and(|made: u64| now.saturating_sub(made) > UNMARKED_SECONDS)
}

/// The URL of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (base, settings) = crate::postgres::connect::address::split_query(url);
    let start = base.find("://").map_or(0, |at| at + 3);
    let host = base[start..].rfind('@').map_or(start, |at| start + at);
    let base = base[host..].find('/').map_or(base, |at| &base[..host + at]);
    let settings: Vec<&str> =
        settings.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("dbname=")).collect();
    match settings.as_slice() {
        [] => format!("{base}/{name}"),
        settings => format!("{base}/{name}?{}", settings.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        for (url, other) in [
            ("postgres://u:p@h:5432/app?sslmode=require", "postgres://u:p@h:5432/x?sslmode=require"),
            ("postgres://u:p/?@h", "postgres://u:p/?@h/x"),
            ("postgres://h/app", "postgres://h/x"),
            ("postgres://u@%2Ftmp%2Fs/app", "postgres://u@%2Ftmp%2Fs/x"),
            ("postgres:///app?host=/tmp&dbname=y", "postgres:///x?host=/tmp"),
        ] {
            assert_eq!(with_database(url, "x"), other, "{url}");
        }
    }

    #[test]
    fn only_old_ones_are_taken_for_abandoned_without_a_mark() {
        assert!(is_old("rowkeep_drill_1000_00000000000000ab", 1601));
        assert!(!is_old("rowkeep_drill_1000_00000000000000ab", 1600));
        assert!(!is_old("rowkeep_drill_x", 1600));
    }
}
