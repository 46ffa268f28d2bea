//! Users: their names, what is kept of their passwords, and what they may do.

use jiff::Timestamp;

use super::failure::{self, Failure};
use super::stored::{names, stored, stored_names, time};
use super::transaction::Transaction;
use super::value::Row;

/// A user, without what is kept of the password.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    /// The databases that he has to do with; all when there is no list.
    pub(crate) databases: Option<Vec<String>>,
    /// Whether he has to choose another password before anything else.
    pub(crate) must_change: bool,
    /// The secret of his second factor, sealed.
    pub(crate) second_factor: Option<Vec<u8>>,
    /// The last step of it that was used.
    pub(crate) last_step: i64,
    pub(crate) created: Timestamp,
    pub(crate) last_seen: Option<Timestamp>,
    /// Whether he signs in with a provider alone.
    pub(crate) is_of_provider: bool,
}

/// What stands in place of a password's hash where a user has none: no password has it.
pub(crate) const NO_PASSWORD: &str = "!";

pub(super) const COLUMNS: &str = "users.id, users.name, users.role, users.databases, users.must_change, users.second_factor, users.last_step, \
     users.created, users.last_seen, users.issuer IS NOT NULL";

pub(super) fn read(row: &Row) -> failure::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        databases: names(row, 3)?,
        must_change: row.get(4)?,
        second_factor: row.get(5)?,
        last_step: row.get(6)?,
        created: time(row.get(7)?),
        last_seen: row.get::<Option<i64>>(8)?.map(time),
        is_of_provider: row.get(9)?,
    })
}

/// All users, by name.
pub(crate) fn list(transaction: &Transaction<'_>) -> failure::Result<Vec<User>> {
    transaction.query(&format!("SELECT {COLUMNS} FROM users ORDER BY lower(name)"), &[], read)
}

/// The user of a name, and what is kept of the password.
pub(crate) fn named(transaction: &Transaction<'_>, name: &str) -> failure::Result<Option<(User, String)>> {
    let query = format!("SELECT {COLUMNS}, password FROM users WHERE lower(name) = lower(?1)");
    transaction.query_optional(&query, params![name], |row| Ok((read(row)?, row.get(10)?)))
}

/// The user of an id.
pub(crate) fn by_id(transaction: &Transaction<'_>, id: &str) -> failure::Result<Option<User>> {
    transaction.query_optional(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"), params![id], read)
}

/// Keeps a user; whether the name was free.
pub(crate) fn add(transaction: &Transaction<'_>, user: &User, password: &str) -> failure::Result<bool> {
    let databases = stored_names(user.databases.as_deref())?;
    let added = transaction.execute(
        "INSERT INTO users (id, name, password, must_change, role, databases, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (lower(name)) DO NOTHING",
        params![user.id, user.name, password, user.must_change, user.role, databases, stored(user.created)],
    )?;
    Ok(added > 0)
}

/// Somebody whom a provider has let in.
#[derive(Debug)]
pub(crate) struct Newcomer {
    /// The id of the user who is made where he was never here.
    pub(crate) id: String,
    pub(crate) issuer: String,
    /// By which the provider knows him.
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) databases: Option<Vec<String>>,
    pub(crate) now: Timestamp,
}

/// As whom somebody has come in.
#[derive(Debug)]
pub(crate) enum Entered {
    /// As a user who was just made.
    Made(User),
    /// As the user who he was before.
    Known(User),
    /// Not at all: his name is another user's.
    NameTaken,
}

/// Makes somebody whom a provider has let in what he is to be, as a user who is his alone.
pub(crate) fn enter(transaction: &Transaction<'_>, newcomer: &Newcomer) -> failure::Result<Entered> {
    let query = format!("SELECT {COLUMNS} FROM users WHERE issuer = ?1 AND subject = ?2");
    let known = transaction.query_optional(&query, params![newcomer.issuer, newcomer.subject], read)?;
    let id = known.as_ref().map_or(&newcomer.id, |user| &user.id);
    if named(transaction, &newcomer.name)?.is_some_and(|(user, _)| user.id != *id) {
        return Ok(Entered::NameTaken);
    }
    let Newcomer { issuer, subject, name, role, now, .. } = newcomer;
    let (databases, now) = (stored_names(newcomer.databases.as_deref())?, stored(*now));
    if known.is_some() {
        let set = "UPDATE users SET name = ?2, role = ?3, databases = ?4 WHERE id = ?1";
        transaction.execute(set, params![id, name, role, databases])?;
    } else {
        transaction.execute(
            "INSERT INTO users (id, name, password, must_change, role, databases, created, issuer, subject) \
             VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8)",
            params![id, name, NO_PASSWORD, role, databases, now, issuer, subject],
        )?;
    }
    let user = by_id(transaction, id)?.ok_or(Failure::NoRow)?;
    Ok(if known.is_some() { Entered::Known(user) } else { Entered::Made(user) })
}

/// Changes what a user may do.
pub(crate) fn set_role(
    transaction: &Transaction<'_>,
    id: &str,
    role: &str,
    databases: Option<&[String]>,
) -> failure::Result<bool> {
    let databases = stored_names(databases)?;
    let set = "UPDATE users SET role = ?2, databases = ?3 WHERE id = ?1";
    Ok(transaction.execute(set, params![id, role, databases])? > 0)
}

/// Keeps another password of a user, and ends all sessions of his.
pub(crate) fn set_password(
    transaction: &Transaction<'_>,
    id: &str,
    password: &str,
    must_change: bool,
) -> failure::Result<bool> {
    let set = "UPDATE users SET password = ?2, must_change = ?3 WHERE id = ?1";
    let is_set = transaction.execute(set, params![id, password, must_change])? > 0;
    transaction.execute("DELETE FROM sessions WHERE user_id = ?1", params![id])?;
    Ok(is_set)
}

/// Notes a second factor that counts once a code of it was confirmed.
pub(crate) fn begin_second_factor(
    transaction: &Transaction<'_>,
    id: &str,
    sealed: &[u8],
) -> failure::Result<()> {
    transaction.execute("UPDATE users SET begun_factor = ?2 WHERE id = ?1", params![id, sealed]).map(drop)
}

/// The second factor that was begun.
pub(crate) fn begun_second_factor(
    transaction: &Transaction<'_>,
    id: &str,
) -> failure::Result<Option<Vec<u8>>> {
    let query = "SELECT begun_factor FROM users WHERE id = ?1";
    Ok(transaction.query_optional(query, params![id], |row| row.get(0))?.flatten())
}

/// Makes the second factor count that was begun, of which the code of a step was shown.
pub(crate) fn confirm_second_factor(
    transaction: &Transaction<'_>,
    id: &str,
    step: i64,
) -> failure::Result<()> {
    let set =
        "UPDATE users SET second_factor = begun_factor, begun_factor = NULL, last_step = ?2 WHERE id = ?1";
    transaction.execute(set, params![id, step]).map(drop)
}

/// Removes the second factor of a user.
pub(crate) fn remove_second_factor(transaction: &Transaction<'_>, id: &str) -> failure::Result<()> {
    let set = "UPDATE users SET second_factor = NULL, begun_factor = NULL WHERE id = ?1";
    transaction.execute(set, params![id]).map(drop)
}

/// Notes that the code of a step was used; whether it was not before.
pub(crate) fn take_step(transaction: &Transaction<'_>, id: &str, step: i64) -> failure::Result<bool> {
    let take = "UPDATE users SET last_step = ?2 WHERE id = ?1 AND last_step < ?2";
    Ok(transaction.execute(take, params![id, step])? > 0)
}

/// Removes a user with all sessions of his.
pub(crate) fn remove(transaction: &Transaction<'_>, id: &str) -> failure::Result<bool> {
    Ok(transaction.execute("DELETE FROM users WHERE id = ?1", params![id])? > 0)
}

/// Whether a user is the last who may do everything.
pub(crate) fn is_last_administrator(transaction: &Transaction<'_>, id: &str) -> failure::Result<bool> {
    let count = |condition: &str| {
        let query =
            format!("SELECT count(*) FROM users WHERE role = 'admin' AND databases IS NULL AND {condition}");
        transaction.query_row(&query, params![id], |row| row.get::<i64>(0))
    };
    Ok(count("id = ?1")? > 0 && count("id <> ?1")? == 0)
}
