//! Checks whose outcome may have changed since a row conformed to them: these come after the rows.
//!
//! A check that only computes with a row's values holds for every row that it held for before. One that asks for the time, reads a table,
//! or calls a function that somebody may have replaced, can refuse rows that the database had. So it is taken away before rows are
//! loaded and added again when all are there, and if it is refused then, without holding it against them.

use super::computed::{NO_PATH, USUAL_PATH};
use super::restore::Restore;
use super::statement_runner::refused;
use crate::EngineError;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::{text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::schema::classify::Kind;
use crate::postgres::schema::script::Statement;

/// Such checks of tables and domains: how each is dropped, how it is added, and its comment. One that a table only inherits goes and
/// comes with that of its parent.
const CHECKS: &str = "
    SELECT format('ALTER %s DROP CONSTRAINT %I', o.what, c.conname),
           format('ALTER %s ADD CONSTRAINT %I %s;', o.what, c.conname, pg_catalog.pg_get_constraintdef(c.oid)),
           format('COMMENT ON CONSTRAINT %I ON %s IS %L;', c.conname, o.named, d.description),
           d.description IS NOT NULL
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    LEFT JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
    LEFT JOIN pg_catalog.pg_type t ON t.oid = c.contypid,
    LATERAL (SELECT format('%I.%I', n.nspname, coalesce(r.relname, t.typname)) AS name) q,
    LATERAL (SELECT CASE WHEN c.conrelid <> 0 THEN 'TABLE ' ELSE 'DOMAIN ' END || q.name AS what,
                    CASE WHEN c.conrelid <> 0 THEN '' ELSE 'DOMAIN ' END || q.name AS named) o,
    LATERAL (SELECT pg_catalog.obj_description(c.oid, 'pg_constraint') AS description) d
    WHERE c.contype = 'c' AND (c.conislocal OR c.conrelid = 0) AND c.convalidated
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
            AND ((e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.conrelid)
              OR (e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = c.contypid)))
      AND (c.conbin::text LIKE '%SQLVALUEFUNCTION%'
        OR EXISTS (SELECT FROM regexp_matches(c.conbin::text, ':funcid ([0-9]+)', 'g') m
                   JOIN pg_catalog.pg_proc p ON p.oid = m[1]::oid
                   WHERE p.provolatile <> 'i' OR p.oid >= 16384)
        OR EXISTS (SELECT FROM regexp_matches(c.conbin::text, ':opno ([0-9]+)', 'g') m
                   JOIN pg_catalog.pg_operator o ON o.oid = m[1]::oid JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
                   WHERE p.provolatile <> 'i' OR p.oid >= 16384))
    ORDER BY c.contypid = 0, c.coninhcount, c.conrelid";

/// A check that can come later.
struct Check {
    drop: String,
    add: String,
    comment: Option<String>,
}

/// Takes them away, and lets them come again first of all that comes after rows. One that cannot come again stays: that of a domain
/// of which arrays are made, for example.
pub(crate) async fn defer(restore: &mut Restore) -> Result<(), EngineError> {
    let session = restore.pool.lend().await?;
    let mut left = Vec::new();
    for row in &session.rows("cannot look at the checks", CHECKS).await? {
        let comment = truth(row, 3, "whether a check has a comment")?.then(|| text(row, 2).to_owned());
        left.push(Check { drop: text(row, 0).to_owned(), add: text(row, 1).to_owned(), comment });
    }
    let mut deferred = Vec::new();
    // One that is inherited as well can only go after that of the parent.
    loop {
        let (before, mut again) = (left.len(), Vec::new());
        for check in left {
            let Check { drop, add, .. } = &check;
            let again_as = format!("{drop}; {add}");
            let in_usual_path = format!("{USUAL_PATH}; {again_as} {NO_PATH}");
            let can_come_again = try_run(restore, &session, &again_as).await?
                || try_run(restore, &session, &in_usual_path).await?;
            match can_come_again && try_run(restore, &session, drop).await? {
                true => deferred.push(check),
                false => again.push(check),
            }
        }
        if again.is_empty() || again.len() == before {
            break;
        }
        left = again;
    }
    session.give_back();
    // It comes before that, to be one with it.
    let statement = |sql: String, kind| Statement { sql, kind, settings: Vec::new() };
    let again = deferred.into_iter().rev().flat_map(|Check { add, comment, .. }| {
        let comment = comment.map(|comment| statement(comment, Kind::Optional));
        [Some(statement(add, Kind::Plain)), comment].into_iter().flatten()
    });
    restore.plan.after.splice(0..0, again.collect::<Vec<_>>());
    Ok(())
}

/// Whether the server takes statements.
async fn try_run(restore: &Restore, session: &Session, script: &str) -> Result<bool, EngineError> {
    match restore.scope.run(session, script).await {
        Ok(()) => Ok(true),
        Err(error) if refused(&error).is_some() => Ok(false),
        Err(error) => Err(failed("cannot put checks off until rows are loaded", error)),
    }
}
