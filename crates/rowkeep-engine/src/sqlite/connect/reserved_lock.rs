//! The one thing that SQLite tells only through its C interface: whether somebody is about to write.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr;

use rusqlite::{Connection, ffi};

/// Whether another connection, of this or another process, holds a RESERVED lock or a higher one: it has begun to write, and
/// will need that there are no readers when it commits.
///
/// Only tells anything in rollback mode. Says no when SQLite cannot tell.
pub(crate) fn is_reserved(connection: &Connection) -> bool {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the handle is that of an open connection, which `connection` keeps open and which no other thread uses, as it
    // is not `Sync`; the name is a C string; SQLite's manual gives FILE_POINTER one out-parameter of this type.
    let code = unsafe {
        let out = ptr::from_mut(&mut file).cast();
        ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, out)
    };
    if code != ffi::SQLITE_OK || file.is_null() {
        return false;
    }
    // SAFETY: the file is that of the main database, which is open as long as the connection is; its methods are null
    // when it is not.
    let check = unsafe { (*file).pMethods.as_ref() }.and_then(|methods| methods.xCheckReservedLock);
    let mut reserved: c_int = 0;
    // SAFETY: a method of this very file, called as SQLite itself calls it: on an open file, by one thread at a time.
    let code = check.map(|check| unsafe { check(file, &mut reserved) });
    code == Some(ffi::SQLITE_OK) && reserved != 0
}
