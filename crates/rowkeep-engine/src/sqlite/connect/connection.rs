use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::collations;
use super::error::{failure, is_inaccessible};
use super::patience::{Patience, patiently};
use super::transaction::begin;
use crate::{EngineError, ErrorKind};

/// How a database can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// As any application does: with locks, and after the recovery that a crash of another may have made necessary.
    Shared,
    /// With locks, but where nothing may be written.
    ReadOnly,
    /// Without locks. Only where nothing can be written, or in a copy of our own.
    Immutable,
}

/// What SQLite keeps of the file's pages for one connection that reads. Scans need little.
const CACHE_KIB: u32 = 8 * 1024;

/// Opens a database for reading.
///
/// Where files beside the database can be written, nothing else is than what any reader does: rolling back what a
/// crashed writer left, and the `-wal` and `-shm` files of a WAL database. Where they cannot, the database is read
/// only; where not even that is possible because a WAL database lies in a folder without a `-wal` file and none can be
/// made, it is read without locks.
pub(crate) fn open(path: &Path, patience: &Patience) -> Result<(Connection, Access), EngineError> {
    open_by(path, |access| open_with(path, access, patience))
}

/// The same for statements of others: what only the database's application has is missing, and not stood in for.
pub(crate) fn open_plainly(path: &Path, patience: &Patience) -> Result<Connection, EngineError> {
    open_by(path, |access| connect(path, access, patience)).map(|(connection, _)| connection)
}

fn open_by(
    path: &Path,
    open: impl Fn(Access) -> rusqlite::Result<Connection>,
) -> Result<(Connection, Access), EngineError> {
    check_file(path)?;
    let mut first = None;
    for access in [Access::Shared, Access::ReadOnly, Access::Immutable] {
        // What these files hold belongs to the database and would be passed over.
        if access == Access::Immutable
            && ["-wal", "-journal"].iter().any(|kind| has_content(&beside(path, kind)))
        {
            break;
        }
        match open(access) {
            Ok(connection) => return Ok((connection, access)),
            Err(error) if is_inaccessible(&error) => first = first.or(Some(error)),
            Err(error) => return Err(failure(path.display(), &error)),
        }
    }
    Err(unreadable(path, first))
}

/// The same in one way of reading it.
pub(crate) fn open_with(path: &Path, access: Access, patience: &Patience) -> rusqlite::Result<Connection> {
    let connection = connect(path, access, patience)?;
    // Tables whose key is in an application's own order are read in the order in which they are stored.
    collations::stand_in(&connection)?;
    Ok(connection)
}

fn connect(path: &Path, access: Access, patience: &Patience) -> rusqlite::Result<Connection> {
    let write = if access == Access::Shared {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = write | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = if access == Access::Immutable {
        Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(Duration::ZERO)?;
    // A log that a crashed writer left is the application's to carry over, not ours on closing.
    let keep_log = has_content(&beside(path, "-wal"));
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_log)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let pragmas = format!(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -{CACHE_KIB};"
    );
    patiently(patience, || connection.execute_batch(&pragmas))?;
    patiently(patience, || begin(&connection).and_then(|()| connection.execute_batch("ROLLBACK")))?;
    Ok(connection)
}

/// Opens a database for changing it, as an application does: what only its application has is missing.
pub(crate) fn writable(path: &Path, patience: &Patience) -> Result<Connection, EngineError> {
    check_file(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
        // Shadow tables are written as they are.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        let pragmas = "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;";
        patiently(patience, || connection.execute_batch(pragmas))?;
        Ok(connection)
    };
    connect().map_err(|error| match is_inaccessible(&error) {
        true => EngineError::new(
            ErrorKind::PermissionDenied,
            format!("{}: the file may not be written: {}", path.display(), super::error::words(&error)),
        ),
        false => failure(path.display(), &error),
    })
}

/// The path of a file that SQLite keeps beside a database: with `-wal`, `-shm`, `-journal` after its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a file is there and not empty.
pub(crate) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

/// Refuses what cannot be a database before SQLite says less clearly that it is none. Does not open the file: closing it
/// would end the locks of all connections that this process has to it.
fn check_file(path: &Path) -> Result<(), EngineError> {
    refuse_special(path)?;
    let shown = path.display();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(EngineError::new(
            ErrorKind::InvalidUrl,
            format!("{shown} is a folder, not an SQLite database"),
        )),
        Ok(_) => Ok(()),
        Err(error) => Err(inaccessible(path, error)),
    }
}

/// Refuses what is neither a file nor a folder, and a link that leads nowhere: to take it for a database, or to put one in
/// its place, would harm whatever it is.
pub(crate) fn refuse_special(path: &Path) -> Result<(), EngineError> {
    let shown = path.display();
    let message = match (fs::metadata(path), fs::symlink_metadata(path)) {
        (Ok(metadata), _) if !metadata.is_file() && !metadata.is_dir() => {
            format!("{shown} is a device, pipe or socket, not an SQLite database; name a file")
        }
        (Err(_), Ok(link)) if link.is_symlink() => {
            format!(
                "{shown} is a link to a file that is not there or cannot be reached; name that file, or remove the link"
            )
        }
        _ => return Ok(()),
    };
    Err(EngineError::new(ErrorKind::InvalidUrl, message))
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

/// Why a file cannot be opened that is there. Opening it ourselves is harmless where SQLite could not.
fn unreadable(path: &Path, error: Option<rusqlite::Error>) -> EngineError {
    if let Err(error) = fs::File::open(path) {
        return inaccessible(path, error);
    }
    let words = error.map_or_else(String::new, |error| format!(": {}", super::error::words(&error)));
    EngineError::new(
        ErrorKind::PermissionDenied,
        format!(
            "{}: the file is there, but SQLite cannot open it without writing to its folder, which a write-ahead log or a \
             transaction to roll back makes necessary{words}",
            path.display()
        ),
    )
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                uri.push(char::from(*byte))
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri + "?immutable=1"
}
