//! When the service ran, so that nobody takes a time in which it did not for one in which nothing went wrong.

use jiff::{SignedDuration, Timestamp};

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;

/// What is noted no later than after this goes on: a start that takes a moment is no time without the service.
const MOMENT: SignedDuration = SignedDuration::from_mins(3);

/// Notes that the service runs now: as it did a moment ago, or since now.
pub(crate) fn note(transaction: &Transaction<'_>, now: Timestamp) -> failure::Result<()> {
    let query = "SELECT number, seen FROM runs ORDER BY number DESC LIMIT 1";
    let last =
        transaction.query_optional(query, &[], |row| Ok((row.get::<i64>(0)?, time(row.get::<i64>(1)?))))?;
    match last.filter(|(_, seen)| *seen <= now && now.duration_since(*seen) <= MOMENT) {
        Some((number, _)) => {
            let update = "UPDATE runs SET seen = ?2 WHERE number = ?1";
            transaction.execute(update, params![number, stored(now)]).map(drop)
        }
        None => {
            let insert = "INSERT INTO runs (began, seen) VALUES (?1, ?1)";
            transaction.execute(insert, params![stored(now)]).map(drop)
        }
    }
}

/// From when until when it ran, as far as that is within two times; by their beginnings.
pub(crate) fn between(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
) -> failure::Result<Vec<(Timestamp, Timestamp)>> {
    let query = "SELECT began, seen FROM runs WHERE seen >= ?1 AND began <= ?2 ORDER BY began, number";
    transaction
        .query(query, params![stored(from), stored(to)], |row| Ok((time(row.get(0)?), time(row.get(1)?))))
}

/// When it ran for the first time, as far as that was noted.
pub(crate) fn first(transaction: &Transaction<'_>) -> failure::Result<Option<Timestamp>> {
    let query = "SELECT began FROM runs ORDER BY began LIMIT 1";
    Ok(transaction.query_optional(query, &[], |row| row.get(0))?.map(time))
}
