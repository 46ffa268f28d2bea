//! What a file is, by its content.

use std::path::{Path, PathBuf};

use super::encrypted::encrypted_by;
use super::formats::FORMATS;
use crate::file_source::{About, Format, Head, Source};
use crate::sqlite::is_database;
use crate::sqlite::plain_file::table_files;
use crate::{EngineError, ErrorKind};

/// The file in a folder that says that the folder is a dump.
const TABLE_OF_CONTENTS: &str = "toc.dat";

/// How names of files end that are no SQLite databases, even without content.
const DUMPS: [&str; 14] = [
    "sql", "dump", "backup", "json", "jsonl", "ndjson", "csv", "parquet", "tar", "gz", "zst", "xz", "lz4",
    "zip",
];

/// A file of a format that is read.
#[derive(Clone)]
pub(crate) struct Found {
    /// The file.
    pub(crate) source: Source,
    /// What it is.
    pub(crate) about: About,
    /// By what it is read.
    pub(crate) format: &'static dyn Format,
    /// The database in it that was named behind a `#`.
    pub(crate) database: Option<String>,
}

/// Looks at what a path names. Nothing where that is no file, an SQLite database, or of no format that is read and packed in no
/// way; an error where it is certain that nobody can read it as it is.
pub(crate) fn recognise(path: &Path) -> Result<Option<Found>, EngineError> {
    let (path, database) = divide(path);
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if DUMPS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
        refuse_empty(&path)?;
    }
    let source = if metadata.is_dir() && path.join(TABLE_OF_CONTENTS).is_file() {
        Source::folder(&path, TABLE_OF_CONTENTS)?
    } else if metadata.is_dir()
        && let Some(first) = table_files(&path).first()
    {
        let name = first.file_name().map(|name| name.to_string_lossy().into_owned());
        Source::folder(&path, &name.unwrap_or_default())?
    } else if metadata.is_file() && is_database(&path) == Some(false) {
        Source::of(&path)?
    } else {
        return Ok(None);
    };
    if let Some(program) = encrypted_by(source.head()) {
        let message = format!("{} is encrypted by {program}; decrypt it first", path.display());
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let head = Head { path: &path, is_folder: source.is_folder(), bytes: source.head() };
    let found = FORMATS.iter().find_map(|format| Some((*format, format.recognise(&head)?)));
    match (found, source.packing().name()) {
        (Some((format, about)), _) => Ok(Some(Found { source, about, format, database })),
        (None, None) => Ok(None),
        (None, Some(packing)) => {
            let message =
                format!("what {} holds, packed by {packing}, is no dump that is read", path.display());
            Err(EngineError::new(ErrorKind::Unsupported, message))
        }
    }
}

/// Refuses a file without content: what a backup leaves that failed before it wrote anything. Only where a database is to be
/// made is it an SQLite database.
pub(super) fn refuse_empty(path: &Path) -> Result<(), EngineError> {
    if std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        let message = format!("{} has no content: nothing was written to it", path.display());
        return Err(EngineError::new(ErrorKind::DamagedFile, message));
    }
    Ok(())
}

/// A path, and the name of a database behind a `#` where no file has that in its name.
fn divide(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_str().filter(|_| !path.exists());
    let divided = text.and_then(|text| text.rsplit_once('#')).filter(|(file, _)| Path::new(file).exists());
    match divided {
        Some((file, database)) => (PathBuf::from(file), Some(database.to_owned())),
        None => (path.to_owned(), None),
    }
}
