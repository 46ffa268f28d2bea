//! The schema of a database as the parts of a DDL, read at a view's snapshot.

use rowkeep_format::TableName;
use rowkeep_format::schema::Ddl;

use super::passed_over::without_references;
use super::pg_dump::PgDump;
use super::{ddl, relay};
use crate::EngineError;
use crate::postgres::catalog::facts::{self, Database};
use crate::postgres::connect::pooling::Pooling;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;

/// Reads the parts of the DDL at an exported snapshot, in the order in which they run, without what is passed over.
pub(crate) async fn read(
    server: &Server,
    session: &Session,
    pg_dump: &PgDump,
    snapshot: &str,
    database: &Database,
    passed_over: &[TableName],
) -> Result<Vec<Ddl>, EngineError> {
    let (before, after) = match server.pooling {
        Pooling::None => tokio::try_join!(
            pg_dump.section(server, "pre-data", snapshot, &session.encoding, passed_over),
            pg_dump.section(server, "post-data", snapshot, &session.encoding, passed_over),
        )?,
        Pooling::Session | Pooling::Transaction => (
            relay::section(pg_dump, session, "pre-data", passed_over).await?,
            relay::section(pg_dump, session, "post-data", passed_over).await?,
        ),
    };
    let before = without_references(before, passed_over);
    let after = without_references(after, passed_over);
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
        (ddl::REFRESH, facts::refreshes(session, passed_over).await?),
    ];
    let parts = parts.into_iter().filter(|(_, sql)| !sql.is_empty());
    Ok(parts.map(|(part, sql)| Ddl { part: part.to_owned(), sql }).collect())
}
