//! What the server computes while rows are loaded: columns from others, and checks.

use std::collections::HashSet;

use rowkeep_format::TableName;

use super::restore::Restore;
use crate::EngineError;
use crate::postgres::connect::row::text;

/// Lets functions find what they name without a schema, as the database's users have it.
pub(super) const USUAL_PATH: &str = "SET search_path TO DEFAULT";

/// The path of everything else in a restore.
pub(super) const NO_PATH: &str = "SET search_path = ''";

/// Generated columns, and checks of tables and of the types of their columns.
const TABLES: &str = "
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND (c.oid IN (
        SELECT d.adrelid FROM pg_catalog.pg_attrdef d
        JOIN pg_catalog.pg_attribute a ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
            OR p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = a.attrelid AND p.objsubid = a.attnum
        WHERE a.attgenerated <> '' AND NOT a.attisdropped
          AND p.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass) AND p.refobjid >= 16384)
      OR c.oid IN (SELECT k.conrelid FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_depend p
            ON p.classid = 'pg_catalog.pg_constraint'::regclass AND p.objid = k.oid
        WHERE k.contype = 'c'
          AND p.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass) AND p.refobjid >= 16384)
      OR EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_depend p
            ON p.classid = 'pg_catalog.pg_constraint'::regclass AND p.objid = k.oid
        WHERE k.contypid <> 0
          AND p.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass) AND p.refobjid >= 16384)
        AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid >= 16384))";

/// The tables of which functions compute something that are not the server's own.
pub(super) async fn tables(restore: &Restore) -> Result<HashSet<TableName>, EngineError> {
    let session = restore.pool.lend().await?;
    let rows = session.rows("cannot look for what is computed of rows", TABLES).await?;
    session.give_back();
    Ok(rows.iter().map(|row| TableName::qualified(text(row, 0), text(row, 1))).collect())
}
