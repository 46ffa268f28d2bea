//! Where the files of an export come to be: under names that nobody takes for theirs, until all is written.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir};
use tokio::task::JoinHandle;

use super::checksum::{SUMS, merged, without};
use super::compression::{Compression, Encoder};
use super::sheet::{Done, Out, Room, Sheet, Spool, Unsynced};
use crate::{Error, private_files};

/// Where the files go.
pub enum Destination {
    /// One file for each table, or one with all of SQL or JSON, in this folder, which is made where it is missing.
    Folder(PathBuf),
    /// All in this file.
    File(PathBuf),
    /// All into this stream.
    Stream(Box<dyn io::Write + Send>),
}

/// How names end of what is not whole.
const PARTIAL: &str = ".partial";

/// So many files are on their way to the disk at once.
const MOST_SYNCING: usize = 16;

/// How names of files end that hold the checksum of one other file.
const CHECKSUM: &str = "sha256";

/// How files are begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Whether files that are there are replaced.
    pub(super) force: bool,
    /// How many bytes may be written at most.
    pub(super) at_most: Option<u64>,
    /// How they are compressed.
    pub(super) compression: Option<Compression>,
    /// Whether a file with a checksum comes beside one that is named.
    pub(super) with_checksum: bool,
}

/// Files while they are written; what is not published is removed on drop.
pub(super) struct Files {
    kind: Kind,
    kept: Vec<String>,
    terms: Terms,
    room: Room,
    /// Files that are on their way to the disk, while others are written.
    syncing: Vec<JoinHandle<Result<(), Error>>>,
}

enum Kind {
    Folder { folder: PathBuf, is_new: bool, partial: TempDir },
    File { path: PathBuf, partial: Option<NamedTempFile> },
    Stream(Option<Box<dyn io::Write + Send>>),
}

/// Where files are in the end; nothing for a stream.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) files: Vec<Option<PathBuf>>,
    /// Those with checksums and other things beside them.
    pub(super) beside: Vec<PathBuf>,
}

impl Files {
    /// Begins; refuses files that are there already, unless they are to be replaced.
    pub(super) fn begin(destination: Destination, names: &[String], terms: Terms) -> Result<Self, Error> {
        let kind = match destination {
            Destination::Stream(stream) => Kind::Stream(Some(stream)),
            Destination::File(path) => {
                refuse(&path, terms.force)?;
                // One of a file that is no longer there would speak against the new one.
                refuse(&beside(&path), terms.force)?;
                let parent = parent(&path)?;
                let partial = partial(&path, FILE, |named| named.tempfile_in(parent))?;
                Kind::File { path, partial: Some(partial) }
            }
            Destination::Folder(folder) if folder.is_file() => {
                let shown = folder.display();
                return Err(Error::Export(format!(
                    "{shown} is a file: name a folder, or a file that ends with .csv, .ndjson, .jsonl, .json or .sql, packed \
                     with .gz or .zst"
                )));
            }
            Destination::Folder(folder) => {
                names.iter().try_for_each(|name| refuse(&folder.join(name), terms.force))?;
                let is_new = !folder.exists();
                let within = if is_new { parent(&folder)? } else { folder.clone() };
                let partial = partial(&folder, FOLDER, |named| named.tempdir_in(within))?;
                Kind::Folder { folder, is_new, partial }
            }
        };
        let room = Room { at_most: terms.at_most, written: 0 };
        Ok(Self { kind, kept: Vec::new(), terms, room, syncing: Vec::new() })
    }

    /// The name of the file that all is written into, where the caller named one.
    pub(super) fn named(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether files go into a folder.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder { .. })
    }

    /// Begins a file.
    pub(super) fn sheet(&mut self, name: &str) -> Result<Sheet, Error> {
        let (out, to) = match &mut self.kind {
            Kind::Stream(stream) => {
                let stream = stream.take().ok_or_else(|| Error::Export("a stream is one file".to_owned()))?;
                (Out::Stream(stream), "the output".to_owned())
            }
            Kind::File { path, partial } => {
                let file = partial.as_ref().map(NamedTempFile::reopen).transpose().map_err(cannot(path))?;
                let file = file.ok_or_else(|| Error::Export("a file is one file".to_owned()))?;
                (Out::File(file), path.display().to_string())
            }
            Kind::Folder { folder, partial, .. } => {
                let path = folder.join(name);
                let file = private_files::create(&partial.path().join(name)).map_err(cannot(&path))?;
                (Out::File(file), path.display().to_string())
            }
        };
        let encoder = self.terms.compression.map(Encoder::of).transpose();
        let encoder = encoder.map_err(|source| Error::Write { to: to.clone(), source })?;
        Ok(Sheet::new(name, to, out, encoder, self.room))
    }

    /// Begins a part of a file that is put into it later.
    pub(super) fn spool(&self) -> Result<Spool, Error> {
        let folder = match &self.kind {
            Kind::Folder { partial, .. } => Some(partial.path()),
            Kind::File { partial, .. } => partial.as_ref().and_then(|partial| partial.path().parent()),
            Kind::Stream(_) => None,
        };
        Spool::new(folder, self.room)
    }

    /// Ends a file.
    pub(super) async fn keep(&mut self, sheet: Sheet) -> Result<Done, Error> {
        let (done, unsynced) = sheet.finish().await?;
        if self.syncing.len() >= MOST_SYNCING {
            let first = self.syncing.remove(0);
            self.synced(first).await?;
        }
        self.syncing.extend(unsynced.map(Unsynced::sync));
        self.room = done.room;
        self.kept.push(done.name.clone());
        Ok(done)
    }

    async fn synced(&self, syncing: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
        let failed = |failed| Error::Write { to: self.kept.join(", "), source: io::Error::other(failed) };
        syncing.await.map_err(failed)?
    }

    /// Gives all files their names once they are on the disk, with other files beside them by their names below the folder.
    pub(super) async fn publish(mut self, others: &[(String, String)]) -> Result<Published, Error> {
        for syncing in std::mem::take(&mut self.syncing) {
            self.synced(syncing).await?;
        }
        match self.kind {
            Kind::Stream(_) => Ok(Published { files: vec![None; self.kept.len()], beside: Vec::new() }),
            Kind::File { path, partial } => {
                let mut published = Published { files: vec![Some(path.clone())], beside: Vec::new() };
                let checksum = beside(&path);
                if self.terms.force {
                    // That of a file which is no longer there tells of damage where there is none.
                    remove(&checksum)?;
                }
                if let Some(partial) = partial {
                    let named = match self.terms.force {
                        true => partial.persist(&path),
                        false => partial.persist_noclobber(&path),
                    };
                    named.map_err(|error| cannot(&path)(error.error))?;
                }
                if let (true, [(_, contents)]) = (self.terms.with_checksum, others) {
                    private_files::write(&checksum, contents.as_bytes()).map_err(cannot(&checksum))?;
                    published.beside.push(checksum);
                }
                Ok(published)
            }
            Kind::Folder { folder, is_new, partial } => {
                for (name, contents) in others {
                    let there = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
                    let lines: Vec<String> = contents.split_inclusive('\n').map(str::to_owned).collect();
                    let contents = if name == SUMS { merged(&there, &lines) } else { contents.clone() };
                    write_within(partial.path(), name, &contents).map_err(cannot(&folder.join(name)))?;
                }
                let files = self.kept.iter().map(|name| Some(folder.join(name))).collect();
                let beside = others.iter().map(|(name, _)| folder.join(name)).collect();
                if is_new {
                    // All at once; refused when somebody made the folder meanwhile and put something into it.
                    std::fs::rename(partial.path(), &folder).map_err(cannot(&folder))?;
                    let _ = partial.keep();
                } else {
                    forget(&folder, &self.kept)?;
                    for name in &self.kept {
                        refuse(&folder.join(name), self.terms.force)?;
                        move_into(partial.path(), &folder, name)?;
                    }
                    others.iter().try_for_each(|(name, _)| move_into(partial.path(), &folder, name))?;
                }
                Ok(Published { files, beside })
            }
        }
    }
}

/// The file with the checksum of a file.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(CHECKSUM);
    PathBuf::from(name)
}

/// Removes the checksums of files in a folder that are about to be replaced.
fn forget(folder: &Path, names: &[String]) -> Result<(), Error> {
    names.iter().try_for_each(|name| remove(&beside(&folder.join(name))))?;
    let list = folder.join(SUMS);
    let Ok(there) = std::fs::read_to_string(&list) else { return Ok(()) };
    let left = without(&there, names);
    match left.is_empty() {
        true => remove(&list),
        false if left != there => private_files::write(&list, left.as_bytes()).map_err(cannot(&list)),
        false => Ok(()),
    }
}

fn write_within(folder: &Path, name: &str, contents: &str) -> io::Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        private_files::make_folder(parent)?;
    }
    private_files::write(&path, contents.as_bytes())
}

fn move_into(from: &Path, folder: &Path, name: &str) -> Result<(), Error> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        private_files::make_folder(parent).map_err(cannot(&path))?;
    }
    std::fs::rename(from.join(name), &path).map_err(cannot(&path))
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot(path)(error)),
        _ => Ok(()),
    }
}

fn refuse(path: &Path, force: bool) -> Result<(), Error> {
    if !force && path.exists() { Err(Error::Exists(path.to_owned())) } else { Ok(()) }
}

fn cannot(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::Write { to: path.display().to_string(), source }
}

/// The folder that something is in, which is made where it is missing.
fn parent(path: &Path) -> Result<PathBuf, Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    private_files::make_folder(&parent).map_err(cannot(path))?;
    Ok(parent)
}

/// The rights that a new file or folder has: an export is the data itself, in the clear.
const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// Makes something with a hidden name that tells what it is to become.
fn partial<T>(
    path: &Path,
    rights: u32,
    make: impl FnOnce(&Builder<'_, '_>) -> io::Result<T>,
) -> Result<T, Error> {
    let prefix = format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy());
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(PARTIAL);
    with_rights(&mut builder, rights);
    make(&builder).map_err(cannot(path))
}

#[cfg(unix)]
fn with_rights(builder: &mut Builder<'_, '_>, rights: u32) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(rights));
}

#[cfg(not(unix))]
fn with_rights(_: &mut Builder<'_, '_>, _: u32) {}
