//! Partitions that cannot tell in a new database which rows are theirs.
//!
//! The hash of a value of an enumeration is that of its number, which every database gives anew; `pg_dump` loads tables that are
//! divided by such hashes through their roots as well. Between which texts a text lies depends on the collation, which the new database
//! may have another of, or another version.

use std::collections::HashMap;

use rowkeep_format::TableName;

use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;

/// Such partitions, and the outermost table that is divided so. What an expression of a key is made of is not looked at.
/// Types do not contain themselves, so nothing has to be told apart by a hash table, which the server makes as large as `work_mem` allows.
const DIVIDED: &str = "
    WITH RECURSIVE renumbered (type) AS (
        SELECT oid FROM pg_type WHERE typtype = 'e'
        UNION ALL SELECT t.oid FROM renumbered r JOIN pg_type t
            ON t.typtype = 'd' AND t.typbasetype = r.type OR t.typcategory = 'A' AND t.typelem = r.type
            OR EXISTS (SELECT FROM pg_range g WHERE g.rngtypid = t.oid AND g.rngsubtype = r.type)
            OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.typrelid
                AND a.atttypid = r.type AND a.attnum > 0 AND NOT a.attisdropped)),
    divided AS (
        SELECT p.partrelid FROM pg_partitioned_table p WHERE p.partstrat = 'h'
        AND (0 = ANY (p.partattrs) AND EXISTS (SELECT FROM renumbered)
            OR EXISTS (SELECT FROM pg_attribute a JOIN renumbered r ON r.type = a.atttypid
                WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs)))
        OR p.partstrat = 'r' AND EXISTS (SELECT FROM unnest(p.partcollation::oid[]) k (oid)
            WHERE k.oid NOT IN (0::oid, '\"C\"'::regcollation::oid, '\"POSIX\"'::regcollation::oid)))
    SELECT cn.nspname, c.relname, rn.nspname, r.relname
    FROM pg_class c JOIN pg_namespace cn ON cn.oid = c.relnamespace,
    LATERAL (SELECT a.relid FROM pg_partition_ancestors(c.oid) WITH ORDINALITY a (relid, at)
             JOIN divided d ON d.partrelid = a.relid ORDER BY a.at DESC LIMIT 1) above
    JOIN pg_class r ON r.oid = above.relid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE c.relispartition AND c.relkind = 'r'";

/// Looks them up.
pub(crate) async fn read(session: &Session) -> Result<HashMap<TableName, TableName>, EngineError> {
    let rows = session.rows("cannot look at how tables are divided", DIVIDED).await?;
    let named = |row, at| TableName::qualified(text(row, at), text(row, at + 1));
    Ok(rows.iter().map(|row| (named(row, 0), named(row, 2))).collect())
}
