//! What went wrong, as a caller can deal with it.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{EngineError, ErrorKind};

/// An attempt that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// For good.
    Final(EngineError),
    /// The request was refused before anything was done, and may be sent again.
    NotBegun { error: EngineError, after: Option<Duration> },
    /// Nobody knows how far it came; what only reads may be sent again.
    Unknown(EngineError),
    /// The same, and it took all the time that there is for an answer.
    Silent(EngineError),
}

impl Failure {
    /// The error that it is where it is not tried again.
    pub(super) fn into_error(self) -> EngineError {
        match self {
            Self::Final(error)
            | Self::NotBegun { error, .. }
            | Self::Unknown(error)
            | Self::Silent(error) => error,
        }
    }

    /// An error without an answer.
    pub(super) fn without_answer(error: reqwest::Error) -> Self {
        let (is_before, is_silence) = (error.is_connect(), error.is_timeout());
        let message = match () {
            () if is_before => "no connection can be made",
            () if is_silence => "no answer came in time",
            () => "the answer was cut off",
        };
        let error = EngineError::new(ErrorKind::Unreachable, message).with_source(error.without_url());
        match () {
            () if is_before => Self::NotBegun { error, after: None },
            () if is_silence => Self::Silent(error),
            () => Self::Unknown(error),
        }
    }

    /// An answer that says that it failed.
    pub(super) fn of_answer(
        status: StatusCode,
        code: Option<i64>,
        said: &str,
        after: Option<Duration>,
    ) -> Self {
        let with = |kind, what: &str| EngineError::new(kind, format!("{what}: {said}"));
        match status.as_u16() {
            429 => {
                let error = with(ErrorKind::Busy, "too many requests, and waiting did not help");
                Self::NotBegun { error, after }
            }
            401 => Self::Final(with(ErrorKind::Authentication, "the secret is refused")),
            403 => Self::Final(with(ErrorKind::PermissionDenied, "access is refused")),
            404 => Self::Final(with(ErrorKind::NotFound, "there is no such database")),
            _ if code == Some(7404) => Self::Final(with(ErrorKind::NotFound, "there is no such database")),
            _ if code == Some(10000) => Self::Final(with(ErrorKind::Authentication, "the token is refused")),
            _ if is_of_sqlite(said) => Self::Final(EngineError::new(kind(said), plain(said))),
            _ if is_passing(said) || status.is_server_error() => {
                Self::Unknown(with(ErrorKind::Unreachable, &format!("D1 has failed ({status})")))
            }
            _ => Self::Final(with(ErrorKind::Other, &format!("D1 refuses the request ({status})"))),
        }
    }
}

/// Whether it is what SQLite says of a statement.
fn is_of_sqlite(said: &str) -> bool {
    ["SQLITE_", "D1_TYPE_ERROR", "FOREIGN KEY constraint failed", "No SQL statements detected"]
        .iter()
        .any(|part| said.contains(part))
}

/// Whether it may be better the next time.
fn is_passing(said: &str) -> bool {
    [
        "overloaded",
        "Network connection lost",
        "internal error",
        "storage operation exceeded timeout",
        "transient issue",
    ]
    .iter()
    .any(|part| said.contains(part))
}

fn kind(said: &str) -> ErrorKind {
    match () {
        () if said.contains("FOREIGN KEY constraint failed") => ErrorKind::Dangling,
        () if said.contains("SQLITE_CONSTRAINT") => ErrorKind::Constraint,
        () if said.contains("SQLITE_AUTH") => ErrorKind::PermissionDenied,
        () if said.contains("SQLITE_TOOBIG") => ErrorKind::Unstorable,
        () if said.contains("SQLITE_CORRUPT") => ErrorKind::Damaged,
        () if said.contains("SQLITE_FULL") => ErrorKind::DiskFull,
        () => ErrorKind::Other,
    }
}

/// SQLite's words without what D1 puts before them.
fn plain(said: &str) -> String {
    let said = said.trim();
    said.strip_prefix("D1_ERROR: ").unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_again_is_known() {
        let of = |status, code, said| {
            Failure::of_answer(StatusCode::from_u16(status).expect("one"), code, said, None)
        };
        let is_final = |failure: &Failure| matches!(failure, Failure::Final(_));
        let missing = of(500, Some(10001), "no such table: t: SQLITE_ERROR");
        assert!(is_final(&missing), "an error of a statement is one each time");
        assert!(matches!(of(429, None, "slow down"), Failure::NotBegun { .. }));
        assert!(matches!(of(502, None, "bad gateway"), Failure::Unknown(_)));
        assert!(matches!(
            of(503, None, "D1 DB is overloaded. Requests queued for too long."),
            Failure::Unknown(_)
        ));
        for (status, code, kind) in [
            (401, None, ErrorKind::Authentication),
            (400, Some(10000), ErrorKind::Authentication),
            (404, Some(7404), ErrorKind::NotFound),
            (403, None, ErrorKind::PermissionDenied),
        ] {
            let failure = of(status, code, "said");
            assert!(is_final(&failure));
            assert_eq!(failure.into_error().kind(), kind);
        }
        let unique =
            of(422, None, "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT").into_error();
        assert_eq!(unique.kind(), ErrorKind::Constraint);
        assert_eq!(unique.to_string(), "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT");
    }
}
