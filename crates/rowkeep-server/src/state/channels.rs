//! How channels are: when something was delivered by each, and what failed.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::stored::{stored, time};

/// How a channel is.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChannelState {
    /// When something was delivered the last time.
    pub(crate) delivered: Option<Timestamp>,
    /// When something failed the last time.
    pub(crate) failed: Option<Timestamp>,
    /// Why.
    pub(crate) error: Option<String>,
    /// How often it failed since something was delivered.
    pub(crate) failures: u32,
}

/// How all are of which something is known, by name.
pub(crate) fn all(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(String, ChannelState)>> {
    let query = "SELECT name, delivered, failed, error, failures FROM channels ORDER BY name";
    let mut statement = transaction.prepare(query)?;
    let rows = statement.query_map((), |row| {
        let state = ChannelState {
            delivered: row.get::<_, Option<i64>>(1)?.map(time),
            failed: row.get::<_, Option<i64>>(2)?.map(time),
            error: row.get(3)?,
            failures: row.get(4)?,
        };
        Ok((row.get(0)?, state))
    })?;
    rows.collect()
}

/// Notes that something was delivered.
pub(crate) fn delivered(transaction: &Transaction<'_>, name: &str, now: Timestamp) -> rusqlite::Result<()> {
    let insert = "INSERT INTO channels (name, delivered) VALUES (?1, ?2) \
        ON CONFLICT DO UPDATE SET delivered = excluded.delivered, failures = 0";
    transaction.execute(insert, params![name, stored(now)]).map(drop)
}

/// Notes that something failed, and as how many failures that counts.
pub(crate) fn failed(
    transaction: &Transaction<'_>,
    name: &str,
    error: &str,
    weight: u32,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO channels (name, failed, error, failures) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT DO UPDATE SET failed = excluded.failed, error = excluded.error, failures = min(failures + excluded.failures, 1000)";
    transaction.execute(insert, params![name, stored(now), error, weight]).map(drop)
}
