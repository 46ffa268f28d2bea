//! A file that is read from its beginning to its end, packed or not.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::{Counted, check};
use super::packing::Packing;
use crate::{EngineError, ErrorKind};

/// How much of the content is looked at to find out what it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// A file, and what its content begins with.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: PathBuf,
    /// The file that says what a folder of files is.
    inside: Option<PathBuf>,
    packing: Packing,
    head: Vec<u8>,
}

/// Where a file is not what it should be, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// A line or a byte of the content, in words.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) what: String,
}

impl Source {
    /// Looks at a file. It must not be an SQLite database: closing that ends the locks that this process has on it.
    pub(crate) fn of(path: &Path) -> Result<Self, EngineError> {
        Self::look(path, None)
    }

    /// The same of a folder by a file in it that says what the folder is.
    pub(crate) fn folder(path: &Path, inside: &str) -> Result<Self, EngineError> {
        Self::look(path, Some(path.join(inside)))
    }

    fn look(path: &Path, inside: Option<PathBuf>) -> Result<Self, EngineError> {
        let looked_at = inside.clone().unwrap_or_else(|| path.to_owned());
        let mut start = Vec::new();
        let mut begin = || -> io::Result<File> {
            let mut file = File::open(&looked_at)?;
            Read::by_ref(&mut file).take(8).read_to_end(&mut start)?;
            file.rewind()?;
            Ok(file)
        };
        let file = begin().map_err(|error| inaccessible(&looked_at, error))?;
        let packing = Packing::of(&start);
        let mut source = Self { path: path.to_owned(), inside, packing, head: Vec::new() };
        let mut unpacked = source.unpacked(file)?;
        let mut head = Vec::new();
        let read = unpacked.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        // What follows the head is looked at by whoever reads it all.
        if let Err(error) = read
            && head.is_empty()
        {
            return Err(unpacked.failed(error));
        }
        source.head = head;
        Ok(source)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a folder of files.
    pub(crate) fn is_folder(&self) -> bool {
        self.inside.is_some()
    }

    /// The first bytes of its content.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// What it is packed with.
    pub(crate) fn packing(&self) -> Packing {
        self.packing
    }

    /// Begins to read its content.
    pub(crate) fn open(&self) -> Result<Unpacked, EngineError> {
        self.unpacked(File::open(&self.path).map_err(|error| inaccessible(&self.path, error))?)
    }

    /// Its content as a file that can be read anywhere: itself, or an anonymous temporary one in a folder, with the error that
    /// ended unpacking.
    pub(crate) fn spooled(&self, folder: Option<&Path>) -> Result<(File, Option<EngineError>), EngineError> {
        if self.packing == Packing::None {
            let file = File::open(&self.path).map_err(|error| inaccessible(&self.path, error))?;
            return Ok((file, None));
        }
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        let full = |error: io::Error| temporary_failed(&folder, error);
        let mut spool = tempfile::tempfile_in(&folder).map_err(full)?;
        let mut unpacked = self.open()?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match unpacked.read(&mut buffer) {
                Ok(0) => return Ok((spool, None)),
                Ok(read) => spool.write_all(&buffer[..read]).map_err(full)?,
                Err(error) => return Ok((spool, Some(unpacked.failed(error)))),
            }
        }
    }

    /// An error about what is in it.
    pub(crate) fn damaged(&self, damage: &Damage) -> EngineError {
        let message = format!("{}, {}: {}", self.path.display(), damage.place, damage.what);
        EngineError::new(ErrorKind::DamagedFile, message)
    }

    fn unpacked(&self, file: File) -> Result<Unpacked, EngineError> {
        let packed_bytes = Arc::new(AtomicU64::new(0));
        let content = self.packing.unpack(Counted::new(file, &packed_bytes));
        let failed = |error| failed(&self.path, self.packing, packed_bytes.load(Ordering::Relaxed), error);
        let content = content.map_err(failed)?;
        Ok(Unpacked { path: self.path.clone(), packing: self.packing, content, packed_bytes, bytes: 0 })
    }
}

/// The content of a file.
pub(crate) struct Unpacked {
    path: PathBuf,
    packing: Packing,
    content: Box<dyn Read + Send>,
    packed_bytes: Arc<AtomicU64>,
    bytes: u64,
}

impl Unpacked {
    /// The error of reading it, with where in the file that was.
    pub(crate) fn failed(&self, error: io::Error) -> EngineError {
        failed(&self.path, self.packing, self.packed_bytes.load(Ordering::Relaxed), error)
    }
}

impl Read for Unpacked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(into)?;
        self.bytes += read as u64;
        if self.packing != Packing::None {
            check(self.packed_bytes.load(Ordering::Relaxed), self.bytes)?;
        }
        Ok(read)
    }
}

/// The error of a temporary file.
pub(crate) fn temporary_failed(folder: &Path, error: io::Error) -> EngineError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let (kind, what) = match full {
        true => (ErrorKind::DiskFull, "no room is left for a temporary file"),
        false => (ErrorKind::Other, "a temporary file fails"),
    };
    EngineError::new(kind, format!("{what} in {}", folder.display())).with_source(error)
}

fn inaccessible(path: &Path, error: io::Error) -> EngineError {
    let shown = path.display();
    let (kind, what) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            (ErrorKind::NotFound, "there is no such file")
        }
        io::ErrorKind::PermissionDenied => (ErrorKind::PermissionDenied, "the file may not be read"),
        _ => (ErrorKind::Other, "the file cannot be read"),
    };
    EngineError::new(kind, format!("{shown}: {what}")).with_source(error)
}

fn failed(path: &Path, packing: Packing, at: u64, error: io::Error) -> EngineError {
    let shown = path.display();
    match (packing.name(), error.kind()) {
        (None, _) => {
            EngineError::new(ErrorKind::Other, format!("{shown}: the file cannot be read")).with_source(error)
        }
        (Some(name), io::ErrorKind::UnexpectedEof) => {
            let message =
                format!("{shown}: the file is cut off: at byte {at}, its {name} data ends too early");
            EngineError::new(ErrorKind::DamagedFile, message)
        }
        (Some(name), _) => {
            let message = format!("{shown}: its {name} data is wrong before byte {at}");
            EngineError::new(ErrorKind::DamagedFile, message).with_source(error)
        }
    }
}
