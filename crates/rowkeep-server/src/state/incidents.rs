//! Incidents: what is or was wrong.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::Row;

/// Something that is or was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// In the order in which they were opened.
    pub(crate) number: i64,
    pub(crate) id: String,
    /// The name of an alert.
    pub(crate) kind: String,
    /// What it is about: a database, `repository`, a channel.
    pub(crate) object: String,
    /// The database that it is about, if it is about one.
    pub(crate) database: Option<String>,
    pub(crate) severity: String,
    /// What is wrong.
    pub(crate) words: String,
    pub(crate) opened: Timestamp,
    /// When it was found to be so the last time.
    pub(crate) seen: Timestamp,
    pub(crate) cleared: Option<Timestamp>,
}

const COLUMNS: &str = "number, id, kind, object, database, severity, words, opened, seen, cleared";

fn read(row: &Row) -> failure::Result<Incident> {
    Ok(Incident {
        number: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        object: row.get(3)?,
        database: row.get(4)?,
        severity: row.get(5)?,
        words: row.get(6)?,
        opened: time(row.get(7)?),
        seen: time(row.get(8)?),
        cleared: row.get::<Option<i64>>(9)?.map(time),
    })
}

/// The open incident of a kind with an object.
pub(crate) fn open_of(
    transaction: &Transaction<'_>,
    kind: &str,
    object: &str,
) -> failure::Result<Option<Incident>> {
    let query =
        format!("SELECT {COLUMNS} FROM incidents WHERE kind = ?1 AND object = ?2 AND cleared IS NULL");
    transaction.query_optional(&query, params![kind, object], read)
}

/// All that are open, the oldest first.
pub(crate) fn all_open(transaction: &Transaction<'_>) -> failure::Result<Vec<Incident>> {
    let query = format!("SELECT {COLUMNS} FROM incidents WHERE cleared IS NULL ORDER BY number");
    transaction.query(&query, &[], read)
}

/// Opens an incident.
pub(crate) fn open(transaction: &Transaction<'_>, new: &Incident) -> failure::Result<()> {
    let insert = "INSERT INTO incidents (id, kind, object, database, severity, words, opened, seen) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    let values =
        params![new.id, new.kind, new.object, new.database, new.severity, new.words, stored(new.opened)];
    transaction.execute(insert, values).map(drop)
}

/// Notes that one is as it was, in newer words; to the minute, so that not every look writes.
pub(crate) fn see(
    transaction: &Transaction<'_>,
    number: i64,
    words: &str,
    now: Timestamp,
) -> failure::Result<()> {
    let update = "UPDATE incidents SET seen = ?3, words = ?2 WHERE number = ?1 AND seen NOT BETWEEN ?3 - 60000000 AND ?3";
    transaction.execute(update, params![number, words, stored(now)]).map(drop)
}

/// Notes that one is over.
pub(crate) fn clear(transaction: &Transaction<'_>, number: i64, now: Timestamp) -> failure::Result<()> {
    transaction
        .execute("UPDATE incidents SET cleared = ?2 WHERE number = ?1", params![number, stored(now)])
        .map(drop)
}

/// Where a page of incidents begins: after one that is open, or after one that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) is_open: bool,
    pub(crate) number: i64,
}

/// Incidents: those that are open, then the others, each the newest first.
pub(crate) fn list(
    transaction: &Transaction<'_>,
    after: Option<After>,
    limit: u32,
) -> failure::Result<Vec<Incident>> {
    const RANK: &str = "(CASE WHEN cleared IS NULL THEN 1 ELSE 0 END)";
    let (rank, number) = after.map_or((2, 0), |after| (i64::from(after.is_open), after.number));
    let query = format!(
        "SELECT {COLUMNS} FROM incidents WHERE {RANK} < ?1 OR {RANK} = ?1 AND number < ?2 \
         ORDER BY {RANK} DESC, number DESC LIMIT ?3"
    );
    transaction.query(&query, params![rank, number, limit], read)
}

/// At most so many of those that were open between two times, the oldest first.
pub(crate) fn between(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> failure::Result<Vec<Incident>> {
    let query = format!(
        "SELECT {COLUMNS} FROM incidents WHERE opened < ?2 AND (cleared IS NULL OR cleared > ?1) ORDER BY number LIMIT ?3"
    );
    transaction.query(&query, params![stored(from), stored(to), limit], read)
}

/// How many are open of each kind.
pub(crate) fn counts(transaction: &Transaction<'_>) -> failure::Result<Vec<(String, u64)>> {
    let query = "SELECT kind, count(*) FROM incidents WHERE cleared IS NULL GROUP BY kind";
    transaction.query(query, &[], |row| Ok((row.get(0)?, row.get::<i64>(1)?.unsigned_abs())))
}
