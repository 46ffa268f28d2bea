//! How much the repository held at times.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::Row;

fn read(row: &Row) -> failure::Result<(Timestamp, u64)> {
    Ok((time(row.get(0)?), row.get::<i64>(1)?.unsigned_abs()))
}

/// Notes how many bytes it holds.
pub(crate) fn note(transaction: &Transaction<'_>, now: Timestamp, bytes: u64) -> failure::Result<()> {
    let set = "INSERT INTO storage VALUES (?1, ?2) ON CONFLICT (time) DO UPDATE SET bytes = excluded.bytes";
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    transaction.execute(set, params![stored(now), bytes]).map(drop)
}

/// The last that was noted until a time, and when.
pub(crate) fn last_until(
    transaction: &Transaction<'_>,
    until: Timestamp,
) -> failure::Result<Option<(Timestamp, u64)>> {
    let query = "SELECT time, bytes FROM storage WHERE time <= ?1 ORDER BY time DESC LIMIT 1";
    transaction.query_optional(query, params![stored(until)], read)
}

/// The first that was noted between two times, and when.
pub(crate) fn first_between(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
) -> failure::Result<Option<(Timestamp, u64)>> {
    let query = "SELECT time, bytes FROM storage WHERE time >= ?1 AND time < ?2 ORDER BY time LIMIT 1";
    transaction.query_optional(query, params![stored(from), stored(to)], read)
}
