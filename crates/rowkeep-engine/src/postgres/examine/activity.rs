//! What other sessions do that a backup would wait for, or that would wait for it.

use crate::postgres::connect::row::{Row, number, only, text};
use crate::postgres::connect::session::Session;
use crate::{EngineError, Finding, Level};

/// Connections that a backup takes: one for the snapshot, the readers, two of `pg_dump`.
const CONNECTIONS: u32 = 6;

/// What other sessions of the database do at this moment.
pub(crate) async fn findings(session: &Session) -> Result<Vec<Finding>, EngineError> {
    let mut findings = Vec::new();
    findings.push(connections(session).await?);
    let what = "cannot list what other sessions do";
    let locks = session.rows(what, LOCKS).await?;
    findings.push(match locks.as_slice() {
        [] => Finding::new("locks of others", Level::Ok, "nobody holds or waits for an exclusive lock"),
        [first, ..] => Finding::new(
            "locks of others",
            Level::Warning,
            format!(
                "{} has table {} locked ({}); a backup waits until it is done",
                who(first),
                text(first, 3),
                text(first, 2)
            ),
        ),
    });
    for row in session.rows(what, &operations(session.major)).await? {
        findings.push(Finding::new(
            "operations under way",
            Level::Warning,
            format!(
                "{} runs {}; a backup meanwhile may have to wait for it and slows it",
                who(&row),
                text(&row, 2)
            ),
        ));
    }
    for row in session.rows(what, BACKUPS).await? {
        findings.push(Finding::new(
            "other backups",
            Level::Warning,
            format!("{} reads the same database ({}); both will be slower", who(&row), text(&row, 2)),
        ));
    }
    for row in session.rows(what, OLD_TRANSACTIONS).await? {
        findings.push(Finding::new(
            "old transactions",
            Level::Warning,
            format!(
                "{} has a transaction open for {}; it does not stop a backup, but nothing can be vacuumed past it",
                who(&row),
                text(&row, 2)
            ),
        ));
    }
    Ok(findings)
}

async fn connections(session: &Session) -> Result<Finding, EngineError> {
    let query = "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
                 - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')";
    let rows = session.rows("cannot count the connections", query).await?;
    let expected = "the number of free connections";
    let free: i64 = number(only(&rows, expected)?, 0, expected)?;
    let what = "room for connections";
    if free >= i64::from(CONNECTIONS) {
        return Ok(Finding::new(what, Level::Ok, format!("{free} are free")));
    }
    Ok(Finding::new(
        what,
        Level::Warning,
        format!(
            "{free} are free, and a backup likes to have {CONNECTIONS}; raise max_connections or close some"
        ),
    ))
}

fn who(row: &Row) -> String {
    match text(row, 1) {
        "" => format!("session {}", text(row, 0)),
        name => format!("session {} ({name})", text(row, 0)),
    }
}

const LOCKS: &str = "SELECT l.pid, coalesce(a.application_name, ''), l.mode, l.relation::regclass \
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid() \
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND l.relation IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p', 'm')) ORDER BY l.pid, 4 LIMIT 1";

const BACKUPS: &str = "SELECT pid, '', application_name FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' \
    AND application_name IN ('rowkeep', 'pg_dump', 'pgcopydb') ORDER BY pid LIMIT 1";

const OLD_TRANSACTIONS: &str = "SELECT pid, application_name, justify_interval(date_trunc('second', now() - xact_start)) \
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND xact_start < now() - interval '1 hour' ORDER BY xact_start LIMIT 3";

/// Operations of which the server reports progress.
fn operations(major: u32) -> String {
    let mut parts = vec![
        "SELECT pid, command FROM pg_stat_progress_cluster WHERE datname = current_database()",
        "SELECT pid, command FROM pg_stat_progress_create_index WHERE datname = current_database()",
        "SELECT pid, 'a base backup' FROM pg_stat_progress_basebackup",
    ];
    if major >= 14 {
        parts.push("SELECT pid, command FROM pg_stat_progress_copy WHERE datname = current_database()");
    }
    format!(
        "SELECT p.pid, a.application_name, p.command FROM ({}) p (pid, command) \
         JOIN pg_stat_activity a ON a.pid = p.pid WHERE p.pid <> pg_backend_pid() ORDER BY 1",
        parts.join(" UNION ALL ")
    )
}
