//! Which state is in the repository.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;
use super::value::Row;

/// The state that is in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The number of its last entry of the audit.
    pub(crate) number: i64,
    /// The hash of that entry.
    pub(crate) hash: Vec<u8>,
    /// When it was taken.
    pub(crate) time: Timestamp,
}

/// The state that was put into the repository last, if any was.
pub(crate) fn last(transaction: &Transaction<'_>) -> failure::Result<Option<Kept>> {
    let read = |row: &Row| Ok(Kept { number: row.get(0)?, hash: row.get(1)?, time: time(row.get(2)?) });
    transaction.query_optional("SELECT number, hash, time FROM kept", &[], read)
}

/// Notes which state is in the repository.
pub(crate) fn set(transaction: &Transaction<'_>, kept: &Kept) -> failure::Result<()> {
    let set = "INSERT INTO kept (one, number, hash, time) VALUES (1, ?1, ?2, ?3) \
        ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash, time = excluded.time";
    transaction.execute(set, params![kept.number, kept.hash, stored(kept.time)]).map(drop)
}

/// Whether the audit says of something after a number that must not be lost: who may do what, and what changed a database or proved
/// something.
pub(crate) fn is_urgent(transaction: &Transaction<'_>, after: i64) -> failure::Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM audit WHERE number > ?1 AND outcome <> 'refused' \
        AND (action LIKE 'token.%' OR action LIKE 'database.%' OR action LIKE 'repository.%' OR action LIKE 'user.%' OR action LIKE 'factor.%' OR action LIKE 'password.%' OR action = 'job.end' \
        AND (object LIKE 'apply%' OR object LIKE 'drill%' OR object LIKE 'check%')))";
    transaction.query_row(query, params![after], |row| row.get(0))
}
