//! The schema that marks a database into which a restore was begun and not finished.

use crate::EngineError;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// Its name.
pub(crate) const SCHEMA: &str = "rowkeep_unfinished";

/// Whether it is in the database, with the table in which a restore notes what was there before. A schema of that name
/// without it is somebody else's.
pub(crate) async fn is_there(session: &Session) -> Result<bool, EngineError> {
    let query = format!(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = 'before' AND c.relkind = 'r'",
        quote::literal(SCHEMA)
    );
    Ok(session.value("cannot list the schemas", &query).await?.is_some())
}
