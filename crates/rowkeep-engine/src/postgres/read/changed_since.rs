//! Rows of a table that changed since an earlier xmin horizon.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::Mutex;

use super::xmin_horizon::XminHorizon;
use crate::postgres::catalog::equality::BASE;
use crate::postgres::catalog::relation::{KEPT, Relation};
use crate::postgres::connect::pool::{Lent, Pool};
use crate::postgres::connect::row::{Row, number};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{ChangeCount, EngineError, ErrorKind};

/// Types that print a value the same whatever else the database holds. Others print names of what can be renamed
/// (`regclass`), are made of columns that come and go, or belong to extensions that can be exchanged.
const STEADY: &str = "bool, int2, int4, int8, float4, float8, numeric, text, varchar, bpchar, char, name, bytea, date, time, \
     timetz, timestamp, timestamptz, interval, uuid, json, jsonb, inet, cidr, macaddr, macaddr8, bit, varbit, oid, \
     int4range, int8range, numrange, daterange, tsrange, tstzrange, point, line, lseg, box, path, polygon, circle, \
     tsvector, tsquery, xml, money, pg_lsn";

/// Up to this size tables are counted together.
const SMALL_BYTES: u64 = 256 * 1024;

/// How many tables are counted by one statement.
const TABLES_AT_ONCE: usize = 200;

/// What the server says about changes between earlier horizons and a view.
pub(crate) struct ChangeHistory {
    horizon: Option<XminHorizon>,
    /// Whether every question is answered with "unknown".
    disabled: bool,
    /// Answers that were already given, by the earlier horizon.
    known: Mutex<HashMap<String, Arc<KnownChanges>>>,
}

struct KnownChanges {
    /// The OIDs of the tables whose definition has not changed.
    same: HashSet<u32>,
    counted: Mutex<HashMap<u32, Option<ChangeCount>>>,
}

impl ChangeHistory {
    /// That of a view with this horizon, where it is known.
    pub(crate) fn new(horizon: Option<XminHorizon>, disabled: bool) -> Self {
        Self { horizon, disabled, known: Mutex::default() }
    }

    /// The view's own horizon, to be stored.
    pub(crate) fn horizon(&self) -> Option<String> {
        self.horizon.as_ref().map(XminHorizon::to_string)
    }

    /// The earlier horizon, if changes since then can be told.
    pub(crate) fn earlier(&self, horizon: &str) -> Option<XminHorizon> {
        let earlier = XminHorizon::parse(horizon).filter(|_| !self.disabled)?;
        self.horizon.as_ref().filter(|horizon| horizon.follows(&earlier)).map(|_| earlier)
    }

    /// Counts the rows of a table, and those that may have changed since; nothing where that cannot be told.
    ///
    /// Everything is asked once.
    pub(crate) async fn changed(
        &self,
        readers: &Arc<Pool>,
        relation: &Relation,
        horizon: &str,
    ) -> Result<Option<ChangeCount>, EngineError> {
        let Some(earlier) = self.earlier(horizon).filter(|_| relation.has_row_versions()) else {
            return Ok(None);
        };
        let known = self.known_since(readers, horizon, &earlier).await?;
        if !known.same.contains(&relation.oid) {
            return Ok(None);
        }
        if let Some(counted) = known.counted.lock().await.get(&relation.oid) {
            return Ok(*counted);
        }
        let reader = readers.lend().await?;
        let counted = count(&reader, relation, &earlier).await;
        let counted = given_back(reader, counted);
        known.counted.lock().await.insert(relation.oid, counted);
        Ok(counted)
    }

    /// Counts the rows of many tables with few statements, for [`changed`](Self::changed) to know.
    ///
    /// Tables that take the server longer than a statement of their own would are left to that.
    pub(crate) async fn ask(&self, readers: &Arc<Pool>, relations: &[&Relation], horizon: &str) {
        let Some(earlier) = self.earlier(horizon) else { return };
        let Ok(known) = self.known_since(readers, horizon, &earlier).await else { return };
        let counted = known.counted.lock().await;
        let small = relations.iter().copied().filter(|relation| {
            relation.has_row_versions()
                && relation.estimate.bytes <= SMALL_BYTES
                && known.same.contains(&relation.oid)
                && !counted.contains_key(&relation.oid)
        });
        let small: Vec<&Relation> = small.collect();
        drop(counted);
        let (known, earlier) = (&known, &earlier);
        futures::stream::iter(small.chunks(TABLES_AT_ONCE))
            .for_each_concurrent(None, |tables| async move {
                let Ok(reader) = readers.lend().await else { return };
                // A table that cannot be counted is found out when it is asked for alone.
                let counted = count_all(&reader, tables, earlier).await;
                let counted = given_back(reader, counted).unwrap_or_default();
                known.counted.lock().await.extend(counted);
            })
            .await;
    }

    async fn known_since(
        &self,
        readers: &Arc<Pool>,
        horizon: &str,
        earlier: &XminHorizon,
    ) -> Result<Arc<KnownChanges>, EngineError> {
        let mut all = self.known.lock().await;
        if let Some(known) = all.get(horizon) {
            return Ok(Arc::clone(known));
        }
        let reader = readers.lend().await?;
        let same = same_tables(&reader, earlier).await;
        let same = given_back(reader, same).unwrap_or_default();
        let known = Arc::new(KnownChanges { same, counted: Mutex::default() });
        all.insert(horizon.to_owned(), Arc::clone(&known));
        Ok(known)
    }
}

/// The answer that a reader got; the reader is given back unless its transaction failed.
///
/// Whoever waits for a lock, or is refused something, gets no answer; tables can be read all the same.
fn given_back<T>(reader: Lent, answer: Result<T, EngineError>) -> Option<T> {
    let answer = answer.ok()?;
    reader.give_back();
    Some(answer)
}

/// The tables that are what they were at a horizon: under the same name, with the same columns, of types that print the
/// same. The server's own tables tell that by their row versions as well.
///
/// After an error the session's transaction has failed.
async fn same_tables(session: &Session, horizon: &XminHorizon) -> Result<HashSet<u32>, EngineError> {
    let [schema, table, column, label] = ["n", "c", "a", "v"].map(|relation| horizon.is_older(relation));
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
    let rows = session.rows("cannot compare the tables with an earlier horizon", &query).await?;
    rows.iter().map(|row| number(row, 0, "the number of a table")).collect()
}

/// Counts the rows of such a table, and those that may have changed since the horizon.
///
/// After an error the session's transaction has failed.
async fn count(
    session: &Session,
    relation: &Relation,
    horizon: &XminHorizon,
) -> Result<ChangeCount, EngineError> {
    let counted = count_all(session, &[relation], horizon).await?;
    counted.into_values().next().flatten().ok_or_else(|| {
        EngineError::new(ErrorKind::Other, "the server gave no row where a number of rows was expected")
    })
}

/// The same for some tables, by their OIDs.
async fn count_all(
    session: &Session,
    relations: &[&Relation],
    horizon: &XminHorizon,
) -> Result<HashMap<u32, Option<ChangeCount>>, EngineError> {
    let older = horizon.is_older("t");
    let counts = relations.iter().map(|relation| {
        format!(
            "SELECT {}, count(*), count(*) FILTER (WHERE NOT {older}) FROM ONLY {} t",
            relation.oid,
            quote::table(&relation.table.name)
        )
    });
    // Without the savepoint the transaction would hold a lock on every table and index, of which a server allows so many.
    let counts = counts.collect::<Vec<_>>().join(" UNION ALL ");
    let query = format!("SAVEPOINT counted; {counts}; ROLLBACK TO counted; RELEASE counted");
    let counted = |row: &Row| {
        let (rows, changed) =
            (number(row, 1, "a number of rows")?, number(row, 2, "a number of changed rows")?);
        Ok((number(row, 0, "the number of a table")?, Some(ChangeCount { rows, changed })))
    };
    session.rows("cannot count the changed rows", &query).await?.iter().map(counted).collect()
}
