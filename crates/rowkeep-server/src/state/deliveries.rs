//! Deliveries: what is to be sent, and what was.

use jiff::{SignedDuration, Timestamp};

use super::failure;
use super::stored::stored;
use super::transaction::Transaction;
use super::value::{IntoValue, Row, places};

/// What is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) number: i64,
    /// Stays the same however often it is sent.
    pub(crate) id: String,
    pub(crate) channel: String,
    /// What it belongs to: an incident, or what is pinged.
    pub(crate) thread: String,
    /// The message as JSON.
    pub(crate) message: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct NewDelivery<'a> {
    pub(crate) id: String,
    pub(crate) channel: &'a str,
    pub(crate) thread: &'a str,
    pub(crate) message: &'a str,
    pub(crate) now: Timestamp,
    /// Until when quiet hours hold it back.
    pub(crate) held_until: Option<Timestamp>,
}

const COLUMNS: &str = "number, id, channel, thread, message, attempts";

fn read(row: &Row) -> failure::Result<Delivery> {
    Ok(Delivery {
        number: row.get(0)?,
        id: row.get(1)?,
        channel: row.get(2)?,
        thread: row.get(3)?,
        message: row.get(4)?,
        attempts: row.get(5)?,
    })
}

/// Wants something sent. What has the id of another is that again.
pub(crate) fn add(transaction: &Transaction<'_>, new: &NewDelivery<'_>) -> failure::Result<()> {
    let insert = "INSERT INTO deliveries (id, channel, thread, message, created, due, held) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING";
    let due = stored(new.held_until.unwrap_or(new.now));
    let held = new.held_until.is_some();
    transaction
        .execute(insert, params![new.id, new.channel, new.thread, new.message, stored(new.now), due, held])
        .map(drop)
}

/// What is due, of each thread only the first. What was wanted in the future was so before the clock was put back.
pub(crate) fn due(
    transaction: &Transaction<'_>,
    now: Timestamp,
    busy: &[String],
    limit: u32,
) -> failure::Result<Vec<Delivery>> {
    let query = format!(
        "SELECT {COLUMNS} FROM deliveries AS next WHERE ended IS NULL AND (due <= ?1 OR created > ?1) \
         AND channel NOT IN {} AND NOT EXISTS (SELECT 1 FROM deliveries AS before \
         WHERE before.channel = next.channel AND before.thread = next.thread AND before.ended IS NULL AND before.number < next.number) \
         ORDER BY due, number LIMIT ?2",
        places(3, busy.len())
    );
    let mut values = params![stored(now), limit].to_vec();
    values.extend(busy.iter().map(IntoValue::value));
    transaction.query(&query, &values, read)
}

/// Whether something waits in a thread after this.
pub(crate) fn is_followed(transaction: &Transaction<'_>, delivery: &Delivery) -> failure::Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE channel = ?1 AND thread = ?2 AND number > ?3)";
    transaction
        .query_row(query, params![delivery.channel, delivery.thread, delivery.number], |row| row.get(0))
}

/// The channels that were told of a thread, and whether quiet hours still hold all of it back.
pub(crate) fn told_of(
    transaction: &Transaction<'_>,
    thread: &str,
    now: Timestamp,
) -> failure::Result<Vec<(String, bool)>> {
    let query = "SELECT channel, min(CASE WHEN held = 1 AND due > ?2 AND attempts = 0 AND ended IS NULL THEN 1 ELSE 0 END) \
        FROM deliveries WHERE thread = ?1 \
        GROUP BY channel ORDER BY channel";
    transaction.query(query, params![thread, stored(now)], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Forgets what a channel was to be told of a thread.
pub(crate) fn forget(transaction: &Transaction<'_>, channel: &str, thread: &str) -> failure::Result<()> {
    let delete = "DELETE FROM deliveries WHERE channel = ?1 AND thread = ?2 AND ended IS NULL";
    transaction.execute(delete, params![channel, thread]).map(drop)
}

/// Notes that one was delivered, or is given up.
pub(crate) fn end(transaction: &Transaction<'_>, number: i64, now: Timestamp) -> failure::Result<()> {
    transaction
        .execute(
            "UPDATE deliveries SET ended = ?2, attempts = attempts + 1 WHERE number = ?1",
            params![number, stored(now)],
        )
        .map(drop)
}

/// Notes that one failed, and is tried again.
pub(crate) fn again(transaction: &Transaction<'_>, number: i64, due: Timestamp) -> failure::Result<()> {
    transaction
        .execute(
            "UPDATE deliveries SET due = ?2, attempts = attempts + 1 WHERE number = ?1",
            params![number, stored(due)],
        )
        .map(drop)
}

/// Gives up what goes to channels that there are no longer, and forgets what ended long ago of incidents that are over.
pub(crate) fn tidy(
    transaction: &Transaction<'_>,
    known: &[&str],
    now: Timestamp,
    kept_for: SignedDuration,
) -> failure::Result<()> {
    let (place, names) = (places(1, known.len()), known.iter().map(IntoValue::value).collect::<Vec<_>>());
    let gone = format!("DELETE FROM deliveries WHERE ended IS NULL AND channel NOT IN {place}");
    transaction.execute(&gone, &names)?;
    let before = stored(now.saturating_sub(kept_for).unwrap_or(Timestamp::MIN));
    let old = "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries WHERE ended < ?1 \
        AND thread NOT IN (SELECT id FROM incidents WHERE cleared IS NULL) LIMIT 1000)";
    transaction.execute(old, params![before])?;
    transaction.execute(&format!("DELETE FROM channels WHERE name NOT IN {place}"), &names).map(drop)
}
