//! Until which time each schedule was looked at, so that none of its times is missed, and none counts twice.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;

/// Until when a schedule was looked at, if it ever was.
pub(crate) fn of(
    transaction: &Transaction<'_>,
    work: &str,
    database: &str,
) -> failure::Result<Option<Timestamp>> {
    let query = "SELECT time FROM marks WHERE work = ?1 AND database = ?2";
    let mark: Option<i64> = transaction.query_optional(query, params![work, database], |row| row.get(0))?;
    Ok(mark.map(time))
}

/// Notes until when a schedule was looked at.
pub(crate) fn set(
    transaction: &Transaction<'_>,
    work: &str,
    database: &str,
    until: Timestamp,
) -> failure::Result<()> {
    let set = "INSERT INTO marks VALUES (?1, ?2, ?3) ON CONFLICT (work, database) DO UPDATE SET time = excluded.time";
    transaction.execute(set, params![work, database, stored(until)]).map(drop)
}
