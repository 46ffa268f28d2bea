//! What can go wrong with a statement of the state.

use rowkeep::engine::EngineError;

/// Why a statement of the state failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// SQLite says so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A server of PostgreSQL says so, or it is away.
    #[error(transparent)]
    Postgres(#[from] EngineError),
    /// There is no row where there has to be one.
    #[error("it does not have a row that has to be there")]
    NoRow,
    /// A value is not what this version writes.
    #[error("it holds something that is not understood, in column {column} of a query")]
    Value {
        /// Counted from 0.
        column: usize,
    },
    /// Something cannot be written as JSON.
    #[error("something cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A file beside it cannot be written.
    #[error("a copy of it cannot be made")]
    File(#[from] std::io::Error),
}

/// What a statement gives.
pub(crate) type Result<T> = std::result::Result<T, Failure>;
