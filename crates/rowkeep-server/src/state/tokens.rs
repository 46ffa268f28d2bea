//! Tokens: who may do what over HTTP. Of each only a hash is kept.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::stored::{stored, time};

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

fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    let databases: Option<String> = row.get(3)?;
    let malformed = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, error.into())
    };
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        databases: databases.map(|text| serde_json::from_str(&text).map_err(malformed)).transpose()?,
        created: time(row.get(4)?),
        expires: row.get::<_, Option<i64>>(5)?.map(time),
        last_used: row.get::<_, Option<i64>>(6)?.map(time),
    })
}

/// Keeps a token, by the hash of its secret.
pub(crate) fn add(transaction: &Transaction<'_>, token: &Token, hash: &[u8]) -> rusqlite::Result<()> {
    let databases = token.databases.as_ref().map(serde_json::to_string).transpose();
    let databases = databases.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let (created, expires) = (stored(token.created), token.expires.map(stored));
    transaction
        .execute(
            "INSERT INTO tokens (id, name, hash, role, databases, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![token.id, token.name, hash, token.role, databases, created, expires],
        )
        .map(drop)
}

/// The token with a hash, which has not expired; notes that it was used.
pub(crate) fn used(
    transaction: &Transaction<'_>,
    hash: &[u8],
    now: Timestamp,
) -> rusqlite::Result<Option<Token>> {
    let query = format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1 AND (expires IS NULL OR expires > ?2)");
    let token = transaction.query_row(&query, params![hash, stored(now)], read).optional()?;
    // To the minute, so that not every request writes.
    if let Some(token) = &token {
        let note = "UPDATE tokens SET last_used = ?2 WHERE id = ?1 AND coalesce(last_used, 0) NOT BETWEEN ?2 - 60000000 AND ?2";
        transaction.execute(note, params![token.id, stored(now)])?;
    }
    Ok(token)
}

/// All tokens, the oldest first.
pub(crate) fn list(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Token>> {
    let mut statement = transaction.prepare(&format!("SELECT {COLUMNS} FROM tokens ORDER BY created, id"))?;
    statement.query_map((), read)?.collect()
}

/// Removes a token; whether there was one.
pub(crate) fn remove(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    Ok(transaction.execute("DELETE FROM tokens WHERE id = ?1", [id])? > 0)
}
