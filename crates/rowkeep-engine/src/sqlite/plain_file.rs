//! Rows that others wrote down without SQL: JSON, NDJSON, CSV and Apache Parquet become tables of a database of their own.
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
#[cfg(feature = "parquet")]
mod parquet;
mod parquet_file;
mod parquet_magic;
mod rows_file;
mod staged;
mod table;
mod verify;

pub(crate) use open::JsonDocument;
pub(crate) use parquet_file::ParquetFiles;
pub(crate) use rows_file::{CsvFiles, JsonLines, table_files};
