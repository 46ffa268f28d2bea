//! The audit: who did what, and with which outcome, in a chain of hashes.

use jiff::Timestamp;
use serde::Serialize;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::Row;

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// 1 for the first; none is left out.
    pub(crate) number: i64,
    pub(crate) time: Timestamp,
    /// `token deploy`, `schedule`, `nobody`.
    pub(crate) who: String,
    /// From where.
    pub(crate) address: String,
    /// `job.create`, `token.revoke`.
    pub(crate) action: String,
    /// To what.
    pub(crate) object: String,
    /// `done`, `refused`, or the state in which a job ended.
    pub(crate) outcome: String,
    /// The hash of all of that and of the hash before, in hexadecimal.
    pub(crate) hash: String,
}

/// What is to be noted.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) who: String,
    pub(crate) address: String,
    pub(crate) action: &'static str,
    pub(crate) object: String,
    pub(crate) outcome: String,
}

/// The hash of an entry: each part with its length, so that none runs into the next.
pub(super) fn hash(before: &[u8], number: i64, time: i64, parts: [&str; 5]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("rowkeep 2026-11-29 audit entry");
    hasher.update(before).update(&number.to_le_bytes()).update(&time.to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// The number and the hash of the last entry; of none, 0 and nothing.
pub(crate) fn head(transaction: &Transaction<'_>) -> failure::Result<(i64, Vec<u8>)> {
    let query = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    let head = transaction.query_optional(query, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(head.unwrap_or_default())
}

/// Notes what somebody did.
pub(crate) fn note(transaction: &Transaction<'_>, now: Timestamp, deed: &Deed) -> failure::Result<()> {
    let (last, before) = head(transaction)?;
    let (number, now) = (last + 1, stored(now));
    // As it is kept: somebody may have sent what is not kept as it came.
    let [who, address, object, outcome] =
        [&deed.who, &deed.address, &deed.object, &deed.outcome].map(|text| text.replace('\0', "\u{fffd}"));
    let parts = [&who[..], &address, deed.action, &object, &outcome];
    let hash = hash(&before, number, now, parts);
    transaction
        .execute(
            "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![number, now, who, address, deed.action, object, outcome, hash],
        )
        .map(drop)
}

/// How many entries were made between two times.
pub(crate) fn count_between(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
) -> failure::Result<u64> {
    let query = "SELECT count(*) FROM audit WHERE time >= ?1 AND time < ?2";
    let count: i64 = transaction.query_row(query, params![stored(from), stored(to)], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// When the first entry was made.
pub(crate) fn first_time(transaction: &Transaction<'_>) -> failure::Result<Option<Timestamp>> {
    let query = "SELECT time FROM audit ORDER BY number LIMIT 1";
    Ok(transaction.query_optional(query, &[], |row| row.get(0))?.map(time))
}

/// The number and the hash of the last entry that was made before a time.
pub(crate) fn head_before(
    transaction: &Transaction<'_>,
    before: Timestamp,
) -> failure::Result<Option<(i64, Vec<u8>)>> {
    let query = "SELECT number, hash FROM audit WHERE time < ?1 ORDER BY number DESC LIMIT 1";
    transaction.query_optional(query, params![stored(before)], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn read(row: &Row) -> failure::Result<Entry> {
    Ok(Entry {
        number: row.get(0)?,
        time: time(row.get(1)?),
        who: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        object: row.get(5)?,
        outcome: row.get(6)?,
        hash: hex::encode(row.get::<Vec<u8>>(7)?),
    })
}

/// Entries, the oldest first: those after a number.
pub(crate) fn after(transaction: &Transaction<'_>, number: i64, limit: u32) -> failure::Result<Vec<Entry>> {
    let query = "SELECT number, time, who, address, action, object, outcome, hash FROM audit WHERE number > ?1 \
        ORDER BY number LIMIT ?2";
    transaction.query(query, params![number, limit], read)
}

/// When the last entry was made.
pub(crate) fn last_time(transaction: &Transaction<'_>) -> failure::Result<Option<Timestamp>> {
    let query = "SELECT time FROM audit ORDER BY number DESC LIMIT 1";
    Ok(transaction.query_optional(query, &[], |row| row.get(0))?.map(time))
}

/// Entries, the newest first: those before a number.
pub(crate) fn list(
    transaction: &Transaction<'_>,
    before: Option<i64>,
    limit: u32,
) -> failure::Result<Vec<Entry>> {
    let query = "SELECT number, time, who, address, action, object, outcome, hash FROM audit WHERE ?1 IS NULL OR number < ?1 \
        ORDER BY number DESC LIMIT ?2";
    transaction.query(query, params![before, limit], read)
}
