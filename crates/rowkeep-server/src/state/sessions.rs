//! Sessions of users. Of each only a hash is kept.

use jiff::Timestamp;

use super::failure;
use super::stored::{is_lately, stored, time};
use super::transaction::Transaction;
use super::users::{self, User};
use super::value::Row;

/// A session as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) hash: [u8; 32],
    /// The id of its user.
    pub(crate) user: String,
    pub(crate) created: Timestamp,
    /// It ends then, however much it is used.
    pub(crate) expires: Timestamp,
    /// Where it was begun.
    pub(crate) address: String,
}

/// Begins a session, and forgets those that are over.
pub(crate) fn begin(transaction: &Transaction<'_>, session: &Kept) -> failure::Result<()> {
    let now = stored(session.created);
    transaction.execute("DELETE FROM sessions WHERE expires <= ?1", params![now])?;
    let begin = "INSERT INTO sessions (hash, user_id, created, last_used, expires, address) VALUES (?1, ?2, ?3, ?3, ?4, ?5)";
    let (expires, address) = (stored(session.expires), &session.address);
    transaction.execute(begin, params![session.hash, session.user, now, expires, address]).map(drop)
}

/// A session that was used.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(crate) user: User,
    /// When that was noted last.
    pub(crate) last_used: Timestamp,
    /// It ends then.
    pub(crate) expires: Timestamp,
}

/// The session with a hash that is not over and was used since a time; notes that it was used.
pub(crate) fn used(
    transaction: &Transaction<'_>,
    hash: &[u8],
    now: Timestamp,
    since: Timestamp,
) -> failure::Result<Option<Used>> {
    let query = format!(
        "SELECT {}, sessions.last_used, sessions.expires FROM sessions JOIN users ON users.id = sessions.user_id \
         WHERE hash = ?1 AND expires > ?2 AND last_used > ?3",
        users::COLUMNS
    );
    let read = |row: &Row| {
        let after_user = users::COLUMNS.split(',').count();
        let (last_used, expires) = (row.get(after_user)?, row.get(after_user + 1)?);
        Ok(Used { user: users::read(row)?, last_used: time(last_used), expires: time(expires) })
    };
    let mut used = transaction.query_optional(&query, params![hash, stored(now), stored(since)], read)?;
    if let Some(used) = &mut used {
        let is_noted = is_lately(Some(used.last_used), now);
        if !is_noted {
            used.last_used = now;
            transaction
                .execute("UPDATE sessions SET last_used = ?2 WHERE hash = ?1", params![hash, stored(now)])?;
        }
        if !is_noted || used.user.last_seen.is_none() {
            let seen = "UPDATE users SET last_seen = ?2 WHERE id = ?1";
            transaction.execute(seen, params![used.user.id, stored(now)])?;
        }
    }
    Ok(used)
}

/// Ends a session.
pub(crate) fn end(transaction: &Transaction<'_>, hash: &[u8]) -> failure::Result<()> {
    transaction.execute("DELETE FROM sessions WHERE hash = ?1", params![hash]).map(drop)
}
