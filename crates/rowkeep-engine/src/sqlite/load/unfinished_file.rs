//! The file that becomes the database when it is finished.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::sqlite::connect::connection::{beside, has_content};
use crate::{EngineError, ErrorKind};

/// What the name of an unfinished file has after that of the database.
const SUFFIX: &str = ".rowkeep-unfinished";

/// A file beside the database that is to be, locked against others who would make the same one; removed on drop.
pub(crate) struct Unfinished {
    file: File,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Unfinished {
    /// Begins a file for the database at `target`, instead of what a killed process may have left.
    pub(crate) fn begin(target: &Path) -> Result<Self, EngineError> {
        let path = beside(target, SUFFIX);
        loop {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|error| failure("creating", &path, error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(EngineError::new(
                        ErrorKind::Busy,
                        format!("{}: another restore into this database is running", target.display()),
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(failure("locking", &path, error)),
            }
            // Whoever held the lock before may have removed or renamed the file that it was on.
            if !is_at(&file, &path) {
                continue;
            }
            // Never truncated: killed between having two names and one, it is the database.
            if has_content(&path) {
                fs::remove_file(&path).map_err(|error| failure("clearing", &path, error))?;
                continue;
            }
            let unfinished = Self { file, path, target: target.to_owned(), published: false };
            unfinished.remove_companions();
            return Ok(unfinished);
        }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable and gives it the database's name, in one step, unless something has appeared there. Nobody
    /// may have the file open any more. Whether an empty database may be replaced is for the caller to find out before.
    /// Returns what is not as it should be although the file has the name.
    pub(crate) fn publish(&mut self, replace: bool) -> Result<Option<String>, EngineError> {
        let (path, target) = (self.path.clone(), self.target.clone());
        let renaming = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => appeared(&target),
            _ => failure("renaming", &path, error),
        };
        if let Some(companion) = companion(&target) {
            return Err(appeared(&companion));
        }
        if replace {
            let permissions = fs::metadata(&target).map_err(renaming)?.permissions();
            self.file.set_permissions(permissions).map_err(renaming)?;
        }
        self.file.sync_all().map_err(|error| failure("writing", &path, error))?;
        if replace {
            fs::rename(&path, &target).map_err(renaming)?;
        } else {
            publish_new(&path, &target).map_err(renaming)?;
        }
        self.published = true;
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(synced.err().map(|error| {
            let folder = folder.display();
            format!(
                "the database is there, but a crash of the machine may undo that: writing {folder}: {error}"
            )
        }))
    }

    fn remove_companions(&self) {
        for suffix in ["-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.published {
            self.remove_companions();
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether there are remains of an attempt for the database at `target`.
pub(crate) fn remains(target: &Path) -> bool {
    beside(target, SUFFIX).exists()
}

/// A file that SQLite would take for a part of the database at `target`: whatever database it was of, it must not be
/// applied to another one.
pub(crate) fn companion(target: &Path) -> Option<PathBuf> {
    ["-journal", "-wal"].into_iter().map(|suffix| beside(target, suffix)).find(|path| has_content(path))
}

/// Gives a file another name that must not exist. Where the file system has no links, somebody who creates the same file in
/// the same instant is not noticed.
fn publish_new(path: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(path, target) {
        // Should the other name stay, the next restore removes it.
        Ok(()) => fs::remove_file(path).or(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if target.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(path, target),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(path)) => (file.dev(), file.ino()) == (path.dev(), path.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

fn appeared(path: &Path) -> EngineError {
    EngineError::new(ErrorKind::NotEmpty, format!("{} has appeared meanwhile", path.display()))
}

fn failure(doing: &str, path: &Path, error: io::Error) -> EngineError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        _ => ErrorKind::Other,
    };
    let what = match kind {
        ErrorKind::NotFound => "there is no such folder",
        ErrorKind::PermissionDenied => "it may not be written",
        ErrorKind::DiskFull => "the disk is full",
        _ => "it fails",
    };
    EngineError::new(kind, format!("{doing} {}: {what}", path.display())).with_source(error)
}
