use rowkeep_format::FormatError;

/// What a caller can do about an error of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The database or its file does not exist.
    NotFound,
    /// The URL or an option cannot be meant.
    InvalidUrl,
    /// No server answers, or the connection was lost.
    Unreachable,
    /// User or password are refused.
    Authentication,
    /// Connected, but something may not be read or written.
    PermissionDenied,
    /// The file is not a database of this engine, or it is encrypted.
    NotADatabase,
    /// The database says of itself that it is damaged.
    Damaged,
    /// A file that somebody wrote a database into is not whole.
    DamagedFile,
    /// Other connections to the server hold it, and waiting did not help.
    Busy,
    /// Another program holds the file, and waiting did not help.
    FileBusy,
    /// The disk is full: the server's or this machine's.
    DiskFull,
    /// The target of a restore holds something already.
    NotEmpty,
    /// A tool of the database is missing or too old.
    ToolMissing,
    /// The engine cannot do this, or not with this version.
    Unsupported,
    /// Rows are not as the changeset says they were: somebody changed them since.
    Conflict,
    /// The changes would break what the database demands of its rows: a unique index, a check, what a trigger says.
    Constraint,
    /// The changes would leave references to rows that are not there.
    Dangling,
    /// A statement that was given is not one the database can run.
    Statement,
    /// The caller asked it to stop; nothing was changed.
    Stopped,
    /// Nobody knows whether it was done: the commit was begun, and its end was not seen.
    OutcomeUnknown,
    /// A value of another engine or of a file does not fit the column that it is for.
    Misfit,
    /// Rows cannot be held in rowkeep's form, such as one that is too large.
    Unstorable,
    /// Anything else; the source tells.
    Other,
}

/// An error of an engine: what happened, to what.
///
/// The message names the object (database, table, file) and carries the database's own words where it gave any.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EngineError {
    /// An error of rowkeep's own finding.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with the error that caused it; `message` does not repeat the source's text.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with the database that it is of, unless it names it already.
    pub(crate) fn of(mut self, database: &str) -> Self {
        if !self.message.contains(database) {
            self.message = format!("{database}: {}", self.message);
        }
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl From<FormatError> for EngineError {
    fn from(source: FormatError) -> Self {
        Self::new(ErrorKind::Unstorable, "rows cannot be stored as they are").with_source(source)
    }
}
