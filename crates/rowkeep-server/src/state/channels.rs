//! How channels are: when something was delivered by each, and what failed.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;

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
pub(crate) fn all(transaction: &Transaction<'_>) -> failure::Result<Vec<(String, ChannelState)>> {
    let query = "SELECT name, delivered, failed, error, failures FROM channels ORDER BY name";
    transaction.query(query, &[], |row| {
        let state = ChannelState {
            delivered: row.get::<Option<i64>>(1)?.map(time),
            failed: row.get::<Option<i64>>(2)?.map(time),
            error: row.get(3)?,
            failures: row.get(4)?,
        };
        Ok((row.get(0)?, state))
    })
}

/// Notes that something was delivered.
pub(crate) fn delivered(transaction: &Transaction<'_>, name: &str, now: Timestamp) -> failure::Result<()> {
    let insert = "INSERT INTO channels (name, delivered) VALUES (?1, ?2) \
        ON CONFLICT (name) DO UPDATE SET delivered = excluded.delivered, failures = 0";
    transaction.execute(insert, params![name, stored(now)]).map(drop)
}

/// Notes that something failed, and as how many failures that counts.
pub(crate) fn failed(
    transaction: &Transaction<'_>,
    name: &str,
    error: &str,
    weight: u32,
    now: Timestamp,
) -> failure::Result<()> {
    let insert = "INSERT INTO channels (name, failed, error, failures) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (name) DO UPDATE SET failed = excluded.failed, error = excluded.error, \
        failures = CASE WHEN channels.failures < 1000 THEN channels.failures + excluded.failures ELSE 1000 END";
    transaction.execute(insert, params![name, stored(now), error, weight]).map(drop)
}
