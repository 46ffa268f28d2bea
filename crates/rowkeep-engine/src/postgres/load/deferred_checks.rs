//! Checks whose outcome may have changed since a row conformed to them: these come after the rows.
//!
//! A check that only computes with a row's values holds for every row that it held for before. One that asks for the time, reads a table,
//! or calls a function that somebody may have replaced, can refuse rows that the database had. So it is taken away before rows are
//! loaded and added again when all are there, and if it is refused then, without holding it against them.

use super::restore::Restore;
use crate::EngineError;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::text;
use crate::postgres::schema::classify::Kind;
use crate::postgres::schema::script::Statement;

/// Such checks of tables and domains: how each is dropped, and how it is added. One that a table only inherits goes and comes with
/// that of its parent.
const CHECKS: &str = "
    SELECT format('ALTER %s DROP CONSTRAINT %I', o.what, c.conname),
           format('ALTER %s ADD CONSTRAINT %I %s;', o.what, c.conname, pg_catalog.pg_get_constraintdef(c.oid))
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    LEFT JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
    LEFT JOIN pg_catalog.pg_type t ON t.oid = c.contypid,
    LATERAL (SELECT CASE WHEN c.conrelid <> 0 THEN format('TABLE %I.%I', n.nspname, r.relname)
                         ELSE format('DOMAIN %I.%I', n.nspname, t.typname) END AS what) o
    WHERE c.contype = 'c' AND (c.conislocal OR c.conrelid = 0) AND c.convalidated
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
            AND ((d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.conrelid)
              OR (d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = c.contypid)))
      AND (c.conbin::text LIKE '%SQLVALUEFUNCTION%'
        OR EXISTS (SELECT FROM regexp_matches(c.conbin::text, ':funcid ([0-9]+)', 'g') m
                   JOIN pg_catalog.pg_proc p ON p.oid = m[1]::oid
                   WHERE p.provolatile <> 'i' OR p.oid >= 16384)
        OR EXISTS (SELECT FROM regexp_matches(c.conbin::text, ':opno ([0-9]+)', 'g') m
                   JOIN pg_catalog.pg_operator o ON o.oid = m[1]::oid JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
                   WHERE p.provolatile <> 'i' OR p.oid >= 16384))
    ORDER BY 1";

/// Takes them away, and lets them come again first of all that comes after rows.
pub(crate) async fn defer(restore: &mut Restore) -> Result<(), EngineError> {
    let session = restore.pool.lend().await?;
    let mut again = Vec::new();
    for row in session.rows("cannot look at the checks", CHECKS).await? {
        let (drop, add) = (text(&row, 0), text(&row, 1));
        restore
            .scope
            .run(&session, drop)
            .await
            .map_err(|error| failed(format!("cannot run: {drop}"), error))?;
        again.push(Statement { sql: add.to_owned(), kind: Kind::Plain, settings: Vec::new() });
    }
    session.give_back();
    restore.plan.after.splice(0..0, again);
    Ok(())
}
