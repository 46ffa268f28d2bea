//! A database that exists only to be read: made from a file, in a temporary folder, gone with its view.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rowkeep_format::clock::SystemClock;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::said::Said;
use super::view::ScratchView;
use crate::file_source::{FileOptions, temporary_failed};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::patience::Patience;
use crate::sqlite::read::view::SqliteView;
use crate::{AbandonedFolder, EngineError, ErrorKind, HeldFolder, View, ViewOptions};

/// The largest value, in bytes: a statement of a dump is shorter, and what it holds shorter still.
const LONGEST_VALUE_BYTES: i32 = 256 << 20;

/// What the names of their folders begin with.
const PREFIX: &str = "rowkeep-file-";

/// The database in its folder.
const DATABASE: &str = "scratch.db";

/// Such a database when it is filled, for whoever wants the file. It goes with this.
pub(crate) struct ScratchFile {
    folder: HeldFolder,
}

impl ScratchFile {
    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// Where another file may be that goes with it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A database that is being filled.
pub(crate) struct Scratch {
    folder: HeldFolder,
    connection: Connection,
}

impl Scratch {
    /// Makes an empty one for nobody else's eyes, and removes what killed processes left of theirs.
    pub(crate) fn new(temporary: Option<&Path>) -> Result<Self, EngineError> {
        let parent = temporary.map_or_else(std::env::temp_dir, Path::to_owned);
        let make = || {
            let folder = HeldFolder::make(&parent, PREFIX)?;
            clear(&parent, folder.owner()?);
            Ok(folder)
        };
        let folder = make().map_err(|error| temporary_failed(&parent, error))?;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(folder.path().join(DATABASE))?;
            // What is not finished is thrown away.
            connection.execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;",
            )?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES)?;
            // Dumps enter virtual tables into the schema, and write their shadow tables.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
            Ok(connection)
        };
        let connection = open().map_err(when(format!("a temporary database in {}", parent.display())))?;
        Ok(Self { folder, connection })
    }

    /// The connection that fills it. Nothing has to be committed but what was begun.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The same for whoever decides what its statements may do.
    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Where it is, for whoever has it as a file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// Ends the filling.
    pub(crate) fn into_file(self) -> Result<ScratchFile, EngineError> {
        let Self { folder, connection } = self;
        connection.close().map_err(|(_, error)| when("a temporary database")(error))?;
        Ok(ScratchFile { folder })
    }

    /// Ends the filling and opens the state. Nothing is left of it in its folder where the system can keep open files without
    /// names.
    pub(crate) fn into_view(self, options: &FileOptions, said: Said) -> Result<Arc<dyn View>, EngineError> {
        let Self { folder, connection } = self;
        let shown = || options.identity.place.clone();
        connection.close().map_err(|(_, error)| when(shown())(error))?;
        let patience = Patience::new(Duration::from_secs(1), SystemClock::shared());
        let view_options = ViewOptions { with_ddl: options.with_ddl };
        let path = folder.path().join(DATABASE);
        let view = SqliteView::open(&path, None, options.temporary.clone(), &patience, &view_options, &[]);
        let view = view.map_err(|error| {
            EngineError::new(
                ErrorKind::DamagedFile,
                format!("{}: what it makes is no sound database", shown()),
            )
            .with_source(error)
        })?;
        let folder = if cfg!(unix) {
            // Readers have it open.
            drop(folder);
            None
        } else {
            Some(folder)
        };
        Ok(Arc::new(ScratchView::new(view, options.identity.clone(), said, folder)))
    }
}

/// Removes what killed processes of a user left.
fn clear(parent: &Path, owner: u32) {
    let now = SystemClock::shared().now();
    for folder in AbandonedFolder::find(parent, PREFIX, owner, now).unwrap_or_default() {
        let path = folder.path().to_owned();
        if let Err(error) = folder.remove() {
            tracing::debug!(folder = %path.display(), %error, "a temporary folder stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let parent = tempfile::tempdir().expect("a folder");
        let left = parent.path().join(format!("{PREFIX}left"));
        std::fs::create_dir(&left).expect("it is made");
        for name in ["lock", DATABASE] {
            std::fs::write(left.join(name), "rows").expect("it is written");
        }
        let used = Scratch::new(Some(parent.path())).expect("it is made");
        let other = Scratch::new(Some(parent.path())).expect("it is made");
        assert!(!left.exists());
        assert!(used.folder.path().exists() && other.folder.path().exists());
    }
}
