//! Rows that refer to rows which are to be changed: the database would change them too, or refuse.

use super::foreign_keys::{Reference, Treatment};
use super::staging::{self, kind};
use super::strategy::Strategy;
use super::work::{Stopped, Work};
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::{number, only};
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind};

impl Work<'_> {
    /// Foreign keys that act when a row of the table is deleted or updated.
    pub(super) fn references_to(&self, at: usize, strategy: &Strategy) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(move |reference| {
            reference.refers_to(&self.current[at])
                && !matches!(
                    strategy.treatments.get(&reference.oid),
                    Some(Treatment::Drop | Treatment::Uncheck)
                )
        })
    }

    /// Stops when rows refer to what is to be changed, so that the database would change them too.
    ///
    /// The rows referred to are locked, so that none can come to refer to them any more.
    pub(super) async fn check_untouched(
        &self,
        session: &Session,
        reference: &Reference,
        at: usize,
        kinds: &[u8],
        how: &str,
    ) -> Result<(), Stopped> {
        let what =
            || format!("cannot look for the rows that refer to table {}", self.stages[at].changes.changed());
        let mut condition = self.referred_to(reference, at, kinds);
        if kinds == [kind::DELETE] {
            // Those that go in the same statement are gone before anything acts on them.
            let current = &self.current[at];
            let own = if current.is_whole { current.ancestors.clone() } else { vec![current.oid] };
            condition.push_str(&format!(
                " AND NOT (c.tableoid OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::oid[]) AND EXISTS (SELECT FROM {} o WHERE {} AND o.kind = {}))",
                own.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
                staging::name(at),
                self.stages[at].matches_row_of(reference, "c", "o"),
                kind::DELETE
            ));
        }
        let from = reference.child_rows();
        let query =
            format!("SELECT c.tableoid, pg_catalog.count(*) FROM {from} c WHERE {condition} GROUP BY 1");
        let touched = session.try_rows(&query).await.map_err(|error| failed(what(), error))?;
        for row in &touched {
            let table: u32 = number(row, 0, "the number of a table")?;
            let named = self.current.iter().position(|current| current.holds_rows_of(table));
            let unnamed: u64 = match named {
                None => number(row, 1, "a number of rows")?,
                Some(child) => {
                    let query = format!(
                        "SELECT pg_catalog.count(*) FROM {from} c WHERE {condition} \
                         AND c.tableoid OPERATOR(pg_catalog.=) {table} \
                         AND NOT EXISTS (SELECT FROM {} o WHERE {} AND o.kind <> {})",
                        staging::name(child),
                        self.stages[child].matches("c", "o"),
                        kind::INSERT
                    );
                    number(
                        only(&session.rows(&what(), &query).await?, "a number of rows")?,
                        0,
                        "a number of rows",
                    )?
                }
            };
            if unnamed > 0 {
                let message = format!(
                    "rows of table {} that are to be {how} are referred to by {unnamed} {} of table {} ({}), which \
                     are not among the changes",
                    self.stages[at].changes.changed(),
                    if unnamed == 1 { "row" } else { "rows" },
                    reference.child_name,
                    reference.name
                );
                return Err(Stopped::Refers(reference.oid, EngineError::new(ErrorKind::Dangling, message)));
            }
        }
        if touched.is_empty() { Ok(()) } else { Err(Stopped::Disturbs(reference.oid)) }
    }

    pub(super) async fn is_referred_to(
        &self,
        session: &Session,
        reference: &Reference,
        at: usize,
        kinds: &[u8],
    ) -> Result<bool, EngineError> {
        let query = format!(
            "SELECT 1 FROM {} c WHERE {} LIMIT 1",
            reference.child_rows(),
            self.referred_to(reference, at, kinds)
        );
        let what =
            format!("cannot look for the rows that refer to table {}", self.stages[at].changes.changed());
        Ok(session.value(&what, &query).await?.is_some())
    }

    /// Whether a row `c` refers to one that is changed in some ways, and in the columns that it refers to, as SQL.
    fn referred_to(&self, reference: &Reference, at: usize, kinds: &[u8]) -> String {
        let stage = &self.stages[at];
        let kinds: Vec<String> = kinds.iter().map(u8::to_string).collect();
        let mut condition = format!(
            "EXISTS (SELECT FROM {} t JOIN {} s ON {} WHERE s.kind IN ({}) AND {}",
            stage.rows(),
            staging::name(at),
            stage.matches("t", "s"),
            kinds.join(", "),
            reference.refers("t", "c")
        );
        if kinds.contains(&kind::UPDATE.to_string()) {
            condition.push_str(&format!(" AND ({}) IS NOT TRUE", stage.keeps(reference)));
        }
        condition.push(')');
        condition
    }
}
