//! What people changed on pages, beside rowkeep.toml: a sealed text for each subject.

use jiff::Timestamp;

use super::failure;
use super::stored::{stored, time};
use super::transaction::Transaction;

/// What is kept of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptAddition {
    /// `repository`, `databases.shop`.
    pub(crate) subject: String,
    /// What is said of it, sealed.
    pub(crate) sealed: Vec<u8>,
    /// Who said it last.
    pub(crate) who: String,
    /// When.
    pub(crate) time: Timestamp,
}

/// All of it, by subject.
pub(crate) fn all(transaction: &Transaction<'_>) -> failure::Result<Vec<KeptAddition>> {
    let query = "SELECT subject, sealed, who, time FROM additions ORDER BY subject";
    transaction.query(query, &[], |row| {
        let (subject, sealed, who) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(KeptAddition { subject, sealed, who, time: time(row.get(3)?) })
    })
}

/// Keeps what is said of a subject, in place of what was said before.
pub(crate) fn set(transaction: &Transaction<'_>, kept: &KeptAddition) -> failure::Result<()> {
    let set = "INSERT INTO additions VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (subject) DO UPDATE SET sealed = excluded.sealed, who = excluded.who, time = excluded.time";
    let values = params![kept.subject, kept.sealed, kept.who, stored(kept.time)];
    transaction.execute(set, values).map(drop)
}

/// Forgets what is said of a subject; whether something was.
pub(crate) fn remove(transaction: &Transaction<'_>, subject: &str) -> failure::Result<bool> {
    let removed = transaction.execute("DELETE FROM additions WHERE subject = ?1", params![subject])?;
    Ok(removed > 0)
}
