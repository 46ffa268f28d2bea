//! Sessions of users. Of each only a hash is kept.

use jiff::Timestamp;

use super::failure;
use super::stored::stored;
use super::transaction::Transaction;
use super::users::{self, User};

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

/// The user of a session that is not over and was used since a time; notes that it was used.
pub(crate) fn used(
    transaction: &Transaction<'_>,
    hash: &[u8],
    now: Timestamp,
    since: Timestamp,
) -> failure::Result<Option<User>> {
    let (now, since) = (stored(now), stored(since));
    let query = format!(
        "SELECT {} FROM sessions JOIN users ON users.id = sessions.user_id \
         WHERE hash = ?1 AND expires > ?2 AND last_used > ?3",
        users::COLUMNS
    );
    let user = transaction.query_optional(&query, params![hash, now, since], users::read)?;
    // To the minute, so that not every request writes.
    if let Some(user) = &user {
        let note = "UPDATE sessions SET last_used = ?2 WHERE hash = ?1 AND last_used NOT BETWEEN ?2 - 60000000 AND ?2";
        if transaction.execute(note, params![hash, now])? > 0 || user.last_seen.is_none() {
            transaction.execute("UPDATE users SET last_seen = ?2 WHERE id = ?1", params![user.id, now])?;
        }
    }
    Ok(user)
}

/// Ends a session.
pub(crate) fn end(transaction: &Transaction<'_>, hash: &[u8]) -> failure::Result<()> {
    transaction.execute("DELETE FROM sessions WHERE hash = ?1", params![hash]).map(drop)
}
