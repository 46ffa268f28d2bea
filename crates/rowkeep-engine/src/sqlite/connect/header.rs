//! Whether a file is a database, without ending the locks that this process has on it.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::path::Path;
use std::ptr;

use rusqlite::{Connection, OpenFlags, ffi};

/// What every database file begins with (SQLite's file format, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether a file begins like a database. Not known where it cannot be opened.
///
/// SQLite itself opens and closes it, and reads no more than those bytes: whoever else opens and closes a file ends all locks
/// that their process has on it (SQLite manual, "How To Corrupt An SQLite Database File", section 2.2).
pub(crate) fn is_database(path: &Path) -> Option<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    let mut start = [0u8; MAGIC.len()];
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open; the control fills in a pointer to the file that it has, which is valid as long as the
    // connection is; its methods are those of its VFS. What is read is as long as the buffer.
    let code: c_int = unsafe {
        let found = ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_FILE_POINTER,
            (&raw mut file).cast(),
        );
        let methods = if found == ffi::SQLITE_OK && !file.is_null() { (*file).pMethods } else { ptr::null() };
        if methods.is_null() {
            return None;
        }
        match (*methods).xRead {
            Some(read) => read(file, start.as_mut_ptr().cast(), start.len() as c_int, 0),
            None => return None,
        }
    };
    match code {
        ffi::SQLITE_OK => Some(&start == MAGIC),
        // A shorter file; an empty one is a database.
        ffi::SQLITE_IOERR_SHORT_READ => Some(std::fs::metadata(path).is_ok_and(|file| file.len() == 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_told_from_other_files_and_keep_their_locks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let database = Connection::open(path("a.db")).expect("it is made");
        database.execute_batch("CREATE TABLE t (a); BEGIN IMMEDIATE;").expect("it is locked");
        assert_eq!(is_database(&path("a.db")), Some(true));
        // Seen from another process, for SQLite knows its own locks without the system's.
        let lock = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::MetadataExt;
            let inode = format!(":{} ", std::fs::metadata(path("a.db")).expect("it is there").ino());
            assert!(lock.contains(&inode), "{lock}");
        }
        for (name, content, expected) in
            [("empty", "", true), ("short", "SQL", false), ("dump", &"-- x\n".repeat(99), false)]
        {
            std::fs::write(path(name), content).expect("it is written");
            assert_eq!(is_database(&path(name)), Some(expected), "{name}");
        }
        assert_eq!(is_database(&path("missing")), None);
    }
}
