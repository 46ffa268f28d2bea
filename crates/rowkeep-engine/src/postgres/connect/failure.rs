//! Errors of the server and of the connection, as errors of the engine.

use rowkeep_format::in_one_line;
use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::{EngineError, ErrorKind};

/// The server's own words: message, detail, hint and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// An error of the server or the connection; `what` says what was being done, to which object.
pub(crate) fn failed(what: impl Into<String>, error: tokio_postgres::Error) -> EngineError {
    EngineError::new(kind(&error), what).with_source(Said(words(&error)))
}

/// The same, for statements that read rows: what is too large for one row then is [`ErrorKind::Unstorable`].
pub(crate) fn reading_failed(what: impl Into<String>, error: tokio_postgres::Error) -> EngineError {
    let too_large = error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::PROGRAM_LIMIT_EXCEEDED
            || error.message().starts_with("invalid memory alloc request size")
            || (*error.code() == SqlState::OUT_OF_MEMORY
                && error.detail().is_some_and(|detail| detail.contains("string buffer")))
    });
    let kind = if too_large { ErrorKind::Unstorable } else { kind(&error) };
    EngineError::new(kind, what).with_source(Said(words(&error)))
}

/// The same, for statements that change rows: what the database demands of them is [`ErrorKind::Constraint`], or
/// [`ErrorKind::Dangling`].
pub(crate) fn changing_failed(what: impl Into<String>, error: tokio_postgres::Error) -> EngineError {
    let kind = match state(&error) {
        Some("23503" | "23001") => ErrorKind::Dangling,
        Some(state) if state.starts_with("23") => ErrorKind::Constraint,
        _ => kind(&error),
    };
    EngineError::new(kind, what).with_source(Said(words(&error)))
}

/// The same, for values on their way into the types of columns: what a type does not take is [`ErrorKind::Constraint`].
pub(crate) fn taking_failed(what: impl Into<String>, error: tokio_postgres::Error) -> EngineError {
    let kind = match state(&error) {
        Some(state) if state.starts_with("22") => ErrorKind::Constraint,
        _ => kind(&error),
    };
    EngineError::new(kind, what).with_source(Said(words(&error)))
}

/// The same, for a statement that was given: what the server does not understand or cannot do is
/// [`ErrorKind::Statement`].
pub(crate) fn statement_failed(what: impl Into<String>, error: tokio_postgres::Error) -> EngineError {
    // What is violated then is that a statement with parameters comes without.
    let kind = match kind(&error) {
        _ if state(&error) == Some("08P01") => ErrorKind::Statement,
        ErrorKind::Other | ErrorKind::Unsupported | ErrorKind::NotFound => ErrorKind::Statement,
        other => other,
    };
    EngineError::new(kind, what).with_source(Said(words(&error)))
}

/// What a caller can do about an error of the server or the connection.
pub(crate) fn kind(error: &tokio_postgres::Error) -> ErrorKind {
    if let Some(error) = error.as_db_error() {
        return kind_of_state(error);
    }
    // The client library tells its own kinds only by their text.
    match error.to_string().as_str() {
        "connection closed"
        | "error communicating with the server"
        | "error connecting to server"
        | "error performing TLS handshake"
        | "timeout waiting for server" => ErrorKind::Unreachable,
        "authentication error" | "invalid configuration" => ErrorKind::Authentication,
        _ => ErrorKind::Other,
    }
}

fn kind_of_state(error: &DbError) -> ErrorKind {
    let state = error.code();
    match state.code() {
        "28000" | "28P01" => ErrorKind::Authentication,
        "3D000" => ErrorKind::NotFound,
        "42501" => ErrorKind::PermissionDenied,
        "53100" => ErrorKind::DiskFull,
        // Too many connections; a lock or another process in the way; a standby that has to go on.
        "53300" | "55P03" | "55006" | "40001" | "40P01" => ErrorKind::Busy,
        "57P01" | "57P02" | "57P03" | "57P05" => ErrorKind::Unreachable,
        "0A000" => ErrorKind::Unsupported,
        "XX001" | "XX002" => ErrorKind::Damaged,
        code if code.starts_with("08") => ErrorKind::Unreachable,
        _ => ErrorKind::Other,
    }
}

/// What the server said, or the reason that the connection gives.
pub(crate) fn words(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        return match error.source() {
            Some(source) => in_one_line(source),
            None => error.to_string(),
        };
    };
    let mut words = said.message().to_owned();
    for (name, text) in [("detail", said.detail()), ("hint", said.hint()), ("at", said.where_())] {
        if let Some(text) = text {
            words.push_str(&format!(" ({name}: {})", text.lines().next().unwrap_or_default()));
        }
    }
    words
}

/// The five characters by which PostgreSQL names a kind of error, where the server said one.
pub(crate) fn state(error: &tokio_postgres::Error) -> Option<&str> {
    error.code().map(SqlState::code)
}
