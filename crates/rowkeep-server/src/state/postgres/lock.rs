//! One process alone has a state: whoever holds the lock of its schema, which ends with its connection.

use std::time::Duration;

use rowkeep::engine::EngineError;
use rowkeep::engine::postgres::OwnConnection;
use tokio::time::sleep;

/// For how long it is waited for a process that just ended, or for a connection of ours that was lost.
const TRIES: u32 = 40;

/// How long it is waited before it is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// A process of the server that works for a connection of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backend {
    pid: i32,
    /// When it was started: numbers come again.
    started: String,
}

impl Backend {
    /// That of a connection.
    pub(super) async fn of(connection: &OwnConnection) -> Result<Self, EngineError> {
        let query = "SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()";
        let failed = |error| connection.failed("its own process cannot be found", error);
        let row = connection.client().query_one(query, &[]).await.map_err(failed)?;
        let read = || Ok(Self { pid: row.try_get(0)?, started: row.try_get(1)? });
        read().map_err(failed)
    }
}

/// The number of the lock of a schema; a server has them for each database.
fn number(schema: &str) -> i64 {
    let hash = blake3::derive_key("rowkeep 2026-11-29 lock of a state", schema.as_bytes());
    let mut number = [0; 8];
    number.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(number)
}

/// Takes the lock; whether nobody else has it. A connection that was `before` ours, and which the server has not missed yet, is ended: what
/// it had not committed by then is undone.
pub(super) async fn take(
    connection: &OwnConnection,
    schema: &str,
    before: Option<&Backend>,
) -> Result<bool, EngineError> {
    let failed = |error| connection.failed("its lock cannot be taken", error);
    let number = number(schema);
    for _ in 0..TRIES {
        let take = "SELECT pg_catalog.pg_try_advisory_lock($1)";
        let row = connection.client().query_one(take, &[&number]).await.map_err(failed)?;
        if row.try_get(0).map_err(failed)? {
            return Ok(true);
        }
        if let Some(before) = before {
            let end = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                WHERE pid = $1 AND backend_start::text = $2";
            connection.client().query(end, &[&before.pid, &before.started]).await.map_err(failed)?;
        }
        sleep(AGAIN).await;
    }
    Ok(false)
}
