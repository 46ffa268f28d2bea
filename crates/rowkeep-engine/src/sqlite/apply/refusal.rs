use crate::sqlite::connect::error::{constraint, failure, words};
use crate::{EngineError, ErrorKind};

/// An error of SQLite, told apart when the database does not allow rows to be so.
pub(super) fn refused(doing: String, error: &rusqlite::Error) -> EngineError {
    if constraint(error) {
        return EngineError::new(ErrorKind::Constraint, format!("{doing}: {}", words(error)));
    }
    failure(doing, error)
}

/// The beginning of a text.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    let mut short: String = text.chars().take(characters).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
