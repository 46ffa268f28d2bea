//! How long jobs took.

use rowkeep::metrics::{DURATION_BOUNDS, Durations};

use super::failure;
use super::transaction::Transaction;

/// How long the backups of each database took that are done.
pub(crate) fn of_backups(transaction: &Transaction<'_>) -> failure::Result<Vec<(String, Durations)>> {
    let within = DURATION_BOUNDS
        .map(|bound| format!("sum(CASE WHEN took <= {} THEN 1 ELSE 0 END)", u64::from(bound) * 1_000_000))
        .join(", ");
    let query = format!(
        "SELECT database, count(*), CAST(sum(took) AS DOUBLE PRECISION) / 1e6, {within} FROM \
         (SELECT database, CASE WHEN ended > started THEN ended - started ELSE 0 END AS took FROM jobs \
         WHERE kind = 'backup' AND state = 'done' AND database IS NOT NULL AND started IS NOT NULL AND ended IS NOT NULL) AS backups \
         GROUP BY database"
    );
    transaction.query(&query, &[], |row| {
        let mut durations = Durations {
            count: row.get::<i64>(1)?.unsigned_abs(),
            seconds: row.get(2)?,
            ..Durations::default()
        };
        for (at, within) in durations.within.iter_mut().enumerate() {
            *within = row.get::<i64>(3 + at)?.unsigned_abs();
        }
        Ok((row.get(0)?, durations))
    })
}
