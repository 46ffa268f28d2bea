//! Which changes are left alone, by their numbers.

use rowkeep_format::left_alone::Numbers;

use crate::EngineError;
use crate::postgres::connect::row::number;
use crate::postgres::connect::session::Session;

/// The numbers `n` of the rows of a temporary table, of which no two have the same, whose `state` is not 0.
pub(super) async fn left(session: &Session, what: &str, table: &str) -> Result<Numbers, EngineError> {
    // As runs, for of many rows usually all are left or few.
    let query = format!(
        "SELECT min(n), max(n) FROM (SELECT n, n - row_number() OVER (ORDER BY n) AS run FROM {table} WHERE state <> 0) x \
         GROUP BY run ORDER BY 1"
    );
    let mut left = Numbers::default();
    for row in session.rows(what, &query).await? {
        let at = |column| number::<u64>(&row, column, "the number of a change");
        left.push_run(at(0)?, at(1)?);
    }
    Ok(left)
}
