//! What a format of files is: how it is recognised, and how a state is read from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use rowkeep_format::Identity;

use super::source::Source;
use crate::{EngineError, ErrorKind, View};

/// A format of files that hold databases.
pub(crate) trait Format: Send + Sync {
    /// What a file is, if it is of this format; nothing is read but what it begins with.
    fn recognise(&self, head: &Head<'_>) -> Option<About>;

    /// Opens the state that a file holds; blocks. Nothing is of the state that the file does not hold whole, unless the
    /// options ask for what can be saved: then [`View::unread`] and [`View::notes`] say what is missing.
    fn open(&self, file: &Source, about: &About, options: &FileOptions)
    -> Result<Arc<dyn View>, EngineError>;

    /// The state that a file goes on from, where no file beside it has that.
    fn missing_base(&self, _file: &Source) -> Option<MissingBase> {
        None
    }

    /// The files that a state is read from, that file among them.
    fn files(&self, file: &Source) -> Vec<PathBuf> {
        vec![file.path().to_owned()]
    }

    /// Whether a file has the rows of one table alone, so that a state may have several such files.
    fn is_one_table(&self, _file: &Source) -> bool {
        false
    }
}

/// What an incremental backup goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBase {
    /// When that state was.
    pub time: Timestamp,
    /// What the full backup is called.
    pub file: String,
}

/// What a file begins with.
pub(crate) struct Head<'a> {
    /// Where it is.
    pub(crate) path: &'a Path,
    /// Whether it is a folder, so that the bytes are those of the file that says what it is.
    pub(crate) is_folder: bool,
    /// The first bytes, unpacked: some tens of kibibytes.
    pub(crate) bytes: &'a [u8],
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// The engine whose rows it holds, as manifests name it.
    pub(crate) engine: &'static str,
    /// What it is, for people: `a plain dump of pg_dump`.
    pub(crate) what: String,
    /// The program that wrote it, with its version, where it says so.
    pub(crate) written_by: Option<String>,
    /// The name of the database, where it says so.
    pub(crate) database: Option<String>,
    /// When it was written, where it says so.
    pub(crate) time: Option<FileTime>,
}

/// When a file says that it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileTime {
    /// At this time.
    Exact(Timestamp),
    /// When clocks showed this where it was written.
    Local(DateTime),
}

/// How a state is to be read from a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileOptions {
    /// Whether the DDL is wanted.
    pub(crate) with_ddl: bool,
    /// Which of several databases in it is meant.
    pub(crate) database: Option<String>,
    /// Whether the whole tables of a damaged file are wanted.
    pub(crate) salvage: bool,
    /// A folder with backups that an incremental one goes on from, beside that of the file.
    pub(crate) beside: Option<PathBuf>,
    /// What stands for NULL in CSV, beside an empty field without quotes.
    pub(crate) null: Option<String>,
    /// Where temporary files are made.
    pub(crate) temporary: Option<PathBuf>,
    /// What the state says that its database is.
    pub(crate) identity: Identity,
    /// What the state says of the file beside what it finds.
    pub(crate) facts: Vec<(String, String)>,
}

impl FileOptions {
    /// Refuses the name of another database where a file holds one alone.
    pub(crate) fn refuse_another(&self, file: &Source, only: Option<&str>) -> Result<(), EngineError> {
        match self.database.as_deref() {
            Some(wanted) if Some(wanted) != only => {
                let held = only.map_or("without a name".to_owned(), |only| format!("called {only}"));
                let message =
                    format!("{} holds one database, {held}, and none called {wanted}", file.path().display());
                Err(EngineError::new(ErrorKind::Unsupported, message))
            }
            _ => Ok(()),
        }
    }
}

/// Where something is in the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line, counted from one.
    pub(crate) line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)
    }
}
