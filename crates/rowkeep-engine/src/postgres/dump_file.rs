//! Dumps of `pg_dump` and `pg_dumpall`, as states: plain ones, and archives in the custom, directory and tar formats.
//!
//! Rows keep their exact text, as `COPY` of a live database gives it. Tables, keys and references are read in the statements of
//! the dump, and chosen as they are for a live database, so that equal rows give equal hashes. What cannot be told from a dump
//! alone: a byte that was changed in a value and still makes one.

mod archive;
mod choose;
mod contents;
mod copied;
mod definition;
mod inserts;
mod large_objects;
mod loaded;
mod order;
mod other_script;
mod output;
mod partial;
mod pieces;
mod place;
mod plain;
mod recognise;
mod rows;
mod salvage;
mod sequences;
mod settings;
mod state;
mod table_definition;
mod tables;
mod view;

pub(crate) use other_script::PostgresScript;
pub(crate) use recognise::PostgresDump;
