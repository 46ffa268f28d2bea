//! Tokens: who may do what over HTTP. Of each only a hash is kept.

use jiff::Timestamp;

use super::failure;
use super::stored::{is_lately, names, stored, stored_names, time};
use super::transaction::Transaction;
use super::value::Row;

/// A token, without the secret.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    /// The databases that it is for; all when there is no list.
    pub(crate) databases: Option<Vec<String>>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) last_used: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, role, databases, created, expires, last_used";

fn read(row: &Row) -> failure::Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        databases: names(row, 3)?,
        created: time(row.get(4)?),
        expires: row.get::<Option<i64>>(5)?.map(time),
        last_used: row.get::<Option<i64>>(6)?.map(time),
    })
}

/// Keeps a token, by the hash of its secret.
pub(crate) fn add(transaction: &Transaction<'_>, token: &Token, hash: &[u8]) -> failure::Result<()> {
    let databases = stored_names(token.databases.as_deref())?;
    let (created, expires) = (stored(token.created), token.expires.map(stored));
    transaction
        .execute(
            "INSERT INTO tokens (id, name, hash, role, databases, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![token.id, token.name, hash, token.role, databases, created, expires],
        )
        .map(drop)
}

impl Token {
    /// Whether it has not expired.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

/// The token with a hash, which has not expired; notes that it was used.
pub(crate) fn used(
    transaction: &Transaction<'_>,
    hash: &[u8],
    now: Timestamp,
) -> failure::Result<Option<Token>> {
    let query = format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1 AND (expires IS NULL OR expires > ?2)");
    let mut token = transaction.query_optional(&query, params![hash, stored(now)], read)?;
    if let Some(token) = &mut token
        && !is_lately(token.last_used, now)
    {
        token.last_used = Some(now);
        transaction
            .execute("UPDATE tokens SET last_used = ?2 WHERE id = ?1", params![token.id, stored(now)])?;
    }
    Ok(token)
}

/// All tokens, the oldest first.
pub(crate) fn list(transaction: &Transaction<'_>) -> failure::Result<Vec<Token>> {
    transaction.query(&format!("SELECT {COLUMNS} FROM tokens ORDER BY created, id"), &[], read)
}

/// What became of a token that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It is gone.
    Gone,
    /// There is none.
    Missing,
    /// It is the last that may do everything, for ever.
    Last,
}

/// Removes a token, but for the last by which others can be made.
pub(crate) fn remove(transaction: &Transaction<'_>, id: &str) -> failure::Result<Removed> {
    const MASTER: &str = "role = 'admin' AND databases IS NULL AND expires IS NULL";
    let count = |condition: &str| {
        let query = format!("SELECT count(*) FROM tokens WHERE {MASTER} AND {condition}");
        transaction.query_row(&query, params![id], |row| row.get::<i64>(0))
    };
    if count("id = ?1")? > 0 && count("id <> ?1")? == 0 {
        return Ok(Removed::Last);
    }
    let removed = transaction.execute("DELETE FROM tokens WHERE id = ?1", params![id])? > 0;
    Ok(if removed { Removed::Gone } else { Removed::Missing })
}
