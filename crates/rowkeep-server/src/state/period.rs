//! What jobs did between two times.

use jiff::Timestamp;

use super::failure::{self, Failure};
use super::jobs::JobState;
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::Row;

/// A job that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedJob {
    pub(crate) id: String,
    pub(crate) state: JobState,
    /// When it was begun the last time.
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
}

fn read(row: &Row) -> failure::Result<EndedJob> {
    let state: String = row.get(1)?;
    Ok(EndedJob {
        id: row.get(0)?,
        state: JobState::named(&state).ok_or(Failure::Value { column: 1 })?,
        started: time(row.get(2)?),
        ended: time(row.get(3)?),
    })
}

/// Jobs of a kind for a database, or for none, that ended between two times, the oldest first.
pub(crate) fn ended_between(
    transaction: &Transaction<'_>,
    kind: &str,
    database: Option<&str>,
    from: Timestamp,
    to: Timestamp,
) -> failure::Result<Vec<EndedJob>> {
    let is_of = if database.is_some() { "database = ?2" } else { "database IS NULL AND ?2 IS NULL" };
    let query = format!(
        "SELECT id, state, coalesce(started, created), ended FROM jobs WHERE kind = ?1 AND {is_of} AND ended >= ?3 AND ended < ?4 \
         ORDER BY ended, number"
    );
    transaction.query(&query, params![kind, database, stored(from), stored(to)], read)
}

/// The last job of a kind for a database that was done before a time.
pub(crate) fn last_done_before(
    transaction: &Transaction<'_>,
    kind: &str,
    database: &str,
    before: Timestamp,
) -> failure::Result<Option<EndedJob>> {
    let query = "SELECT id, state, coalesce(started, created), ended FROM jobs WHERE kind = ?1 AND database = ?2 AND ended < ?3 \
         AND state = 'done' ORDER BY ended DESC LIMIT 1";
    transaction.query_optional(query, params![kind, database, stored(before)], read)
}

/// The databases that were backed up, or were to be, between two times.
pub(crate) fn databases_between(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
) -> failure::Result<Vec<String>> {
    let query = "SELECT DISTINCT database FROM jobs WHERE kind = 'backup' AND database IS NOT NULL AND ended >= ?1 AND ended < ?2 \
         ORDER BY database";
    transaction.query(query, params![stored(from), stored(to)], |row| row.get(0))
}
