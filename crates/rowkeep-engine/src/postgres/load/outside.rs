//! What of a database reads from other servers.

use std::collections::HashSet;

use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// Materialised views that read foreign tables or call what connects by itself, be it over other views, partitions and
/// functions. What a function in a language of its own does is only known by its text.
const READERS: &str = "WITH RECURSIVE reads (reader, class, object) AS ( \
      SELECT c.oid, 'pg_class'::regclass::oid, c.oid FROM pg_class c WHERE c.relkind = 'm' \
      UNION SELECT x.reader, next.class, next.object FROM reads x, LATERAL ( \
        SELECT d.refclassid, d.refobjid FROM pg_rewrite r JOIN pg_depend d \
        ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid \
        WHERE x.class = 'pg_class'::regclass AND r.ev_class = x.object \
        UNION SELECT d.refclassid, d.refobjid FROM pg_depend d \
        WHERE x.class = 'pg_proc'::regclass AND d.classid = x.class AND d.objid = x.object \
        UNION SELECT 'pg_class'::regclass, i.inhrelid FROM pg_inherits i \
        WHERE x.class = 'pg_class'::regclass AND i.inhparent = x.object) next (class, object)) \
    SELECT DISTINCT n.nspname, v.relname FROM reads JOIN pg_class v ON v.oid = reads.reader \
    JOIN pg_namespace n ON n.oid = v.relnamespace \
    WHERE EXISTS (SELECT FROM pg_class f WHERE reads.class = 'pg_class'::regclass AND f.oid = reads.object \
                  AND f.relkind = 'f') \
    OR EXISTS (SELECT FROM pg_proc p WHERE reads.class = 'pg_proc'::regclass AND p.oid = reads.object \
               AND p.prosrc ~* 'dblink')";

/// The statements that would fill materialised views from other servers, in the form in which a schema has them.
pub(super) async fn readers(session: &Session) -> Result<HashSet<String>, EngineError> {
    let rows = session.rows("cannot look what reads from other servers", READERS).await?;
    let statement = |schema: &str, view: &str| {
        format!("REFRESH MATERIALIZED VIEW {}.{};", quote::ident(schema), quote::ident(view))
    };
    Ok(rows.iter().map(|row| statement(text(row, 0), text(row, 1))).collect())
}
