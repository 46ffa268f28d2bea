//! What was written to a table since an earlier instant.

use super::catalog::Relation;
use super::equality::BASE;
use super::instant::Instant;
use super::session::{Session, number, truth};
use super::sql;
use crate::Written;

/// Types that print a value the same whatever else the database holds. Others print names of what can be renamed
/// (`regclass`), are made of columns that come and go, or belong to extensions that can be exchanged.
const STEADY: &str = "bool, int2, int4, int8, float4, float8, numeric, text, varchar, bpchar, char, name, bytea, date, time, \
     timetz, timestamp, timestamptz, interval, uuid, json, jsonb, inet, cidr, macaddr, macaddr8, bit, varbit, oid, \
     int4range, int8range, numrange, daterange, tsrange, tstzrange, point, line, lseg, box, path, polygon, circle, \
     tsvector, tsquery, xml, money, pg_lsn";

/// Counts the rows of a table, and those that may have been written since; nothing where that cannot be told.
///
/// After an error the session's transaction has failed.
pub(super) async fn count(
    session: &Session,
    relation: &Relation,
    instant: &Instant,
) -> Result<Option<Written>, tokio_postgres::Error> {
    let same = session.try_rows(&is_same(relation, instant)).await?;
    if !same.first().is_some_and(|row| truth(row, 0)) {
        return Ok(None);
    }
    let counted = format!(
        "SELECT count(*), count(*) FILTER (WHERE NOT {}) FROM ONLY {} t",
        instant.is_older("t"),
        sql::table(&relation.table.name)
    );
    let rows = session.try_rows(&counted).await?;
    Ok(rows.first().map(|row| Written { rows: number(row, 0), written: number(row, 1) }))
}

/// Whether the table is what it was: under the same name, with the same columns, of types that print the same. The server's
/// own tables tell that by their row versions as well.
fn is_same(relation: &Relation, instant: &Instant) -> String {
    let [schema, table, column, label] = ["n", "c", "a", "v"].map(|relation| instant.is_older(relation));
    let steady = sql::literal(&format!("{{{STEADY}}}"));
    format!(
        "WITH RECURSIVE {BASE} \
         SELECT {schema} AND {table} AND m.amname = 'heap' AND NOT EXISTS ( \
           SELECT FROM pg_attribute a LEFT JOIN base ON base.type = a.atttypid \
           LEFT JOIN pg_type t ON t.oid = base.base \
           LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND (NOT {column} OR NOT a.attisdropped AND NOT coalesce( \
             CASE WHEN coalesce(e.typtype, t.typtype) = 'e' THEN NOT EXISTS ( \
                    SELECT FROM pg_enum v WHERE v.enumtypid = coalesce(e.oid, t.oid) AND NOT {label}) \
                  ELSE coalesce(e.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace \
                       AND coalesce(e.typname, t.typname) = ANY ({steady}::name[]) END, false))) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam \
         WHERE c.oid = {}",
        relation.oid
    )
}

impl Relation {
    /// Whether its own row versions tell what was written: they are those that are read, and none is lost in a crash.
    pub(super) fn tells_versions(&self) -> bool {
        self.condition.is_none() && !self.unlogged
    }

    /// The statement that copies out the rows that may have been written since an instant.
    pub(super) fn copy_of_written(&self, instant: &Instant) -> String {
        let columns = sql::idents(self.table.columns.iter().map(|column| column.name.as_str()));
        let table = sql::table(&self.table.name);
        format!("COPY (SELECT {columns} FROM ONLY {table} t WHERE NOT {}) TO STDOUT", instant.is_older("t"))
    }

    /// The statement that copies out the columns of the key, in its order if the server can give that.
    pub(super) fn copy_of_keys(&self) -> String {
        let key = self.table.key.columns.iter().map(|part| self.table.columns[part.column].name.as_str());
        let (columns, table) = (sql::idents(key), sql::table(&self.table.name));
        let condition = self.condition.as_deref().unwrap_or_default();
        let order = self.order_by.as_ref().map(|order| format!("ORDER BY {order}")).unwrap_or_default();
        format!("COPY (SELECT {columns} FROM ONLY {table} {condition} {order}) TO STDOUT")
    }
}
