//! What could not be restored exactly, gathered for the end.

use std::sync::{Mutex, PoisonError};

/// What was left out, grouped by the reason.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<Note>>);

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

    fn push(&self, reason: String, first: String) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match notes.iter_mut().find(|note| note.reason == reason) {
            Some(note) => note.count += 1,
            None => notes.push(Note { reason, first, count: 1 }),
        }
    }

    /// All notes in words for people.
    pub(crate) fn words(&self) -> Vec<String> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
