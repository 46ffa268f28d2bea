//! IndexedDB: databases that only a page in a browser can read, as its module captures them (`clients/indexeddb`).
//!
//! # What a state is
//! A state arrives: as a file in the form of `clients/indexeddb/FORMAT.md`, never by asking a database. Each store is a table, and each
//! record a row (`record.rs`): what names it, and a column for each of its properties. What JSON cannot hold stays in the form that the file
//! has for it, so that every record comes back with the bytes that it had. Contents of Blobs and long buffers are rows of a table
//! beside the stores.
//!
//! # Order
//! Rows stand in the order in which values of columns compare (`KeyForm::Native`), which is nearly that of IndexedDB. In files records are in
//! IndexedDB's own order, that of the bytes of their keys (`key.rs`).

mod cell;
mod date;
mod dialect;
mod engine;
mod file;
mod json_text;
mod key;
mod key_path;
mod kind;
mod lines;
mod properties;
mod record;
mod references;
mod rows;
mod scan;
mod schema;
mod store;
mod survey;
mod write;

pub(crate) use file::StateFile;
pub(crate) use kind::IndexedDbKind;
