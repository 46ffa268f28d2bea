//! A copy of the state that a view reads, and the connections that move to it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tempfile::TempDir;

use crate::sqlite::connect::connection::{Access, open_with};
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::patience::Patience;
use crate::sqlite::connect::transaction::begin;
use crate::{EngineError, ErrorKind};

/// How many pages are copied between two looks at whether the copy is still wanted: some milliseconds.
const PAGES_AT_ONCE: i32 = 1024;

/// The name of the copy in its folder.
const COPY: &str = "copy.db";

/// The connections that nobody uses at present.
pub(crate) type Idle = Arc<Mutex<Vec<Connected>>>;

/// A connection to the database, or to a copy of it.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    /// Whether it is to the database itself, where it may hold up writers.
    pub(crate) live: bool,
}

impl Connected {
    /// Goes from the database to a copy of the same state.
    pub(crate) fn go_to(&mut self, copied: &Copied) -> Result<(), EngineError> {
        if self.live {
            *self = Self { connection: copied.connect()?, live: false };
        }
        Ok(())
    }
}

/// A folder with an empty file for the copy, which SQLite would make for everybody's eyes.
fn private_folder(temporary: &Path) -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("rowkeep-");
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = folder.tempdir_in(temporary)?;
    tempfile::Builder::new().prefix(COPY).rand_bytes(0).tempfile_in(folder.path())?.keep()?;
    Ok(folder)
}

/// The connections behind a lock, also when a thread has panicked while it held it.
pub(crate) fn lock(idle: &Mutex<Vec<Connected>>) -> MutexGuard<'_, Vec<Connected>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy of the state of a view, removed with the last that holds it.
pub(crate) struct Copied {
    original: PathBuf,
    path: PathBuf,
    patience: Patience,
    _folder: TempDir,
}

impl Copied {
    /// Makes the copy, for its owner's eyes only, in a folder of its own; none when it is not wanted any more.
    pub(crate) fn make(
        connection: &Connection,
        original: &Path,
        temporary: &Path,
        patience: Patience,
        is_wanted: impl Fn() -> bool,
    ) -> Result<Option<Self>, EngineError> {
        let doing = || format!("copying {} to {}", original.display(), temporary.display());
        let folder = private_folder(temporary)
            .map_err(|error| EngineError::new(ErrorKind::Other, doing()).with_source(error))?;
        let path = folder.path().join(COPY);
        let copy = || -> rusqlite::Result<bool> {
            let mut target = Connection::open(&path)?;
            target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
            let backup = Backup::new(connection, &mut target)?;
            while is_wanted() {
                if backup.step(PAGES_AT_ONCE)? == StepResult::Done {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let is_whole = copy().map_err(when(doing()))?;
        Ok(is_whole.then(|| Self { original: original.to_owned(), path, patience, _folder: folder }))
    }

    /// A connection to the copy, in a transaction.
    pub(crate) fn connect(&self) -> Result<Connection, EngineError> {
        let connect = || {
            let connection = open_with(&self.path, Access::Immutable, &self.patience)?;
            begin(&connection)?;
            Ok(connection)
        };
        connect().map_err(|error| failure(format!("the copy of {}", self.original.display()), &error))
    }

    /// Moves all connections that nobody uses; one that cannot be is closed, as a writer waits for it.
    pub(crate) fn move_all(&self, idle: &Mutex<Vec<Connected>>) {
        lock(idle).retain_mut(|connected| {
            let moved = connected.go_to(self);
            if let Err(error) = &moved {
                tracing::warn!(%error, "a reading connection is lost");
            }
            moved.is_ok()
        });
    }
}
