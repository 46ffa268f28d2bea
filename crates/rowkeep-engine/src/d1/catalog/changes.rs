//! What a database counts of its own changes.

use crate::EngineError;
use crate::d1::connect::remote::{Answer, Remote, Statement};

/// How many differences of counters are looked at to learn how they count.
const LOOKS: usize = 5;

/// The counters of the one connection that D1 has to a database: all rows that were ever changed over it, and the last rowid that was
/// given. While they stay, no statement inserted, changed or deleted a row. `CREATE TABLE … AS` and `ANALYZE` write rows without
/// being counted.
///
/// They begin anew when Cloudflare starts the database anew; so counts of rows are compared besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changes {
    rows: i64,
    last_rowid: i64,
    /// The requests that had been sent by then, and those among them of which nobody knows whether they arrived.
    requests: u64,
    uncertain: u64,
}

/// What a request that only reads adds to the counter: on a machine of one's own, D1 writes down that there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerRequest(i64);

impl Changes {
    /// The statement that asks for them.
    pub(crate) fn statement() -> Statement {
        Statement::new("SELECT CAST(total_changes() AS TEXT) AS a, CAST(last_insert_rowid() AS TEXT) AS b")
    }

    /// Reads the answer to the last request.
    pub(crate) fn of(answer: &Answer, remote: &Remote) -> Result<Self, EngineError> {
        let rows = answer.texts().map_err(|error| remote.not_understood("counters").with_source(error))?;
        let number = |at: usize| rows.first()?.get(at)?.as_ref()?.parse().ok();
        match (number(0), number(1)) {
            (Some(rows), Some(last_rowid)) => {
                Ok(Self { rows, last_rowid, requests: remote.sent(), uncertain: remote.failed() })
            }
            _ => Err(remote.not_understood("it has no counters")),
        }
    }

    /// Asks for them.
    pub(crate) async fn read(remote: &Remote) -> Result<Self, EngineError> {
        Self::of(&remote.read_one(&Self::statement()).await?, remote)
    }

    /// Learns what requests that read add; nothing where others change so much that it cannot be told.
    pub(crate) async fn per_request(remote: &Remote) -> Result<Option<PerRequest>, EngineError> {
        let (mut last, mut least) = (Self::read(remote).await?, i64::MAX);
        for _ in 0..LOOKS {
            let now = Self::read(remote).await?;
            // Sent twice, or started anew: that tells nothing.
            if now.requests == last.requests + 1 && now.rows >= last.rows {
                least = least.min(now.rows - last.rows);
            }
            if least == 0 {
                break;
            }
            last = now;
        }
        Ok((least <= 1).then_some(PerRequest(least)))
    }

    /// The condition, in the next request, that nothing was changed since.
    pub(crate) fn condition(&self, remote: &Remote, PerRequest(added): PerRequest) -> String {
        let requests = i64::try_from((remote.sent() + 1).saturating_sub(self.requests)).unwrap_or(i64::MAX);
        let rows = self.rows.saturating_add(added.saturating_mul(requests));
        format!("total_changes() = {rows} AND last_insert_rowid() = {}", self.last_rowid)
    }

    /// Whether nothing was changed between two looks.
    pub(crate) fn stay(&self, later: &Self, PerRequest(added): PerRequest) -> bool {
        let requests = i64::try_from(later.requests.saturating_sub(self.requests)).unwrap_or(i64::MAX);
        // What is not known to have arrived may stand for somebody's change.
        let is_certain = added == 0 || self.uncertain == later.uncertain;
        is_certain
            && self.last_rowid == later.last_rowid
            && added.checked_mul(requests).and_then(|added| self.rows.checked_add(added)) == Some(later.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_requests_are_told_from_changes() {
        let of = |rows, requests, uncertain| Changes { rows, last_rowid: 7, requests, uncertain };
        let start = of(100, 10, 0);
        for (rows, requests, uncertain, added, expected) in [
            (100, 15, 0, 0, true),
            (101, 15, 0, 0, false),
            (105, 15, 0, 1, true),
            (106, 15, 0, 1, false),
            (104, 15, 0, 1, false),
            // Two requests that did not arrive, and a row that somebody changed by one that did.
            (105, 15, 2, 1, false),
            (100, 15, 2, 0, true),
            // Started anew.
            (5, 15, 0, 1, false),
        ] {
            let later = of(rows, requests, uncertain);
            assert_eq!(start.stay(&later, PerRequest(added)), expected, "{later:?}");
        }
        let inserted = Changes { last_rowid: 8, ..of(100, 15, 0) };
        assert!(!start.stay(&inserted, PerRequest(0)));
    }
}
