//! What could not be restored exactly, gathered for the end.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rowkeep_format::TableName;

use crate::LeftOut;
use crate::postgres::schema::classify::shown;

/// What people are told, grouped by the reason, and what of the schema is missing.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    told: Mutex<Vec<Note>>,
    missing: Mutex<Vec<LeftOut>>,
    extensions: Mutex<Vec<String>>,
    tables: Mutex<BTreeSet<TableName>>,
}

#[derive(Debug)]
struct Note {
    reason: String,
    first: String,
    count: usize,
}

impl Notes {
    /// Notes a fact by itself.
    pub(crate) fn add(&self, fact: impl Into<String>) {
        self.push(fact.into(), String::new());
    }

    /// Notes that something was left out, and why; what has the same reason is counted together.
    pub(crate) fn left_out(&self, what: String, reason: &str) {
        self.push(reason.to_owned(), what);
    }

    /// Notes that a part of the schema is not there, or only in a weaker form, and what completes it.
    pub(crate) fn missing(&self, statement: &str, why: &str, instead: Option<String>, later: Option<String>) {
        // What may hold a password is shown nowhere, and a part of a statement does nothing.
        let is_shown = shown(statement) == statement;
        let whole =
            || if is_shown { statement.to_owned() } else { format!("-- by hand: {}", shown(statement)) };
        let later = later.unwrap_or_else(whole);
        let missing = LeftOut { statement: shown(statement), why: why.to_owned(), instead, later };
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).push(missing);
    }

    /// Notes that an extension could not be created.
    pub(crate) fn lacks_extension(&self, name: String) {
        self.extensions.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    /// What may be behind it where something is not known: the extensions that could not be created.
    pub(crate) fn lacking_extensions(&self) -> Option<String> {
        let names = self.extensions.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
        (!names.is_empty()).then(|| format!("extension {names} is not available on this server"))
    }

    /// Notes that a table is not there: nothing of it can be.
    pub(crate) fn lacks_table(&self, name: TableName) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    /// The tables that are not there.
    pub(crate) fn lacking_tables(&self) -> BTreeSet<TableName> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a part of the schema is not there, in no form.
    pub(crate) fn is_missing(&self, statement: &str) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.iter().any(|missing| missing.statement == statement && missing.instead.is_none())
    }

    /// What of the schema is missing, in the order in which it was found out.
    pub(crate) fn left_out_of_schema(&self) -> Vec<LeftOut> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, reason: String, first: String) {
        let mut notes = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match notes.iter_mut().find(|note| note.reason == reason) {
            Some(note) => note.count += 1,
            None => notes.push(Note { reason, first, count: 1 }),
        }
    }

    /// All notes in words for people.
    pub(crate) fn words(&self) -> Vec<String> {
        let notes = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let words = notes.iter().map(|note| match (note.first.is_empty(), note.count) {
            (true, _) => note.reason.clone(),
            (false, 1) => format!("{}: left out {}", note.reason, note.first),
            (false, count) => {
                format!("{}: left out {count} statements, the first {}", note.reason, note.first)
            }
        });
        words.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_is_told_once() {
        let notes = Notes::default();
        notes.left_out("GRANT 1".into(), "role a does not exist");
        notes.left_out("GRANT 2".into(), "role a does not exist");
        notes.left_out("GRANT 3".into(), "role b does not exist");
        notes.add("something else");
        assert_eq!(
            notes.words(),
            [
                "role a does not exist: left out 2 statements, the first GRANT 1",
                "role b does not exist: left out GRANT 3",
                "something else"
            ]
        );
    }
}
