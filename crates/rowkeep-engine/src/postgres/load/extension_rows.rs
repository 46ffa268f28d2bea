//! Rows that somebody put into tables of extensions, which a backup holds although the extension made the table.

use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// Deletes the rows of an extension's tables that are not its own, which a backup holds.
pub(super) async fn delete(session: &Session, extension: &str) -> Result<(), EngineError> {
    let what = || format!("cannot clear the tables of extension {extension}");
    let query = format!(
        "SELECT c.oid::regclass, x.condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) x (oid, condition) \
         JOIN pg_class c ON c.oid = x.oid WHERE c.relkind = 'r' AND e.extname = {}",
        quote::literal(extension)
    );
    for row in session.rows(&what(), &query).await? {
        let (table, condition) = (text(&row, 0), text(&row, 1));
        let some = format!("SELECT 1 FROM ONLY {table} {condition} LIMIT 1");
        if session.value(&what(), &some).await?.is_some() {
            session.rows(&what(), &format!("DELETE FROM ONLY {table} {condition}")).await?;
        }
    }
    Ok(())
}
