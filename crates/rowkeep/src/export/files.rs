//! Where the files of an export come to be: under names that nobody takes for theirs, until all is written.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use rowkeep_format::Table;
use tempfile::{Builder, NamedTempFile, TempDir};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::format::ExportFormat;
use crate::{Error, private_files, units};

/// Where the files go.
pub enum Destination {
    /// One file for each table, or one with all of SQL, in this folder, which is made where it is missing.
    Folder(PathBuf),
    /// All in this file.
    File(PathBuf),
    /// All into this stream.
    Stream(Box<dyn io::Write + Send>),
}

/// How names end of what is not whole.
const PARTIAL: &str = ".partial";

/// The name of a file, as file systems like it.
pub(super) fn file_name(name: &str, format: ExportFormat) -> String {
    let mut out = String::new();
    for (at, character) in name.chars().enumerate() {
        let is_plain = !character.is_control() && !"/\\:*?\"<>|%".contains(character);
        if is_plain && !(at == 0 && character == '.') {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                // Writing into a text cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    format!("{out}.{}", format.extension())
}

/// The names of the files of tables; no two are the same where case does not count.
pub(super) fn file_names(tables: &[&Table], format: ExportFormat) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |table: &&Table| {
        let plain = table.name.to_string();
        let mut name = file_name(&plain, format);
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            name = file_name(&format!("{plain}-{number}"), format);
            number += 1;
        }
        name
    };
    tables.iter().map(name).collect()
}

/// Files while they are written; what is not published is removed on drop.
pub(super) struct Files {
    kind: Kind,
    kept: Vec<String>,
    room: Room,
}

/// How much may still be written.
#[derive(Debug, Clone, Copy)]
struct Room {
    at_most: Option<u64>,
    written: u64,
}

impl Room {
    /// Takes some of it.
    fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.written = self.written.saturating_add(bytes as u64);
        match self.at_most {
            Some(at_most) if self.written > at_most => Err(Error::Export(format!(
                "the rows need more than {}, and no more may be written; choose fewer tables",
                units::bytes(at_most)
            ))),
            _ => Ok(()),
        }
    }
}

enum Kind {
    Folder { folder: PathBuf, is_new: bool, partial: TempDir },
    File { path: PathBuf, partial: Option<NamedTempFile> },
    Stream(Option<Box<dyn io::Write + Send>>),
}

/// A file that is being written.
pub(super) struct Sheet {
    name: String,
    to: String,
    out: Out,
    bytes: u64,
    room: Room,
}

enum Out {
    File(BufWriter<tokio::fs::File>),
    /// Nothing while somebody writes, and when that has failed.
    Stream(Option<Box<dyn io::Write + Send>>),
}

impl Files {
    /// Begins; refuses files that are there already, unless they are to be replaced.
    pub(super) fn begin(
        destination: Destination,
        names: &[String],
        force: bool,
        at_most: Option<u64>,
    ) -> Result<Self, Error> {
        let kind = match destination {
            Destination::Stream(stream) => Kind::Stream(Some(stream)),
            Destination::File(path) => {
                refuse(&path, force)?;
                let parent = parent(&path)?;
                let partial = partial(&path, FILE, |named| named.tempfile_in(parent))?;
                Kind::File { path, partial: Some(partial) }
            }
            Destination::Folder(folder) if folder.is_file() => {
                let shown = folder.display();
                return Err(Error::Export(format!(
                    "{shown} is a file: name a folder, or a file that ends with .csv, .ndjson, .jsonl or .sql"
                )));
            }
            Destination::Folder(folder) => {
                names.iter().try_for_each(|name| refuse(&folder.join(name), force))?;
                let is_new = !folder.exists();
                let within = if is_new { parent(&folder)? } else { folder.clone() };
                let partial = partial(&folder, FOLDER, |named| named.tempdir_in(within))?;
                Kind::Folder { folder, is_new, partial }
            }
        };
        Ok(Self { kind, kept: Vec::new(), room: Room { at_most, written: 0 } })
    }

    /// Begins a file.
    pub(super) async fn sheet(&mut self, name: &str) -> Result<Sheet, Error> {
        let (out, to) = match &mut self.kind {
            Kind::Stream(stream) => {
                let stream = stream.take().ok_or_else(|| Error::Export("a stream is one file".to_owned()))?;
                (Out::Stream(Some(stream)), "the output".to_owned())
            }
            Kind::File { path, partial } => {
                let file = partial.as_ref().map(NamedTempFile::reopen).transpose().map_err(cannot(path))?;
                let file = file.ok_or_else(|| Error::Export("a file is one file".to_owned()))?;
                (Out::File(BufWriter::new(tokio::fs::File::from_std(file))), path.display().to_string())
            }
            Kind::Folder { folder, partial, .. } => {
                let path = folder.join(name);
                let file = private_files::create(&partial.path().join(name)).map_err(cannot(&path))?;
                (Out::File(BufWriter::new(tokio::fs::File::from_std(file))), path.display().to_string())
            }
        };
        Ok(Sheet { name: name.to_owned(), to, out, bytes: 0, room: self.room })
    }

    /// Ends a file, and gives its size.
    pub(super) async fn keep(&mut self, sheet: Sheet) -> Result<u64, Error> {
        let failed = |source| Error::Write { to: sheet.to.clone(), source };
        match sheet.out {
            Out::Stream(None) => {}
            Out::Stream(Some(mut stream)) => stream.flush().map_err(failed)?,
            Out::File(mut file) => {
                file.flush().await.map_err(failed)?;
                file.get_ref().sync_all().await.map_err(failed)?;
            }
        }
        self.room = sheet.room;
        self.kept.push(sheet.name);
        Ok(sheet.bytes)
    }

    /// Gives all files their names; gives these.
    pub(super) fn publish(self, force: bool) -> Result<Vec<Option<PathBuf>>, Error> {
        match self.kind {
            Kind::Stream(_) => Ok(vec![None; self.kept.len()]),
            Kind::File { path, partial } => {
                if let Some(partial) = partial {
                    let named = if force { partial.persist(&path) } else { partial.persist_noclobber(&path) };
                    named.map_err(|error| cannot(&path)(error.error))?;
                }
                Ok(vec![Some(path)])
            }
            Kind::Folder { folder, is_new: true, partial } => {
                // All at once; refused when somebody made the folder meanwhile and put something into it.
                std::fs::rename(partial.path(), &folder).map_err(cannot(&folder))?;
                let _ = partial.keep();
                Ok(self.kept.iter().map(|name| Some(folder.join(name))).collect())
            }
            Kind::Folder { folder, is_new: false, partial } => {
                let mut paths = Vec::new();
                for name in &self.kept {
                    let path = folder.join(name);
                    refuse(&path, force)?;
                    std::fs::rename(partial.path().join(name), &path).map_err(cannot(&path))?;
                    paths.push(Some(path));
                }
                Ok(paths)
            }
        }
    }
}

impl Sheet {
    /// Adds bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.room.take(bytes.len())?;
        let written = match &mut self.out {
            Out::File(file) => file.write_all(bytes).await,
            Out::Stream(stream) => on_thread(stream, bytes).await,
        };
        self.bytes += bytes.len() as u64;
        written.map_err(|source| Error::Write { to: self.to.clone(), source })
    }
}

/// Writes where it does not matter that a slow reader is waited for.
async fn on_thread(stream: &mut Option<Box<dyn io::Write + Send>>, bytes: &[u8]) -> io::Result<()> {
    let mut out = stream.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let bytes = bytes.to_vec();
    let work = tokio::task::spawn_blocking(move || out.write_all(&bytes).map(|()| out));
    *stream = Some(work.await.map_err(io::Error::other)??);
    Ok(())
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

#[cfg(test)]
mod tests {
    use rowkeep_format::{Key, TableKind, TableName};

    use super::*;

    #[test]
    fn files_are_called_what_file_systems_take() {
        let table = |name: &str| Table {
            name: TableName::plain(name),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            identity: None,
            foreign_keys: Vec::new(),
        };
        let tables = ["a/b", "..", "Users", "users", "é 1"].map(table);
        let names = file_names(&tables.iter().collect::<Vec<_>>(), ExportFormat::Csv);
        assert_eq!(names, ["a%2Fb.csv", "%2E..csv", "Users.csv", "users-2.csv", "é 1.csv"]);
    }
}
