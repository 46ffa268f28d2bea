use std::fmt::Display;

use rusqlite::ErrorCode;

use crate::{EngineError, ErrorKind};

/// An error of SQLite: what was being done to which object, then SQLite's own words.
pub(crate) fn failure(doing: impl Display, error: &rusqlite::Error) -> EngineError {
    let kind = kind(error);
    let hint = match kind {
        ErrorKind::NotADatabase => " (or it is encrypted, as by SQLCipher)",
        ErrorKind::FileBusy => " (another process holds a lock on it)",
        _ => "",
    };
    EngineError::new(kind, format!("{doing}: {}{hint}", words(error)))
}

/// For `map_err`: [`failure`] with what was being done.
pub(crate) fn when<D: Display>(doing: D) -> impl FnOnce(rusqlite::Error) -> EngineError {
    move |error| failure(doing, &error)
}

/// An error of a commit: where the file could not be written, nobody knows whether the next who opens it sees the old content
/// or the new.
pub(crate) fn commit_failure(doing: impl Display, error: &rusqlite::Error) -> EngineError {
    let found = failure(&doing, error);
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => EngineError::new(
            ErrorKind::OutcomeUnknown,
            format!("{found}; whether it was committed is not known: opening the database shows it"),
        ),
        _ => found,
    }
}

/// SQLite's own words.
pub(crate) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// What a caller can do about it.
pub(crate) fn kind(error: &rusqlite::Error) -> ErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ErrorKind::NotADatabase,
        Some(ErrorCode::DatabaseCorrupt) => ErrorKind::Damaged,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            ErrorKind::FileBusy
        }
        Some(ErrorCode::DiskFull) => ErrorKind::DiskFull,
        Some(
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied,
        ) => ErrorKind::PermissionDenied,
        Some(ErrorCode::TooBig) => ErrorKind::Unstorable,
        _ => ErrorKind::Other,
    }
}

/// Whether SQLite could not get at the file at all, rather than having found something wrong in it.
pub(crate) fn is_inaccessible(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

/// Whether the database refuses rows as they are.
pub(crate) fn constraint(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

/// Whether a row would refer to one that is not there.
pub(crate) fn is_foreign_key(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Whether another row has the rowid that a row was to get, in a table that has no column for it.
pub(crate) fn is_rowid_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_ROWID)
}
