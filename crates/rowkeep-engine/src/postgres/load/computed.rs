//! Columns that the server computes from others while rows are loaded.

use std::collections::HashSet;

use rowkeep_format::TableName;

use super::restore::Restore;
use crate::EngineError;
use crate::postgres::connect::row::text;

/// Lets functions find what they name without a schema, as the database's users have it.
pub(super) const USUAL_PATH: &str = "SET search_path TO DEFAULT";

/// The path of everything else in a restore.
pub(super) const NO_PATH: &str = "SET search_path = ''";

const TABLES: &str = "
    SELECT DISTINCT n.nspname, c.relname FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend p ON (p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
        OR p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = c.oid AND p.objsubid = a.attnum)
      AND p.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass) AND p.refobjid >= 16384
    WHERE a.attgenerated <> '' AND NOT a.attisdropped";

/// The tables with columns that functions compute which are not the server's own.
pub(super) async fn tables(restore: &Restore) -> Result<HashSet<TableName>, EngineError> {
    let session = restore.pool.lend().await?;
    let rows = session.rows("cannot look for columns that are computed", TABLES).await?;
    session.give_back();
    Ok(rows.iter().map(|row| TableName::qualified(text(row, 0), text(row, 1))).collect())
}
