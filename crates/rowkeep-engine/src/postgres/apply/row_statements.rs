//! The statements that change rows, one of each sort for a table.

use std::collections::BTreeSet;

use super::foreign_keys::Reference;
use super::staging::{self, Stage, Staged, column, kind};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

impl Stage<'_> {
    fn column_name(&self, at: usize) -> &str {
        &self.changes.table.columns[at].name
    }

    /// Deletes what is to go.
    pub(super) fn delete(&self) -> String {
        format!(
            "DELETE FROM {} t USING {} s WHERE {} AND s.kind = {}",
            self.rows(),
            staging::name(self.at),
            self.matches("t", "s"),
            kind::DELETE
        )
    }

    /// Updates rows of some kinds in place.
    pub(super) fn update(&self, staged: &Staged, kinds: &[u8]) -> String {
        let sets = (0..self.current.columns.len())
            .filter(|at| staged.updated[*at] && !self.current.columns[*at].always)
            .map(|at| format!("{} = {}", quote::ident(self.column_name(at)), self.value("s", at)));
        format!(
            "UPDATE {} t SET {} FROM {} s WHERE {} AND s.kind IN ({})",
            self.rows(),
            sets.collect::<Vec<_>>().join(", "),
            staging::name(self.at),
            self.matches("t", "s"),
            list(kinds)
        )
    }

    /// Replaces rows of some kinds by what they become: all go, then all come, within one statement.
    pub(super) fn replace(&self, kinds: &[u8]) -> String {
        let all = 0..self.current.columns.len();
        let names =
            all.clone().map(|at| self.column_name(at)).chain(self.current.others.iter().map(String::as_str));
        let values = all.map(|at| self.value("s", at));
        let kept = self.current.others.iter().enumerate();
        let values: Vec<String> = values.chain(kept.clone().map(|(at, _)| format!("g.o{at}"))).collect();
        let kept: String = kept.map(|(at, name)| format!(", {} AS o{at}", column("t", name))).collect();
        let stage = staging::name(self.at);
        // Counting what has gone makes all of it go before the first row comes.
        format!(
            "WITH gone AS (DELETE FROM {rows} t USING {stage} s WHERE {matches} AND s.kind IN ({kinds}) \
                           RETURNING s.n{kept}) \
             INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE \
             SELECT {values} FROM {stage} s JOIN gone g ON g.n OPERATOR(pg_catalog.=) s.n \
             WHERE (SELECT pg_catalog.count(*) FROM gone) OPERATOR(pg_catalog.>) 0",
            target = self.target(),
            rows = self.rows(),
            matches = self.matches("t", "s"),
            kinds = list(kinds),
            names = quote::idents(names),
            values = values.join(", "),
        )
    }

    /// Inserts what is to come.
    pub(super) fn insert(&self) -> String {
        let unset: BTreeSet<usize> = self.changes.insert_defaults.iter().copied().collect();
        let given: Vec<usize> = (0..self.current.columns.len()).filter(|at| !unset.contains(at)).collect();
        let (target, stage) = (self.target(), staging::name(self.at));
        if given.is_empty() {
            return format!("INSERT INTO {target} SELECT FROM {stage} s WHERE s.kind = {}", kind::INSERT);
        }
        let values: Vec<String> = given.iter().map(|at| self.value("s", *at)).collect();
        format!(
            "INSERT INTO {target} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {stage} s WHERE s.kind = {} ORDER BY s.n",
            quote::idents(given.iter().map(|at| self.column_name(*at))),
            values.join(", "),
            kind::INSERT
        )
    }
}

fn list(kinds: &[u8]) -> String {
    kinds.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// Runs a statement and returns how many rows it changed.
pub(super) async fn affected(session: &Session, statement: &str) -> Result<u64, tokio_postgres::Error> {
    let mut count = 0;
    for message in session.client.simple_query(statement).await? {
        if let tokio_postgres::SimpleQueryMessage::CommandComplete(rows) = message {
            count = rows;
        }
    }
    Ok(count)
}

impl Stage<'_> {
    /// Whether a row `c` of the table that a foreign key is declared for is the one that a staged change means.
    pub(super) fn matches_row_of(&self, reference: &Reference, c: &str, s: &str) -> String {
        // Only if the table, or one that it is a part of, refers to itself can it be one.
        if reference.is_of(self.current) { self.matches(c, s) } else { "false".to_owned() }
    }

    /// Whether the columns of a row `t` that a foreign key refers to stay as they are, as SQL.
    pub(super) fn keeps(&self, reference: &Reference) -> String {
        let columns = &self.changes.table.columns;
        let parts =
            reference.parent_columns.iter().zip(&reference.parent_equality).map(
                |(name, equals)| match columns.iter().position(|column| &column.name == name) {
                    Some(at) => format!("{} {equals} {}", column("t", name), self.value("s", at)),
                    None => "true".to_owned(),
                },
            );
        parts.collect::<Vec<_>>().join(" AND ")
    }
}
