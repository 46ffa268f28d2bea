//! Ending connections from another one.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::row::{number, only, text};
use super::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};

/// How often, and how long apart, it is looked whether connections have ended.
const LOOKS: u32 = 100;
const APART: Duration = Duration::from_millis(100);

/// Other connections of applications to this database. What those of other roles are for is not shown to everybody.
const OTHERS: &str = "FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() \
    AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'";

/// Whether this role may end a connection `a`: its own, those of roles that it is a member of, or any that is not a
/// superuser's when it may signal.
const MAY_END: &str = "(SELECT m.rolsuper FROM pg_roles m WHERE m.rolname = current_user) OR \
    (NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = a.usesysid) \
     AND (pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))";

/// Ends all other connections to the database that the role may end, and says how many.
pub(crate) async fn end(session: &Session) -> Result<Vec<String>, EngineError> {
    let what = "cannot end the other connections";
    let query = format!(
        "SELECT count(*) FILTER (WHERE e), count(*) FILTER (WHERE NOT e) \
         FROM (SELECT CASE WHEN {MAY_END} THEN pg_terminate_backend(a.pid) ELSE false END {OTHERS}) x (e)"
    );
    let rows = session.rows(what, &query).await?;
    let row = only(&rows, "the number of other connections")?;
    let ended: u64 = number(row, 0, "the number of connections that were ended")?;
    let left: u64 = number(row, 1, "the number of connections that could not be ended")?;
    for _ in 0..LOOKS {
        let query = format!("SELECT count(*) {OTHERS} AND ({MAY_END})");
        if ended == 0 || session.value(what, &query).await?.as_deref() == Some("0") {
            break;
        }
        sleep(APART).await;
    }
    Ok(told(ended, left))
}

/// What became of the connections, in words.
fn told(ended: u64, left: u64) -> Vec<String> {
    let ended = match ended {
        0 => None,
        1 => Some("1 other connection was ended".to_owned()),
        ended => Some(format!("{ended} other connections were ended")),
    };
    let left = match left {
        0 => None,
        1 => Some("1 other connection could not be ended by this role".to_owned()),
        left => Some(format!("{left} other connections could not be ended by this role")),
    };
    ended.into_iter().chain(left).collect()
}

/// A connection of our own, as others see it.
pub(crate) struct Backend {
    /// The condition for its row `a` of `pg_stat_activity`: numbers of processes come again.
    is_it: String,
}

impl Backend {
    /// The one of a session.
    pub(crate) async fn of(session: &Session) -> Result<Self, EngineError> {
        let query = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let rows = session.rows("cannot prepare the connection", query).await?;
        let row = only(&rows, "the number of the connection")?;
        let (pid, start) = (text(row, 0), quote::literal(text(row, 1)));
        Ok(Self { is_it: format!("a.pid = {pid} AND a.backend_start = {start}") })
    }

    /// What it waits for, as another session sees it.
    pub(crate) async fn waits_for(&self, session: &Session) -> Result<Option<String>, EngineError> {
        let query = format!("SELECT a.wait_event FROM pg_stat_activity a WHERE {}", self.is_it);
        session.value("cannot look at the connection", &query).await
    }

    /// Ends it from another session, and waits until what it did is undone.
    pub(crate) async fn end(&self, session: &Session) -> Result<(), EngineError> {
        let what = "cannot end the transaction on the server";
        let is_it = &self.is_it;
        let ending = async {
            let query = format!("SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE {is_it}");
            while session.value(what, &query).await?.is_some() {
                sleep(APART).await;
            }
            Ok(())
        };
        timeout(APART * LOOKS, ending).await.unwrap_or_else(|_| {
            Err(EngineError::new(ErrorKind::Busy, format!("{what}: it goes on there after some seconds")))
        })
    }
}
