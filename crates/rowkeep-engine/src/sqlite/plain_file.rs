//! Rows that others wrote down without SQL: JSON, NDJSON and CSV become tables of a database of their own.
//!
//! Values keep the letters that they have in the file as far as no type of SQLite keeps them exactly. What a file cannot tell is
//! said by table and column.

mod about;
mod chain;
mod column;
mod csv;
mod document;
mod finish;
mod json;
mod open;
mod rows_file;
mod staged;
mod table;
mod verify;

pub(crate) use open::JsonDocument;
pub(crate) use rows_file::{CsvFiles, JsonLines, table_files};
