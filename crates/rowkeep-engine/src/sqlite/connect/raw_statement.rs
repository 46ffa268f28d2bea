//! Statements that read and write millions of rows.
//!
//! What `rusqlite` does for each value (three calls to read it, a copy of each text to write it) takes longer than what
//! SQLite does. And its text is UTF-8 always, which UTF-16 cannot always become. So this is SQLite's C interface, for
//! nothing but stepping through rows of values, and inserting such.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::slice;

use rowkeep_format::Value;
use rusqlite::{Connection, Error, ffi};

use super::utf16::{Endian, from_utf8};

/// A prepared statement.
pub(crate) struct Statement<'c> {
    statement: NonNull<ffi::sqlite3_stmt>,
    connection: &'c Connection,
    columns: usize,
    parameters: usize,
}

impl<'c> Statement<'c> {
    /// Prepares the one statement in `sql`.
    pub(crate) fn prepare(connection: &'c Connection, sql: &str) -> rusqlite::Result<Self> {
        let (statement, _) = Self::first(connection, sql)?;
        statement.ok_or_else(|| failure(connection, ffi::SQLITE_MISUSE))
    }

    /// Prepares the first statement in `sql` and gives what follows it; none where there are only comments.
    pub(crate) fn first<'s>(
        connection: &'c Connection,
        sql: &'s str,
    ) -> rusqlite::Result<(Option<Self>, &'s str)> {
        // Statements end between characters.
        let (statement, after) = Self::first_in(connection, sql.as_bytes())?;
        Ok((statement, sql.get(after..).unwrap_or_default()))
    }

    /// The same of SQL whose text need not be UTF-8; gives where what follows begins.
    pub(crate) fn first_in(
        connection: &'c Connection,
        sql: &[u8],
    ) -> rusqlite::Result<(Option<Self>, usize)> {
        let (mut statement, mut tail) = (ptr::null_mut(), ptr::null());
        let length = c_int::try_from(sql.len()).map_err(|_| failure(connection, ffi::SQLITE_TOOBIG))?;
        let start = start(sql).cast();
        // SAFETY: the connection is open and borrowed; `sql` is `length` bytes at `start`.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.handle(),
                start,
                length,
                ffi::SQLITE_PREPARE_PERSISTENT as _,
                &mut statement,
                &mut tail,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(failure(connection, code));
        }
        // SQLite lets the tail point into `sql`.
        let after = (tail as usize).saturating_sub(start as usize).min(sql.len());
        let Some(statement) = NonNull::new(statement) else { return Ok((None, after)) };
        // SAFETY: the statement was prepared just now and is finalized only on drop.
        let (columns, parameters) = unsafe {
            let columns = ffi::sqlite3_column_count(statement.as_ptr());
            (columns, ffi::sqlite3_bind_parameter_count(statement.as_ptr()))
        };
        let prepared =
            Self { statement, connection, columns: columns as usize, parameters: parameters as usize };
        Ok((Some(prepared), after))
    }

    /// How many parameters it has.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
    }

    /// Whether running it writes nothing to any database file.
    pub(crate) fn is_readonly(&self) -> bool {
        // SAFETY: the statement is not finalized.
        unsafe { ffi::sqlite3_stmt_readonly(self.statement.as_ptr()) != 0 }
    }

    /// The names of its columns.
    pub(crate) fn column_names(&self) -> Vec<String> {
        let name = |column| {
            // SAFETY: the column exists; the name is null or a C string until the statement is prepared anew.
            let name = unsafe {
                let name = ffi::sqlite3_column_name(self.statement.as_ptr(), column as c_int);
                (!name.is_null()).then(|| CStr::from_ptr(name))
            };
            name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        (0..self.columns).map(name).collect()
    }

    /// Goes to the next row; false when there is none.
    pub(crate) fn step(&mut self) -> rusqlite::Result<bool> {
        // SAFETY: the statement is not finalized, and nobody else uses it or its connection: neither is `Sync`.
        match unsafe { ffi::sqlite3_step(self.statement.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(failure(self.connection, code)),
        }
    }

    /// A value of the present row, NULL where there is none; nothing when memory ran out. Text is in the encoding of
    /// the database.
    pub(crate) fn value(&self, column: usize) -> Option<Value<'_>> {
        if column >= self.columns {
            return Some(Value::Null);
        }
        // SAFETY: the column exists, and where there is no row SQLite gives a NULL of its own. The value stays as it
        // is until the statement steps on, for which it must not be borrowed any more. That it is not "protected" is of
        // no matter for a connection that one thread uses.
        unsafe {
            let value = ffi::sqlite3_column_value(self.statement.as_ptr(), column as c_int);
            Some(match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_value_double(value).to_bits()),
                ffi::SQLITE_TEXT => Value::Text(bytes(value)?),
                ffi::SQLITE_BLOB => Value::Blob(bytes(value)?),
                _ => Value::Null,
            })
        }
    }

    /// Runs a statement that has a parameter for each of the values and gives no rows, such as an `INSERT`.
    ///
    /// `utf16` is given when the database's text is UTF-16; the text of the values is UTF-8 in any case.
    pub(crate) fn insert<'v>(
        &mut self,
        values: impl ExactSizeIterator<Item = Value<'v>>,
        utf16: Option<Endian>,
    ) -> rusqlite::Result<()> {
        self.run(values, utf16, |_| true)
    }

    /// Runs a statement that has a parameter for each of the values, and hands on each row until `on_row` says no.
    pub(crate) fn run<'v>(
        &mut self,
        values: impl ExactSizeIterator<Item = Value<'v>>,
        utf16: Option<Endian>,
        mut on_row: impl FnMut(&Self) -> bool,
    ) -> rusqlite::Result<()> {
        if values.len() != self.parameters {
            return Err(Error::InvalidParameterCount(values.len(), self.parameters));
        }
        let _bound = Bound(self.statement);
        for (index, value) in (1..).zip(values) {
            // The values outlive this call, and the end of it unbinds them.
            match self.bind(index, value, utf16) {
                ffi::SQLITE_OK => {}
                code => return Err(failure(self.connection, code)),
            }
        }
        while self.step()? && on_row(self) {}
        Ok(())
    }

    fn bind(&mut self, index: c_int, value: Value<'_>, utf16: Option<Endian>) -> c_int {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement is not finalized, SQLite checks the index, pointers and lengths are of one slice. What is
        // bound as static is only read by the steps that follow in `run`, while the value is borrowed there; it is
        // unbound when `run` ends. What is transient is copied at once.
        unsafe {
            match (value, utf16) {
                (Value::Null, _) => ffi::sqlite3_bind_null(statement, index),
                (Value::Integer(integer), _) => ffi::sqlite3_bind_int64(statement, index, integer),
                (Value::Real(bits), _) => ffi::sqlite3_bind_double(statement, index, f64::from_bits(bits)),
                (Value::Text(text), None) => {
                    let (text, length) = (start(text).cast(), text.len() as u64);
                    ffi::sqlite3_bind_text64(
                        statement,
                        index,
                        text,
                        length,
                        ffi::SQLITE_STATIC(),
                        ffi::SQLITE_UTF8 as u8,
                    )
                }
                (Value::Text(text), Some(endian)) => {
                    let mut units = Vec::with_capacity(2 * text.len() + 2);
                    from_utf8(text, endian, &mut units);
                    // SQLite takes one mark of byte order away, so text that begins like one gets another.
                    if units.starts_with(&[0xfe, 0xff]) || units.starts_with(&[0xff, 0xfe]) {
                        units.splice(..0, if endian == Endian::Little { [0xff, 0xfe] } else { [0xfe, 0xff] });
                    }
                    let encoding =
                        if endian == Endian::Little { ffi::SQLITE_UTF16LE } else { ffi::SQLITE_UTF16BE };
                    let (text, length) = (start(&units).cast(), units.len() as u64);
                    ffi::sqlite3_bind_text64(
                        statement,
                        index,
                        text,
                        length,
                        ffi::SQLITE_TRANSIENT(),
                        encoding as u8,
                    )
                }
                (Value::Blob(blob), _) => {
                    let (blob, length) = (start(blob).cast(), blob.len() as u64);
                    ffi::sqlite3_bind_blob64(statement, index, blob, length, ffi::SQLITE_STATIC())
                }
            }
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: it is finalized only here; the connection is still open, as it is borrowed.
        unsafe { ffi::sqlite3_finalize(self.statement.as_ptr()) };
    }
}

/// A statement with values bound to it; on drop, it is as if it had never run.
struct Bound(NonNull<ffi::sqlite3_stmt>);

impl Drop for Bound {
    fn drop(&mut self) {
        // SAFETY: made and dropped within a call on the statement, which is not finalized. What resetting returns is the
        // error that stepping had.
        unsafe {
            ffi::sqlite3_reset(self.0.as_ptr());
            ffi::sqlite3_clear_bindings(self.0.as_ptr());
        }
    }
}

/// The bytes of a text or blob as they are stored; nothing when memory ran out.
///
/// # Safety
/// The value is a text or blob and stays as it is for as long as the bytes are used.
unsafe fn bytes<'v>(value: *mut ffi::sqlite3_value) -> Option<&'v [u8]> {
    // SAFETY: asked for as a blob, text keeps its encoding, and the length asked for next is that of the same bytes; the
    // pointer is null when the length is 0, or when memory ran out.
    unsafe {
        let start: *const u8 = ffi::sqlite3_value_blob(value).cast();
        let length = ffi::sqlite3_value_bytes(value) as usize;
        match (start.is_null(), length) {
            (_, 0) => Some(&[]),
            (true, _) => None,
            (false, _) => Some(slice::from_raw_parts(start, length)),
        }
    }
}

/// Where bytes begin, for SQLite: never null, which would be NULL, and readable also when there are none.
fn start(bytes: &[u8]) -> *const u8 {
    if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr() }
}

/// The error that a connection had last.
fn failure(connection: &Connection, code: c_int) -> Error {
    // SAFETY: the connection is open; the message is a C string until the connection is used again.
    let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(connection.handle())) };
    Error::SqliteFailure(ffi::Error::new(code), Some(message.to_string_lossy().into_owned()))
}
