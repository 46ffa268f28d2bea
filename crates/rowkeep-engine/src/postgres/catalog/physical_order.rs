//! Which tables probably lie in key order already, so that reading them needs neither an index nor a sort.

use std::collections::HashSet;

use super::relation::KEPT;
use crate::EngineError;
use crate::postgres::connect::row::{Row, number, text};
use crate::postgres::connect::session::Session;

/// Smaller tables are read in order whatever their statistics say: little is to be won.
const SMALLEST_BYTES: u64 = 4 << 20;

/// From which correlation of its values with its rows' places on a column counts as sorted.
const LEAST_CORRELATION: f64 = 0.9999;

/// The columns whose rows lie in the ascending order of their values, as far as the statistics tell.
///
/// A sample of the rows tells nothing of the few that were updated or put where others were deleted, so tables with
/// such rows are left out, by the server's counters. Those can have been reset, hence "probably". A standby counts
/// no changes, so there nothing is known.
#[derive(Debug, Default)]
pub(crate) struct PhysicalOrder(HashSet<(u32, String)>);

impl PhysicalOrder {
    /// Asks the server's statistics, where `pg_stats` (PostgreSQL manual, chapter "System Views") shows them to anybody
    /// who may read the table.
    pub(crate) async fn read(session: &Session) -> Result<Self, EngineError> {
        let columns = session
            .rows(
                "cannot read the statistics of the tables",
                &format!(
                    "SELECT c.oid, s.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname \
                     WHERE NOT s.inherited AND s.correlation >= {LEAST_CORRELATION} \
                     AND pg_relation_size(c.oid) >= {SMALLEST_BYTES} \
                     AND pg_stat_get_tuples_updated(c.oid) = 0 AND pg_stat_get_tuples_deleted(c.oid) = 0 \
                     AND NOT pg_is_in_recovery() AND {KEPT}"
                ),
            )
            .await?;
        let named = |row: &Row| Ok((number(row, 0, "the number of a table")?, text(row, 1).to_owned()));
        Ok(Self(columns.iter().map(named).collect::<Result<_, EngineError>>()?))
    }

    /// Whether the rows of a table probably lie in the order of a column.
    pub(crate) fn by(&self, oid: u32, column: &str) -> bool {
        self.0.contains(&(oid, column.to_owned()))
    }
}
