//! The file that becomes the database when it is finished.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::sqlite::connect::connection::{beside, has_content};
use crate::{EngineError, ErrorKind};

/// What the name of an unfinished file ends with. Before it stand the name of the database and [`RANDOM`] letters and
/// digits, which nobody can know beforehand.
const SUFFIX: &str = ".rowkeep-unfinished";

/// How many letters and digits make a name that nobody can know beforehand.
const RANDOM: usize = 12;

/// A file beside the database that is to be, locked against others who would make the same one; removed on drop. Nobody
/// else may read it before it has the name of the database.
pub(crate) struct Unfinished {
    file: File,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Unfinished {
    /// Begins a file for the database at `target`, and removes what killed processes may have left of others.
    pub(crate) fn begin(target: &Path) -> Result<Self, EngineError> {
        let mut prefix = target.file_name().map_or_else(OsString::new, OsString::from);
        prefix.push(".");
        loop {
            // Never opened if it is there: that would be somebody's, or a link to somebody's.
            let made = tempfile::Builder::new()
                .prefix(&prefix)
                .suffix(SUFFIX)
                .rand_bytes(RANDOM)
                .tempfile_in(folder(target))
                .map_err(|error| failure("creating a file beside", target, error))?;
            let (file, path) =
                made.keep().map_err(|error| failure("creating a file beside", target, error.error))?;
            let unfinished = Self { file, path, target: target.to_owned(), published: false };
            match unfinished.file.try_lock() {
                Ok(()) => {}
                // Another process looks at it, and takes it for remains.
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(failure("locking", &unfinished.path, error)),
            }
            // It may have done so before.
            if !is_at(&unfinished.file, &unfinished.path) {
                continue;
            }
            clear_remains(target, &unfinished.path)?;
            return Ok(unfinished);
        }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable and gives it the database's name, in one step, unless something has appeared there. Nobody
    /// may have the file open any more. Whether an empty database may be replaced is for the caller to find out before;
    /// the file then has its permissions, and `mode` otherwise. Returns what is not as it should be although the file has
    /// the name.
    pub(crate) fn publish(
        &mut self,
        replace: bool,
        mode: Option<u32>,
    ) -> Result<Option<String>, EngineError> {
        let (path, target) = (self.path.clone(), self.target.clone());
        let renaming = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => appeared(&target),
            _ => failure("renaming", &path, error),
        };
        if let Some(companion) = companion(&target) {
            return Err(appeared(&companion));
        }
        if replace {
            let there = fs::metadata(&target).map_err(renaming)?;
            give_owner(&self.file, &there);
            self.file.set_permissions(there.permissions()).map_err(renaming)?;
        } else if let Some(mode) = mode {
            set_mode(&self.file, mode).map_err(renaming)?;
        }
        self.file.sync_all().map_err(|error| failure("writing", &path, error))?;
        if replace {
            fs::rename(&path, &target).map_err(renaming)?;
        } else {
            publish_new(&path, &target).map_err(renaming)?;
        }
        self.published = true;
        let folder = folder(&target);
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(synced.err().map(|error| {
            let folder = folder.display();
            format!(
                "the database is there, but a crash of the machine may undo that: writing {folder}: {error}"
            )
        }))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.published {
            remove_companions(&self.path);
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether there are remains of an attempt for the database at `target`.
pub(crate) fn remains(target: &Path) -> bool {
    !unfinished_files(target).is_empty()
}

/// The files beside `target` that have the name of an unfinished one of it, as this version and those before it gave them.
/// What is no regular file is somebody else's.
fn unfinished_files(target: &Path) -> Vec<PathBuf> {
    let Some(name) = target.file_name() else { return Vec::new() };
    let entries = fs::read_dir(folder(target)).into_iter().flatten().flatten();
    let is_unfinished = |entry: &fs::DirEntry| {
        let rest = entry.file_name();
        let rest = rest.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        let Some(random) = rest.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes())) else { return false };
        let is_random =
            |random: &[u8]| random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric);
        random.is_empty() || random.strip_prefix(b".").is_some_and(is_random)
    };
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    entries.filter(|entry| is_unfinished(entry) && is_file(entry)).map(|entry| entry.path()).collect()
}

/// Removes what killed processes left beside `target`; refused when another one is at work there.
fn clear_remains(target: &Path, own: &Path) -> Result<(), EngineError> {
    for path in unfinished_files(target).into_iter().filter(|path| path != own) {
        // Killed between having two names and one, it is the database, which nobody opens: closing it would end the
        // locks that this process has on it.
        let is_database = match (fs::metadata(target), fs::metadata(&path)) {
            (Ok(target), Ok(path)) => is_same(&target, &path),
            _ => false,
        };
        if !is_database {
            let file = match File::open(&path) {
                Ok(file) => file,
                // Gone, or another user's.
                Err(_) => continue,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(EngineError::new(
                        ErrorKind::FileBusy,
                        format!("{}: another restore into this database is running", target.display()),
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(failure("locking", &path, error)),
            }
            if !is_at(&file, &path) {
                continue;
            }
            remove_companions(&path);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failure("clearing", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn remove_companions(path: &Path) {
    for suffix in ["-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(path)) => is_same(&file, &path),
        _ => false,
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.len(), one.modified().ok()) == (other.len(), other.modified().ok())
}

/// Gives a file the owner of another, as far as this process may.
#[cfg(unix)]
fn give_owner(file: &File, of: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(of.uid()), Some(of.gid()));
}

#[cfg(not(unix))]
fn give_owner(_: &File, _: &Metadata) {}

/// Lets others do with a file what `mode` says; its owner can read and write it in any case.
#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777 | 0o600))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
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
