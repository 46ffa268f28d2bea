use crate::sqlite::connect::error::{constraint, failure, is_foreign_key, words};
use crate::{EngineError, ErrorKind};

/// An error of SQLite, told apart when the database does not allow rows to be so.
pub(super) fn refused(doing: String, error: &rusqlite::Error) -> EngineError {
    if constraint(error) {
        let kind = if is_foreign_key(error) { ErrorKind::Dangling } else { ErrorKind::Constraint };
        return EngineError::new(kind, format!("{doing}: {}", words(error)));
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
