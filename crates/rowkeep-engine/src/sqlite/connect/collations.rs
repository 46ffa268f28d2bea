//! Collations that only an application has. The library above SQLite's C interface is asked for them in databases of UTF-8 alone.
#![allow(unsafe_code)]

use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};
use std::{ptr, slice};

use rusqlite::{Connection, Error, ffi};

/// Has bytes compared in place of every collation that SQLite does not have, so that what is in the order of one can be read as it
/// is stored.
pub(crate) fn stand_in(connection: &Connection) -> rusqlite::Result<()> {
    // SAFETY: the handle is that of an open connection, which no other thread uses, as `connection` is not `Sync`; the callback is a
    // function of the type that SQLite's manual gives, and needs no data.
    let code = unsafe { ffi::sqlite3_collation_needed(connection.handle(), ptr::null_mut(), Some(needed)) };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => Err(Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

unsafe extern "C" fn needed(_: *mut c_void, handle: *mut ffi::sqlite3, _: c_int, name: *const c_char) {
    // SAFETY: SQLite calls this with the handle of the connection that is preparing a statement, and a C string that it keeps until
    // this returns; a collation may be created meanwhile, that is what the call is for. What is created needs no data. Where it
    // fails, SQLite finds no collation, and says so.
    unsafe {
        ffi::sqlite3_create_collation_v2(
            handle,
            name,
            ffi::SQLITE_UTF8,
            ptr::null_mut(),
            Some(compare),
            None,
        );
    }
}

unsafe extern "C" fn compare(
    _: *mut c_void,
    a_bytes: c_int,
    a: *const c_void,
    b_bytes: c_int,
    b: *const c_void,
) -> c_int {
    // SAFETY: SQLite gives two texts by their first bytes and numbers of bytes, and keeps both until this returns.
    let (a, b) = unsafe { (text(a, a_bytes), text(b, b_bytes)) };
    match a.cmp(b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// The bytes of a text.
///
/// # Safety
/// So many bytes are there, for as long as the result is used.
unsafe fn text<'t>(first: *const c_void, bytes: c_int) -> &'t [u8] {
    match usize::try_from(bytes) {
        // SAFETY: the caller says so; of no bytes the first may be null.
        Ok(bytes @ 1..) => unsafe { slice::from_raw_parts(first.cast(), bytes) },
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_order_of_an_application_is_read_in_every_encoding() {
        for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("a.db");
            let theirs = Connection::open(&file).expect("it opens");
            let order = |a: &str, b: &str| a.to_lowercase().cmp(&b.to_lowercase());
            theirs.create_collation("own", order).expect("a collation");
            theirs
                .execute_batch(&format!(
                    "PRAGMA encoding = '{encoding}';
                     CREATE TABLE t (a TEXT COLLATE own PRIMARY KEY) WITHOUT ROWID;
                     INSERT INTO t VALUES ('b'), ('A'), ('C'), ('')"
                ))
                .expect("it is filled");
            let connection = Connection::open(&file).expect("it opens");
            stand_in(&connection).expect("it stands in");
            let mut statement = connection.prepare("SELECT a FROM t NOT INDEXED").expect("it is prepared");
            let read: Result<Vec<String>, _> =
                statement.query_map([], |row| row.get(0)).expect("it is read").collect();
            assert_eq!(read.expect("they are read"), ["", "A", "b", "C"], "{encoding}");
            let above = "SELECT count(*) FROM t WHERE a > 'B'";
            assert_eq!(connection.query_row(above, [], |row| row.get::<_, i64>(0)).expect("a count"), 2);
        }
    }
}
