mod condition;
mod kind;
mod request;

use std::path::PathBuf;

use rowkeep_engine::EngineError;
use rowkeep_format::{FormatError, in_one_line};
use rowkeep_repository::ErrorKind as RepositoryKind;

pub use condition::ConditionError;
pub use kind::ErrorKind;
pub use request::RequestError;

/// What can go wrong in an operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be read or written.
    #[error(transparent)]
    Engine(EngineError),
    /// The repository could not be read or written.
    #[error(transparent)]
    Repository(#[from] rowkeep_repository::Error),
    /// Something in the repository cannot be understood.
    #[error("{object} in the repository is damaged")]
    Content {
        /// What it is.
        object: String,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// Rows of a table cannot be stored as they came.
    #[error("table {table} cannot be stored")]
    Table {
        /// The table.
        table: String,
        /// What is wrong with its rows.
        #[source]
        source: FormatError,
    },
    /// What was just written does not read back as what was meant.
    #[error("{object} does not read back as it was written: {detail}")]
    ReadBack {
        /// What was written.
        object: String,
        /// How it differs.
        detail: String,
    },
    /// No snapshot has that name.
    #[error("{}", no_snapshot(.reference, .database))]
    NoSuchSnapshot {
        /// What was asked for.
        reference: String,
        /// The database it was looked for in, where one was named.
        database: Option<String>,
    },
    /// Several snapshots begin with that prefix.
    #[error("{reference} matches {} snapshots: {}", .candidates.len(), .candidates.join(", "))]
    AmbiguousSnapshot {
        /// What was asked for.
        reference: String,
        /// The ids it could mean.
        candidates: Vec<String>,
    },
    /// A name means several databases.
    #[error("{name} could be {}", .places.join(" or "))]
    AmbiguousDatabase {
        /// The name.
        name: String,
        /// Where they are.
        places: Vec<String>,
    },
    /// A table, group or database was named that is not there.
    #[error("no {what} {name}; there {}", known(.candidates))]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// What there is.
        candidates: Vec<String>,
    },
    /// A condition or the name of a row cannot be understood.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// The name of a row does not fit its table.
    #[error("{reference} names no row: {problem}")]
    KeyReference {
        /// What was given.
        reference: String,
        /// Why it does not fit.
        problem: String,
    },
    /// A rule of a mask is for a table or column that is not there.
    #[error("no {what} {name}; there {}", known(.candidates))]
    NoneToMask {
        /// What kind of thing.
        what: &'static str,
        /// Its name, and the rule.
        name: String,
        /// What there is.
        candidates: Vec<String>,
    },
    /// Rules of a mask do not fit the tables, or values do not fit the rules.
    #[error("{0}")]
    Mask(String),
    /// Columns look personal and no rule of a mask says what is to be done with them.
    #[error("no mask rule for {}, which {} personal", .columns.join(", "), if .columns.len() == 1 { "looks" } else { "look" })]
    Unruled {
        /// The columns.
        columns: Vec<String>,
    },
    /// More rows hang together than can be followed.
    #[error("more than {rows} rows are related to the chosen ones: too many to track")]
    TooManyRelated {
        /// How many were found.
        rows: u64,
    },
    /// What a plan would leave dangling.
    #[error("{told}")]
    Dangling {
        /// Which references, in words.
        told: String,
        /// Whether it could be mended by bringing rows or leaving some out.
        is_choice: bool,
    },
    /// A database and a snapshot both changed rows since the state that they come from, in different ways.
    #[error("{} changed both in the database and in {from}, in different ways", if *.rows == 1 { "1 row was".to_owned() } else { format!("{rows} rows were") })]
    ChangedInBoth {
        /// The snapshot.
        from: String,
        /// How many rows.
        rows: u64,
    },
    /// What two sides changed in a table cannot be brought together.
    #[error("changes of two sides to {table} cannot be merged: {why}")]
    NotMergeable {
        /// The table.
        table: String,
        /// Why, in words.
        why: &'static str,
    },
    /// A log does not tell all that happened after a snapshot.
    #[error("table {log} cannot be replayed: {why}")]
    LogNotWhole {
        /// The table.
        log: String,
        /// Why, in words.
        why: &'static str,
    },
    /// Rows of a table are known by other columns in an earlier state than in later ones.
    #[error(
        "rows of {table} have another key there than in the database, so nobody can tell which of them are the same"
    )]
    NoCommonKey {
        /// The table.
        table: String,
    },
    /// After tables were chosen and left out, none remains.
    #[error("no tables are left: all chosen tables are excluded")]
    NothingSelected,
    /// A database lacks tables whose rows are to come.
    #[error("{database} has no {tables}, so {} rows cannot come back", if *.several { "their" } else { "its" })]
    TablesGone {
        /// The database.
        database: String,
        /// The tables, in words.
        tables: String,
        /// Whether it is more than one.
        several: bool,
    },
    /// A database lacks tables of which a file, or a state of another engine, has rows.
    #[error("{state} has rows of {tables}, which {database} does not have")]
    TablesUnknown {
        /// The database.
        database: String,
        /// The state.
        state: String,
        /// The tables, in words.
        tables: String,
    },
    /// The rows of a table cannot be told apart in another state, for it lacks a column of the key.
    #[error("table {table}: {state} has no column {column}, which is part of its key")]
    KeyGone {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The state that lacks it.
        state: String,
    },
    /// A state lacks what an operation needs.
    #[error("{state} {lack}")]
    Lacks {
        /// The state, in words.
        state: String,
        /// What it lacks.
        lack: &'static str,
    },
    /// No operation was made undoable, or all were taken back.
    #[error("database {database} has no restore to undo")]
    NothingToUndo {
        /// The name of the database in the repository.
        database: String,
    },
    /// What is to be undone was done to another database.
    #[error(
        "safety snapshot {snapshot} is of another database: {}",
        other_database(.database, .other)
    )]
    OfAnother {
        /// The safety snapshot.
        snapshot: String,
        /// The database that it is of.
        other: String,
        /// The database that is meant.
        database: String,
    },
    /// Nobody can tell whether what is to be undone was done to this database, or whether it was done at all.
    #[error("safety snapshot {snapshot} {doubt}")]
    Doubtful {
        /// The safety snapshot.
        snapshot: String,
        /// What is not known, in words.
        doubt: String,
    },
    /// Nothing was kept before what was done last to a database, so it cannot be undone.
    #[error("what was done last to database {database} cannot be undone: {}", superseded(.restored, .safety))]
    Superseded {
        /// The name of the database in the repository.
        database: String,
        /// The snapshot that was restored last.
        restored: String,
        /// The safety snapshot of what was done before that, if that was not undone by it.
        safety: Option<String>,
    },
    /// The checks before a backup found something that would make it fail or incomplete.
    #[error("{database} is not ready for a backup: {}", .reasons.join("; "))]
    NotReady {
        /// The database.
        database: String,
        /// What was found, each with what to do about it.
        reasons: Vec<String>,
        /// Whether the database is damaged, rather than closed to us.
        damaged: bool,
    },
    /// The configuration cannot be read.
    #[error("{}: {message}", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where that is known.
        message: String,
    },
    /// A hook failed.
    #[error("{moment} hook {hook} {problem}")]
    Hook {
        /// When it was run: `before-restore`.
        moment: String,
        /// Its name.
        hook: String,
        /// What happened, such as `ended with exit status: 1`; without secrets.
        problem: String,
    },
    /// The row for the application's own log cannot be written.
    #[error("cannot write the activity row into table {table}: {problem}")]
    Activity {
        /// The table that was configured.
        table: String,
        /// Why not.
        problem: String,
    },
    /// What an export would write is there already.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// What an export writes cannot be written.
    #[error("cannot write {to}")]
    Write {
        /// The file or folder.
        to: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// An export cannot be meant so.
    #[error("{0}")]
    Export(String),
    /// A passphrase or key file cannot be had.
    #[error("{0}")]
    Secret(String),
    /// A job cannot be done as it was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A step of a job failed.
    #[error("{step}")]
    Step {
        /// What could not be done, such as `cannot open the repository at …`.
        step: String,
        /// Why not.
        #[source]
        source: Box<Error>,
    },
    /// The same of the repository that snapshots are copied to.
    #[error(transparent)]
    OfOther(Box<Error>),
    /// A file or folder cannot be used.
    #[error("{problem}")]
    File {
        /// What could not be done with it, with its name.
        problem: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Somebody asked the operation to stop.
    #[error("stopped")]
    Cancelled,
}

impl Error {
    /// Whether it says of one object that it cannot be read, damaged or written by a newer program, rather than of the store:
    /// others may be fine.
    pub(crate) fn is_of_one_object(&self) -> bool {
        self.kind() == ErrorKind::Damage
            || matches!(self, Error::Content { source: FormatError::NewerVersion { .. }, .. })
            || matches!(self, Error::Repository(error) if error.kind() == RepositoryKind::NewerFormat)
    }

    /// Whether it says that there is no snapshot of those that are asked for.
    pub(crate) fn is_none_such(&self) -> bool {
        matches!(
            self,
            Error::NoSuchSnapshot { .. }
                | Error::Request(
                    RequestError::NoSnapshots
                        | RequestError::NoneThen { .. }
                        | RequestError::NoneSurely { .. }
                )
        )
    }

    /// What a caller does next about it.
    pub fn kind(&self) -> ErrorKind {
        use rowkeep_engine::ErrorKind as Engine;
        use rowkeep_repository::ErrorKind as Repository;
        match self {
            Error::Request(error) => error.kind(),
            Error::Step { source, .. } | Error::OfOther(source) => source.kind(),
            Error::Engine(error) => match error.kind() {
                Engine::InvalidUrl | Engine::Statement => ErrorKind::Usage,
                Engine::Damaged | Engine::DamagedFile => ErrorKind::Damage,
                Engine::Authentication
                | Engine::PermissionDenied
                | Engine::NotEmpty
                | Engine::Conflict
                | Engine::Constraint
                | Engine::Misfit
                | Engine::Dangling => ErrorKind::Refused,
                Engine::NotFound
                | Engine::Unreachable
                | Engine::NotADatabase
                | Engine::Busy
                | Engine::FileBusy
                | Engine::DiskFull
                | Engine::ToolMissing
                | Engine::Unsupported
                | Engine::Unstorable
                | Engine::Stopped
                | Engine::OutcomeUnknown
                | Engine::Other => ErrorKind::Failed,
            },
            Error::Repository(error) => match error.kind() {
                Repository::Damaged | Repository::Missing => ErrorKind::Damage,
                Repository::Locked | Repository::Downgrade | Repository::LastKeySlot | Repository::Denied => {
                    ErrorKind::Refused
                }
                Repository::Usage => ErrorKind::Usage,
                Repository::NotARepository
                | Repository::AlreadyThere
                | Repository::Occupied
                | Repository::NewerFormat
                | Repository::NotFound
                | Repository::Full
                | Repository::NoBucket
                | Repository::Folder
                | Repository::Pruned
                | Repository::Unfit
                | Repository::Store => ErrorKind::Failed,
            },
            Error::Content { source: FormatError::NewerVersion { .. }, .. } => ErrorKind::Failed,
            Error::Content { .. } => ErrorKind::Damage,
            Error::NoSuchSnapshot { .. }
            | Error::AmbiguousSnapshot { .. }
            | Error::AmbiguousDatabase { .. }
            | Error::Unknown { .. }
            | Error::NoneToMask { .. }
            | Error::Condition(_)
            | Error::KeyReference { .. }
            | Error::Mask(_)
            | Error::NothingSelected
            | Error::Lacks { .. }
            | Error::KeyGone { .. }
            | Error::TablesGone { .. }
            | Error::TablesUnknown { .. }
            | Error::NothingToUndo { .. }
            | Error::Activity { .. }
            | Error::Export(_)
            | Error::Config { .. } => ErrorKind::Usage,
            Error::NotReady { damaged: true, .. } => ErrorKind::Damage,
            Error::NotReady { .. }
            | Error::Secret(_)
            | Error::Exists(_)
            | Error::OfAnother { .. }
            | Error::Doubtful { .. }
            | Error::Superseded { .. }
            | Error::Unruled { .. }
            | Error::Dangling { .. }
            | Error::ChangedInBoth { .. }
            | Error::NotMergeable { .. }
            | Error::LogNotWhole { .. }
            | Error::NoCommonKey { .. }
            | Error::TooManyRelated { .. } => ErrorKind::Refused,
            Error::Table { .. }
            | Error::ReadBack { .. }
            | Error::Hook { .. }
            | Error::Write { .. }
            | Error::File { .. }
            | Error::Cancelled => ErrorKind::Failed,
        }
    }

    /// Whether nobody knows if the database was changed.
    pub(crate) fn is_outcome_unknown(&self) -> bool {
        matches!(self, Error::Engine(error) if error.kind() == rowkeep_engine::ErrorKind::OutcomeUnknown)
    }

    /// The same as the reason why a step could not be done.
    pub(crate) fn of_step(self, step: impl Into<String>) -> Self {
        Error::Step { step: step.into(), source: Box::new(self) }
    }

    /// The same of the repository that snapshots are copied to.
    pub(crate) fn of_other(self) -> Self {
        Error::OfOther(Box::new(self))
    }

    /// The error with its causes in one line, without what a cause says again.
    pub fn in_one_line(&self) -> String {
        in_one_line(self)
    }

    pub(crate) fn content(object: impl Into<String>) -> impl FnOnce(FormatError) -> Self {
        let object = object.into();
        move |source| Error::Content { object, source }
    }
}

/// What was asked to stop and did is cancelled.
impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error.kind() {
            rowkeep_engine::ErrorKind::Stopped => Error::Cancelled,
            _ => Error::Engine(error),
        }
    }
}

fn no_snapshot(reference: &str, database: &Option<String>) -> String {
    match database {
        Some(database) => format!("there is no snapshot of database {database}"),
        None => format!("no snapshot {reference}"),
    }
}

fn other_database(database: &str, other: &str) -> String {
    match database == other {
        true => format!("{database} was dropped and created again since, or another took its place"),
        false => format!("{other}, not {database}"),
    }
}

fn superseded(restored: &str, safety: &Option<String>) -> String {
    match safety {
        Some(safety) => format!(
            "snapshot {restored} was restored without a safety snapshot, after what safety snapshot {safety} was taken for"
        ),
        None => format!("what safety snapshot {restored} was taken for was undone without a safety snapshot"),
    }
}

fn known(candidates: &[String]) -> String {
    const SHOWN: usize = 12;
    match candidates {
        [] => "is none".to_owned(),
        [only] => format!("is only {only}"),
        many if many.len() <= SHOWN => format!("are {}", many.join(", ")),
        many => format!("are {} and {} more", many[..SHOWN].join(", "), many.len() - SHOWN),
    }
}
