//! Dumps of SQLite: scripts of SQL, run into a database of their own, which is then read as any other is.
//!
//! So rows and schema are what `sqlite3` would make of the script, to the letter.

mod authorizer;
mod packed;
mod recognise;
mod run;
mod said;
mod scratch;
mod statements;
mod view;

pub(crate) use packed::PackedDatabase;
pub(crate) use recognise::SqliteScript;
pub(crate) use said::Said;
pub(crate) use scratch::{Scratch, ScratchFile};
