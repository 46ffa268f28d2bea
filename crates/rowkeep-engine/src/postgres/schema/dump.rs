//! The schema of a database as the parts of a DDL, read at a view's snapshot.

use rowkeep_format::schema::Ddl;

use super::ddl;
use super::pg_dump::PgDump;
use crate::EngineError;
use crate::postgres::catalog::facts::{self, Database};
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;

/// Reads the parts of the DDL at an exported snapshot, in the order in which they run.
pub(crate) async fn read(
    server: &Server,
    session: &Session,
    pg_dump: &PgDump,
    snapshot: &str,
    database: &Database,
) -> Result<Vec<Ddl>, EngineError> {
    let (before, after) = tokio::try_join!(
        pg_dump.section(server, "pre-data", snapshot, &session.encoding),
        pg_dump.section(server, "post-data", snapshot, &session.encoding),
    )?;
    let has_public = session
        .value("cannot list the schemas", "SELECT 1 FROM pg_namespace WHERE nspname = 'public'")
        .await?;
    let prologue = if has_public.is_some() { "" } else { "DROP SCHEMA IF EXISTS public;\n" };
    let parts = [
        (ddl::DATABASE, database.options()),
        (ddl::PROLOGUE, prologue.to_owned()),
        (ddl::BEFORE, before),
        (ddl::AFTER, after),
        (ddl::EXTENSIONS, facts::extension_versions(session).await?),
        (ddl::REFRESH, facts::refreshes(session).await?),
    ];
    let parts = parts.into_iter().filter(|(_, sql)| !sql.is_empty());
    Ok(parts.map(|(part, sql)| Ddl { part: part.to_owned(), sql }).collect())
}
