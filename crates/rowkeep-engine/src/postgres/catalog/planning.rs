//! Tables that no query can read in our sessions.
//!
//! Planning a query puts the bodies of functions of the table's indexes and statistics in their place, and computes what does not
//! depend on a row. A body that calls others without their schemas finds them only in the search path that it was written for.

use std::collections::HashSet;

use crate::EngineError;
use crate::postgres::connect::row::number;
use crate::postgres::connect::session::Session;

/// The tables with indexes, statistics or checks that use functions or operators which are not the server's own.
const WITH_OTHERS_FUNCTIONS: &str = "SELECT DISTINCT coalesce(i.indrelid, s.stxrelid, k.conrelid) FROM pg_depend d \
     LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid \
     LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid \
     LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid \
     WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384 \
     AND coalesce(i.indrelid, s.stxrelid, k.conrelid, 0) <> 0";

/// Has names found as the database's users find them.
pub(crate) const USUAL_PATH: &str = "SET LOCAL search_path TO DEFAULT";

/// Has them found in the server's own schema again.
pub(crate) const OWN_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// Which of some tables, by their OIDs and as sources of rows in SQL, cannot be queried in the session's transaction.
pub(crate) async fn failing(
    session: &Session,
    tables: impl Iterator<Item = (u32, String)>,
) -> Result<HashSet<u32>, EngineError> {
    let rows = session.rows("cannot list functions of indexes", WITH_OTHERS_FUNCTIONS).await?;
    let suspects = rows.iter().map(|row| number(row, 0, "the number of a table"));
    let suspects: HashSet<u32> = suspects.collect::<Result<_, _>>()?;
    let mut failing = HashSet::new();
    for (oid, table) in tables.filter(|(oid, _)| suspects.contains(oid)) {
        let plan = format!("SAVEPOINT planned; EXPLAIN SELECT 1 FROM {table}; RELEASE planned");
        if session.try_run(&plan).await.is_err() {
            session.prepare("ROLLBACK TO planned; RELEASE planned").await?;
            failing.insert(oid);
        }
    }
    Ok(failing)
}
