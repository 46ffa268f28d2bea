//! The formats of files that are read.

use crate::file_source::Format;
use crate::indexeddb::StateFile;
use crate::postgres::dump_file::{PostgresDump, PostgresScript};
use crate::sqlite::dump_file::{PackedDatabase, SqliteScript};
use crate::sqlite::mysql_dump::MySqlDump;
use crate::sqlite::plain_file::{CsvFiles, JsonDocument, JsonLines, ParquetFiles};

/// In the order in which they are tried: what is sure of itself comes first.
pub(super) static FORMATS: [&dyn Format; 10] = [
    &PackedDatabase,
    &StateFile,
    &PostgresDump,
    &MySqlDump,
    &PostgresScript,
    &SqliteScript,
    &ParquetFiles,
    &JsonLines,
    &JsonDocument,
    &CsvFiles,
];
