//! Which of the staged changes can be made, found out with the rows locked.

use rowkeep_format::left_alone::Numbers;

use super::left::left;
use super::staging::{self, Stage, Staged, column, kind};
use crate::EngineError;
use crate::postgres::catalog::equality::text_of;
use crate::postgres::catalog::planning;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::{number, text};
use crate::postgres::connect::session::Session;

/// How many rows that are not as they should be are named.
const NAMED: usize = 3;

/// How many characters of a key are shown.
const SHOWN: usize = 60;

/// How the changes of a table fit the rows that are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Fit {
    /// Rows that already are as they are to become.
    pub(super) already: u64,
    /// Rows that are not as the changeset says they were.
    pub(super) conflicts: u64,
    /// Some of their keys, for people.
    pub(super) named: Vec<String>,
    /// Which changes are left alone for either.
    pub(super) left: Numbers,
}

impl Stage<'_> {
    /// Locks the rows that are to be changed and compares them; what cannot or need not be done is no longer staged.
    ///
    /// Until the transaction ends nobody else changes these rows, nor refers anew to those that go.
    pub(super) async fn compare(&self, session: &Session, staged: &Staged) -> Result<Fit, EngineError> {
        let what = format!("cannot compare the rows of table {} with the changes", self.changes.changed());
        let run = async |sql: String| session.try_run(&sql).await.map_err(|error| failed(&what, error));
        if !self.current.is_queried {
            run(planning::USUAL_PATH.to_owned()).await?;
        }
        if self.changes.table.key.unique {
            run(self.compare_by_key(staged)).await?;
        } else {
            run(self.find_whole_rows(staged)).await?;
            run(self.compare_whole_rows()).await?;
        }
        if !self.current.is_queried {
            run(planning::OWN_PATH.to_owned()).await?;
        }
        let (alone, stage) = (self.left(), staging::name(self.at));
        let query = format!("SELECT state, count(*) FROM {alone} GROUP BY state");
        let mut fit = Fit::default();
        for row in session.rows(&what, &query).await? {
            let rows = number(&row, 1, "a number of rows")?;
            match text(&row, 0) {
                "1" => fit.already = rows,
                _ => fit.conflicts = rows,
            }
        }
        if fit.conflicts > 0 {
            fit.named = self.names_of_conflicts(session, &what).await?;
        }
        if fit.conflicts + fit.already > 0 {
            fit.left = left(session, &what, &alone).await?;
            run(format!("DELETE FROM {stage} s USING {alone} l WHERE l.n = s.n")).await?;
        }
        Ok(fit)
    }

    /// The table of what is left alone: `n`, and 1 when it is done already, 2 when it conflicts.
    fn left(&self) -> String {
        format!("pg_temp.rowkeep_left_{}", self.at)
    }

    /// Whether a row `t` is the one that a staged change `s` means, as SQL.
    pub(super) fn matches(&self, t: &str, s: &str) -> String {
        let key = &self.changes.table.key;
        if !key.unique {
            let part = match self.current.is_whole {
                true => format!(" AND {t}.tableoid OPERATOR(pg_catalog.=) {s}.part"),
                false => String::new(),
            };
            return format!("{t}.ctid OPERATOR(pg_catalog.=) {s}.tid{part}");
        }
        let parts = key.columns.iter().map(|part| {
            let there = column(t, &self.changes.table.columns[part.column].name);
            let staged = self.value(s, part.column);
            match &self.current.columns[part.column].equality {
                Some(equals) => format!("{there} {equals} {staged}"),
                None => format!("{} = {}", text_of(&there), text_of(&staged)),
            }
        });
        parts.collect::<Vec<_>>().join(" AND ")
    }

    fn compare_by_key(&self, staged: &Staged) -> String {
        let table = &self.changes.table;
        let (left, stage) = (self.left(), staging::name(self.at));
        let all = || 0..table.columns.len();
        let there = |at: usize| text_of(&column("t", &table.columns[at].name));
        let becomes = |at: usize| text_of(&self.value("s", at));
        let known = |at: &usize| !self.changes.delete_unknown.contains(at);
        let given = |at: &usize| !self.changes.insert_defaults.contains(at);

        let before = array(all().map(there));
        let before_delete =
            array(all().map(|at| if known(&at) { there(at) } else { "NULL::text".to_owned() }));
        let after = format!("{} = {}", array(all().map(there)), array(all().map(becomes)));
        let inserted = format!(
            "{} = {}",
            array(all().filter(given).map(there)),
            array(all().filter(given).map(becomes))
        );
        // Keys of some types are equal although they print differently: that is another row, unless it is in the way.
        let keys = || table.key.columns.iter().map(|part| part.column);
        let same_key = format!("{} = {}", array(keys().map(there)), array(keys().map(becomes)));
        // What is only looked at is not locked, which would need more rights than to insert does.
        let strength = if staged.counts.deleted > 0 || staged.unique_updates + staged.identity_updates > 0 {
            "FOR UPDATE OF t"
        } else if staged.counts.updated > 0 {
            "FOR NO KEY UPDATE OF t"
        } else {
            ""
        };
        format!(
            "CREATE TEMPORARY TABLE rowkeep_left_{at} ON COMMIT DROP AS \
             WITH found AS MATERIALIZED ( \
               SELECT s.n, CASE s.kind \
                   WHEN {insert} THEN CASE WHEN {inserted} THEN 1 ELSE 2 END \
                   WHEN {delete} THEN CASE WHEN {before_delete} = s.b THEN 0 ELSE 2 END \
                   ELSE CASE WHEN {before} = s.b THEN 0 WHEN {after} THEN 1 ELSE 2 END END AS state \
               FROM {stage} s JOIN {rows} t ON {matches} AND (s.kind <> {insert} OR {same_key}) \
               {strength}), \
             judged AS ( \
               SELECT s.n, coalesce(f.state, CASE s.kind WHEN {insert} THEN 0 WHEN {delete} THEN 1 ELSE 2 END) AS state \
               FROM {stage} s LEFT JOIN found f ON f.n = s.n) \
             SELECT n, state FROM judged WHERE state <> 0; \
             ANALYZE {left}",
            at = self.at,
            insert = kind::INSERT,
            delete = kind::DELETE,
            rows = self.rows(),
            matches = self.matches("t", "s"),
        )
    }

    /// Finds where the rows are that are to go, of equal ones as many as that.
    fn find_whole_rows(&self, staged: &Staged) -> String {
        let stage = staging::name(self.at);
        if staged.counts.deleted + staged.counts.updated == 0 {
            return String::new();
        }
        let columns = self.changes.table.columns.iter().enumerate();
        let there = array(columns.map(|(at, found)| {
            if self.changes.delete_unknown.contains(&at) {
                "NULL::text".to_owned()
            } else {
                text_of(&column("t", &found.name))
            }
        }));
        format!(
            "WITH found AS MATERIALIZED ( \
               SELECT t.tableoid AS part, t.ctid AS tid, {there} AS b FROM {rows} t \
               WHERE {there} IN (SELECT s.b FROM {stage} s WHERE s.kind <> {insert}) FOR UPDATE OF t), \
             counted AS (SELECT part, tid, b, row_number() OVER (PARTITION BY b ORDER BY part, tid) AS number FROM found), \
             wanted AS (SELECT n, b, row_number() OVER (PARTITION BY b ORDER BY n) AS number \
                        FROM {stage} WHERE kind <> {insert}) \
             UPDATE {stage} s SET part = c.part, tid = c.tid \
             FROM wanted w JOIN counted c ON c.b = w.b AND c.number = w.number WHERE s.n = w.n",
            insert = kind::INSERT,
            rows = self.rows(),
        )
    }

    fn compare_whole_rows(&self) -> String {
        format!(
            "CREATE TEMPORARY TABLE rowkeep_left_{} ON COMMIT DROP AS \
             SELECT n, CASE kind WHEN {delete} THEN 1 ELSE 2 END AS state FROM {stage} \
             WHERE kind <> {insert} AND tid IS NULL",
            self.at,
            stage = staging::name(self.at),
            insert = kind::INSERT,
            delete = kind::DELETE,
        )
    }

    async fn names_of_conflicts(&self, session: &Session, what: &str) -> Result<Vec<String>, EngineError> {
        let key = &self.changes.table.key;
        if !key.unique {
            return Ok(Vec::new());
        }
        let values: Vec<String> =
            key.columns.iter().map(|part| text_of(&self.value("s", part.column))).collect();
        let names: Vec<&str> =
            key.columns.iter().map(|part| self.changes.table.columns[part.column].name.as_str()).collect();
        let query = format!(
            "SELECT {} FROM {} s JOIN {} l ON l.n = s.n WHERE l.state = 2 ORDER BY s.n LIMIT {NAMED}",
            values.join(", "),
            staging::name(self.at),
            self.left()
        );
        let rows = session.rows(what, &query).await?;
        let named = rows.iter().map(|row| {
            let parts = names.iter().enumerate().map(|(at, name)| {
                let value = text(row, at);
                let shown: String = value.chars().take(SHOWN).collect();
                let more = if shown.len() < value.len() { "..." } else { "" };
                format!("{name} = {shown}{more}")
            });
            parts.collect::<Vec<_>>().join(", ")
        });
        Ok(named.collect())
    }
}

fn array(texts: impl Iterator<Item = String>) -> String {
    format!("ARRAY[{}]::text[]", texts.collect::<Vec<_>>().join(", "))
}
