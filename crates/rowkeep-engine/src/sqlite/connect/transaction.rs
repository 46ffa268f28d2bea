//! Beginning transactions that read, however busy others are with writing.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

/// How long to wait before the next attempt. SQLite's own waiting goes up to a tenth of a second at a time, in which a
/// writer that hardly pauses is never caught in a pause.
const PAUSE: Duration = Duration::from_millis(1);

/// Repeats an attempt while somebody else holds a lock, until patience ends; that is the last error then.
pub(crate) fn patiently<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let started = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && started.elapsed() < patience => sleep(PAUSE),
            ended => return ended,
        }
    }
}

/// Begins a transaction and takes the state that it will see. Does not wait.
pub(crate) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    let begun = connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()));
    if begun.is_err() {
        connection.execute_batch("ROLLBACK")?;
    }
    begun
}

/// Begins a transaction on each connection, such that all see the same state; says no, and has begun none, when writers
/// were quicker each time.
///
/// All but the first are asked for their data version before the first begins, and again of the state that they got. It is
/// the same only when nobody has committed since.
pub(crate) fn begin_together(connections: &[Connection], patience: Duration) -> rusqlite::Result<bool> {
    let Some((first, others)) = connections.split_first() else { return Ok(true) };
    let versions = || -> rusqlite::Result<Vec<i64>> {
        let version =
            |connection: &Connection| connection.query_row("PRAGMA main.data_version", [], |row| row.get(0));
        others.iter().map(version).collect()
    };
    let attempt = || {
        let before = versions()?;
        begin(first)?;
        others.iter().try_for_each(begin)?;
        Ok(versions()? == before)
    };
    let started = Instant::now();
    loop {
        let together = attempt();
        if let Ok(true) = together {
            return Ok(true);
        }
        // Whoever holds up one of them may be waiting for another to end.
        for connection in connections.iter().filter(|connection| !connection.is_autocommit()) {
            connection.execute_batch("ROLLBACK")?;
        }
        match together {
            Err(error) if !is_busy(&error) => return Err(error),
            ended if started.elapsed() >= patience => return ended,
            _ => sleep(PAUSE),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
