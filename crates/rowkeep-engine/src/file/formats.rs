//! The formats of files that are read.

use crate::file_source::Format;
use crate::postgres::dump_file::{PostgresDump, PostgresScript};
use crate::sqlite::dump_file::{PackedDatabase, SqliteScript};
use crate::sqlite::mysql_dump::MySqlDump;
use crate::sqlite::plain_file::{CsvFiles, JsonDocument, JsonLines};

/// In the order in which they are tried: what is sure of itself comes first.
pub(super) static FORMATS: [&dyn Format; 8] = [
    &PackedDatabase,
    &PostgresDump,
    &MySqlDump,
    &PostgresScript,
    &SqliteScript,
    &JsonLines,
    &JsonDocument,
    &CsvFiles,
];
