//! The xmin horizon of a view: below it every transaction had ended, so later changes can be told apart.

use std::fmt;

use crate::postgres::connect::row::{Row, text};
use crate::postgres::connect::session::Session;

/// The xmin horizon of one view, in one run of a server, of one of its databases.
///
/// A row version carries the number of the transaction that wrote it (`xmin`, PostgreSQL manual, "System Columns") and is
/// never changed: an update writes another. Numbers grow, and a transaction below [`XminHorizon::xmin`] had ended when the
/// view was opened, its subtransactions with it, for their numbers are higher. So a version that is visible now and has a
/// lower number was visible then, every value the same.
///
/// Numbers could be given again only where the database's files are put back to an earlier state. While the server runs
/// nobody can do that, so its start is part of the name. After the crash of one of its processes it loses what was
/// committed without waiting for the log; then it also throws its statistics away, and the time from which these count
/// changes, which is part of the name too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XminHorizon {
    /// Names the server's run, its history and the database.
    pub(crate) run: String,
    /// Every transaction with a lower number had ended.
    pub(crate) xmin: u64,
}

/// No horizon is compared that is further away than this many transactions: numbers come again after four times as many.
const MAX_DISTANCE: u64 = 1 << 30;

impl XminHorizon {
    /// Names the run of the server, outside a transaction; nothing where the role may not know.
    pub(crate) async fn run(session: &Session) -> Option<String> {
        let epoch = |time: &str| format!("extract(epoch FROM {time})");
        let query = format!(
            "SELECT concat_ws('/', s.system_identifier, c.timeline_id, d.oid), {}, {} \
             FROM pg_control_system() s, pg_control_checkpoint() c, pg_stat_bgwriter b, pg_database d \
             WHERE d.datname = current_database()",
            epoch("pg_postmaster_start_time()"),
            epoch("b.stats_reset"),
        );
        let rows = session.try_rows(&query).await.ok()?;
        let row = rows.first().filter(|row: &&Row| row.iter().all(Option::is_some))?;
        Some((0..row.len()).map(|at| text(row, at)).collect::<Vec<_>>().join("/"))
    }

    /// Reads what [`XminHorizon`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (xmin, run) = text.split_once('@')?;
        Some(Self { run: run.to_owned(), xmin: xmin.parse().ok()? })
    }

    /// Whether changes between an earlier horizon and this can be told.
    pub(crate) fn follows(&self, earlier: &XminHorizon) -> bool {
        let passed = self.xmin.checked_sub(earlier.xmin);
        self.run == earlier.run && passed.is_some_and(|passed| passed < MAX_DISTANCE)
    }

    /// The condition, as SQL, that a row version of a relation was there already.
    ///
    /// Distances are taken on the circle of the lower 32 bits that a version carries. One that is so old that its number
    /// came again meanwhile counts as newer than it is, never as older.
    pub(crate) fn is_older(&self, relation: &str) -> String {
        format!("age({relation}.xmin) > age('{}'::xid)", self.xmin as u32)
    }
}

impl fmt::Display for XminHorizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.xmin, self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn horizon(xmin: u64, run: &str) -> XminHorizon {
        XminHorizon { run: run.to_owned(), xmin }
    }

    #[test]
    fn a_horizon_is_read_as_it_was_written() {
        let written = horizon(7_000_000_000, "71/1/5/1.5/2.5");
        assert_eq!(XminHorizon::parse(&written.to_string()), Some(written));
        assert_eq!(["", "@", "x@71", "7"].map(XminHorizon::parse), [None, None, None, None]);
    }

    #[test]
    fn only_horizons_of_the_same_run_follow_one_another() {
        let first = horizon(100, "a");
        assert!(horizon(100, "a").follows(&first) && horizon(101, "a").follows(&first));
        assert!(!horizon(101, "b").follows(&first), "of another run");
        assert!(!horizon(99, "a").follows(&first), "numbers went back");
        assert!(!horizon(100 + MAX_DISTANCE, "a").follows(&first), "too far");
    }

    #[test]
    fn versions_carry_the_lower_half_of_a_number() {
        let condition = horizon((3 << 32) + 5, "a").is_older("t");
        assert_eq!(condition, "age(t.xmin) > age('5'::xid)");
    }
}
