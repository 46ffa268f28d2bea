//! The xmin horizon of a view: below it every transaction had ended, so later changes can be told apart.

use std::collections::HashSet;
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
///
/// Rows may be missing in a later view that the horizon's view has, never the other way round, so which is the later one has to
/// be known: a lower number alone does not tell while a transaction stays open through both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XminHorizon {
    /// Names the server's run, its history and the database.
    pub(crate) run: String,
    /// Every transaction with a lower number had ended.
    pub(crate) xmin: u64,
    /// Of the others, those that had; nothing where that is not known.
    pub(crate) ended: Option<Ended>,
}

/// Which transactions had ended though others with lower numbers had not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Those with lower numbers,
    below: u64,
    /// but for these.
    running: Vec<u64>,
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

    /// That of a snapshot as the server prints it (`pg_snapshot`), in a run.
    pub(crate) fn of(snapshot: &str, run: &str) -> Option<Self> {
        let run = run.to_owned();
        let Some((xmin, ended)) = snapshot.split_once(':') else {
            return Some(Self { run, xmin: snapshot.parse().ok()?, ended: None });
        };
        let (below, running) = ended.split_once(':')?;
        let (xmin, below) = (xmin.parse().ok()?, below.parse().ok()?);
        let running = running.split(',').filter(|number| !number.is_empty());
        let running = running.map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>()?;
        // A standby does not print which of them are running.
        let is_known = xmin == below || !running.is_empty();
        Some(Self { run, xmin, ended: is_known.then_some(Ended { below, running }) })
    }

    /// Reads what [`XminHorizon`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (snapshot, run) = text.split_once('@')?;
        Self::of(snapshot, run)
    }

    /// Whether changes between an earlier horizon and this can be told.
    pub(crate) fn follows(&self, earlier: &XminHorizon) -> bool {
        let passed = self.xmin.checked_sub(earlier.xmin);
        self.run == earlier.run
            && passed
                .is_some_and(|passed| passed < MAX_DISTANCE && (passed > 0 || self.knows_all_of(earlier)))
    }

    /// Whether every transaction that had ended for a horizon with the same lowest number had ended for this too.
    fn knows_all_of(&self, other: &XminHorizon) -> bool {
        let (Some(own), Some(other)) = (&self.ended, &other.ended) else { return false };
        let running: HashSet<u64> = other.running.iter().copied().collect();
        own.below >= other.below
            && own.running.iter().all(|number| *number >= other.below || running.contains(number))
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
        write!(f, "{}", self.xmin)?;
        if let Some(Ended { below, running }) = &self.ended {
            let running: Vec<String> = running.iter().map(u64::to_string).collect();
            write!(f, ":{below}:{}", running.join(","))?;
        }
        write!(f, "@{}", self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn horizon(snapshot: &str, run: &str) -> XminHorizon {
        XminHorizon::of(snapshot, run).expect("it is a snapshot")
    }

    #[test]
    fn a_horizon_is_read_as_it_was_written() {
        for written in ["7000000000@71/1/5/1.5/2.5", "7:7:@71", "7:12:7,9@71"] {
            assert_eq!(XminHorizon::parse(written).map(|read| read.to_string()).as_deref(), Some(written));
        }
        let malformed = ["", "@", "x@71", "7", "7:@71", "7:x:@71", "7:9:7,x@71", ":9:7@71"];
        assert!(malformed.iter().all(|text| XminHorizon::parse(text).is_none()));
        assert_eq!(horizon("7:9:", "a").to_string(), "7@a", "a standby does not tell which are running");
    }

    #[test]
    fn only_horizons_of_the_same_run_follow_one_another() {
        let first = horizon("100:100:", "a");
        assert!(horizon("100:100:", "a").follows(&first) && horizon("101:101:", "a").follows(&first));
        assert!(!horizon("101:101:", "b").follows(&first), "of another run");
        assert!(!horizon("99:99:", "a").follows(&first), "numbers went back");
        let far = format!("{0}:{0}:", 100 + MAX_DISTANCE);
        assert!(!horizon(&far, "a").follows(&first), "too far");
    }

    #[test]
    fn beside_a_transaction_that_stays_open_the_others_tell_which_is_later() {
        let states =
            ["100:100:", "100:101:100", "100:104:100,102", "100:104:100", "100:106:100,105", "101:106:105"];
        for (at, state) in states.iter().enumerate() {
            for (other_at, other) in states.iter().enumerate() {
                let follows = horizon(state, "a").follows(&horizon(other, "a"));
                assert_eq!(follows, at >= other_at, "{state} after {other}");
            }
        }
        for unknown in ["100", "100:104:"] {
            let unknown = horizon(unknown, "a");
            assert!(!unknown.follows(&horizon("100:104:100", "a")));
            assert!(!horizon("100:104:100", "a").follows(&unknown));
            assert!(horizon("101", "a").follows(&unknown), "that one of them has ended is known");
        }
    }

    #[test]
    fn versions_carry_the_lower_half_of_a_number() {
        let number = (3u64 << 32) + 5;
        let condition = horizon(&number.to_string(), "a").is_older("t");
        assert_eq!(condition, "age(t.xmin) > age('5'::xid)");
    }
}
