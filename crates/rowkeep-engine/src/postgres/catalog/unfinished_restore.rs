//! The schema that marks a database into which a restore was begun and not finished.

use crate::EngineError;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// Its name.
pub(crate) const SCHEMA: &str = "rowkeep_unfinished";

/// Whether it is in the database.
pub(crate) async fn is_there(session: &Session) -> Result<bool, EngineError> {
    let query = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", quote::literal(SCHEMA));
    Ok(session.value("cannot list the schemas", &query).await?.is_some())
}
