//! How long jobs took.

use rowkeep::metrics::{DURATION_BOUNDS, Durations};
use rusqlite::Transaction;

/// How long the backups of each database took that are done.
pub(crate) fn of_backups(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(String, Durations)>> {
    let within = DURATION_BOUNDS.map(|bound| format!("sum(took <= {bound} * 1000000)")).join(", ");
    let query = format!(
        "SELECT database, count(*), sum(took) / 1e6, {within} FROM (SELECT database, max(ended - started, 0) AS took FROM jobs \
         WHERE kind = 'backup' AND state = 'done' AND database IS NOT NULL AND started IS NOT NULL AND ended IS NOT NULL) \
         GROUP BY database"
    );
    let mut statement = transaction.prepare(&query)?;
    let rows = statement.query_map((), |row| {
        let mut durations = Durations {
            count: row.get::<_, i64>(1)?.unsigned_abs(),
            seconds: row.get(2)?,
            ..Durations::default()
        };
        for (at, within) in durations.within.iter_mut().enumerate() {
            *within = row.get::<_, i64>(3 + at)?.unsigned_abs();
        }
        Ok((row.get(0)?, durations))
    })?;
    rows.collect()
}
