//! What was written to a table since an earlier instant.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::xmin_horizon::Instant;
use crate::postgres::catalog::equality::BASE;
use crate::postgres::catalog::tables::{KEPT, Relation};
use crate::postgres::connect::pool::{Lent, Pool};
use crate::postgres::connect::session::{Session, number};
use crate::postgres::quote;
use crate::{EngineError, Written};

/// Types that print a value the same whatever else the database holds. Others print names of what can be renamed
/// (`regclass`), are made of columns that come and go, or belong to extensions that can be exchanged.
const STEADY: &str = "bool, int2, int4, int8, float4, float8, numeric, text, varchar, bpchar, char, name, bytea, date, time, \
     timetz, timestamp, timestamptz, interval, uuid, json, jsonb, inet, cidr, macaddr, macaddr8, bit, varbit, oid, \
     int4range, int8range, numrange, daterange, tsrange, tstzrange, point, line, lseg, box, path, polygon, circle, \
     tsvector, tsquery, xml, money, pg_lsn";

/// What the server told of earlier instants of a view.
pub(crate) struct History {
    instant: Option<Instant>,
    /// Whether nothing is to be told.
    silent: bool,
    /// By earlier instant what was asked already.
    told: Mutex<HashMap<String, Arc<Told>>>,
}

struct Told {
    /// The numbers of the tables that are what they were.
    same: HashSet<u32>,
    counted: Mutex<HashMap<u32, Option<Written>>>,
}

impl History {
    /// That of a view of this instant, where it is known.
    pub(crate) fn new(instant: Option<Instant>, silent: bool) -> Self {
        Self { instant, silent, told: Mutex::default() }
    }

    /// The view's own instant, to be kept.
    pub(crate) fn instant(&self) -> Option<String> {
        self.instant.as_ref().map(Instant::to_string)
    }

    /// An instant of which it can be told what was written since.
    pub(crate) fn earlier(&self, instant: &str) -> Option<Instant> {
        let earlier = Instant::parse(instant).filter(|_| !self.silent)?;
        self.instant.as_ref().filter(|instant| instant.follows(&earlier)).map(|_| earlier)
    }

    /// Counts the rows of a table, and those that may have been written since; nothing where that cannot be told.
    ///
    /// Everything is asked once.
    pub(crate) async fn written(
        &self,
        readers: &Arc<Pool>,
        relation: &Relation,
        instant: &str,
    ) -> Result<Option<Written>, EngineError> {
        let Some(earlier) = self.earlier(instant).filter(|_| relation.tells_versions()) else {
            return Ok(None);
        };
        let told = self.told(readers, instant, &earlier).await?;
        if !told.same.contains(&relation.oid) {
            return Ok(None);
        }
        if let Some(counted) = told.counted.lock().await.get(&relation.oid) {
            return Ok(*counted);
        }
        let reader = readers.lend().await?;
        let counted = count(&reader, relation, &earlier).await;
        let counted = given_back(reader, counted);
        told.counted.lock().await.insert(relation.oid, counted);
        Ok(counted)
    }

    async fn told(
        &self,
        readers: &Arc<Pool>,
        instant: &str,
        earlier: &Instant,
    ) -> Result<Arc<Told>, EngineError> {
        let mut all = self.told.lock().await;
        if let Some(told) = all.get(instant) {
            return Ok(Arc::clone(told));
        }
        let reader = readers.lend().await?;
        let same = same_tables(&reader, earlier).await;
        let same = given_back(reader, same).unwrap_or_default();
        let told = Arc::new(Told { same, counted: Mutex::default() });
        all.insert(instant.to_owned(), Arc::clone(&told));
        Ok(told)
    }
}

/// What a reader was told, which is given back unless its transaction failed.
///
/// Whoever waits for a lock, or is refused something, is not told; tables can be read all the same.
fn given_back<T>(reader: Lent, told: Result<T, tokio_postgres::Error>) -> Option<T> {
    let told = told.ok()?;
    reader.give_back();
    Some(told)
}

/// The tables that are what they were at an instant: under the same name, with the same columns, of types that print the
/// same. The server's own tables tell that by their row versions as well.
///
/// After an error the session's transaction has failed.
async fn same_tables(session: &Session, instant: &Instant) -> Result<HashSet<u32>, tokio_postgres::Error> {
    let [schema, table, column, label] = ["n", "c", "a", "v"].map(|relation| instant.is_older(relation));
    let steady = quote::literal(&format!("{{{STEADY}}}"));
    let query = format!(
        "WITH RECURSIVE {BASE}, \
         steady (type) AS ( \
           SELECT base.type FROM base JOIN pg_type t ON t.oid = base.base \
           LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
           WHERE CASE WHEN coalesce(e.typtype, t.typtype) = 'e' THEN NOT EXISTS ( \
                        SELECT FROM pg_enum v WHERE v.enumtypid = coalesce(e.oid, t.oid) AND NOT {label}) \
                      ELSE coalesce(e.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace \
                           AND coalesce(e.typname, t.typname) = ANY ({steady}::name[]) END) \
         SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam \
         WHERE {KEPT} AND m.amname = 'heap' AND {schema} AND {table} AND NOT EXISTS ( \
           SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND ( \
             NOT {column} OR NOT a.attisdropped AND a.atttypid NOT IN (SELECT type FROM steady)))"
    );
    Ok(session.try_rows(&query).await?.iter().map(|row| number(row, 0)).collect())
}

/// Counts the rows of such a table, and those that may have been written since the instant.
///
/// After an error the session's transaction has failed.
async fn count(
    session: &Session,
    relation: &Relation,
    instant: &Instant,
) -> Result<Written, tokio_postgres::Error> {
    let counted = format!(
        "SELECT count(*), count(*) FILTER (WHERE NOT {}) FROM ONLY {} t",
        instant.is_older("t"),
        quote::table(&relation.table.name)
    );
    let rows = session.try_rows(&counted).await?;
    let row = rows.first().map(|row| Written { rows: number(row, 0), written: number(row, 1) });
    Ok(row.unwrap_or_default())
}

impl Relation {
    /// Whether its own row versions tell what was written: they are those that are read, and none is lost in a crash.
    fn tells_versions(&self) -> bool {
        self.condition.is_none() && !self.unlogged
    }

    /// The statement that copies out the rows that may have been written since an instant.
    pub(crate) fn copy_of_written(&self, instant: &Instant) -> String {
        let columns = quote::idents(self.table.columns.iter().map(|column| column.name.as_str()));
        let table = quote::table(&self.table.name);
        format!("COPY (SELECT {columns} FROM ONLY {table} t WHERE NOT {}) TO STDOUT", instant.is_older("t"))
    }

    /// The statement that copies out the columns of the key, in its order if the server can give that.
    pub(crate) fn copy_of_keys(&self) -> String {
        let key = self.table.key.columns.iter().map(|part| self.table.columns[part.column].name.as_str());
        let (columns, table) = (quote::idents(key), quote::table(&self.table.name));
        let condition = self.condition.as_deref().unwrap_or_default();
        let order = self.order_by.as_ref().map(|order| format!("ORDER BY {order}")).unwrap_or_default();
        format!("COPY (SELECT {columns} FROM ONLY {table} {condition} {order}) TO STDOUT")
    }
}
