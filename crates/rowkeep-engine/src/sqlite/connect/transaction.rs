//! Beginning transactions that read, however busy others are with writing.

use rusqlite::Connection;

use crate::sqlite::connect::patience::{Patience, is_busy};

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
pub(crate) fn begin_together(connections: &[Connection], patience: &Patience) -> rusqlite::Result<bool> {
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
    let waiting = patience.begin();
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
            ended if waiting.is_over() => return ended,
            _ => waiting.pause(),
        }
    }
}
