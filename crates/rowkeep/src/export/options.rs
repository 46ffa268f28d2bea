//! What is to be exported and how, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_engine::sql::Program;
use rowkeep_format::ContentKeys;
use serde::{Deserialize, Serialize};

use super::compression::Compression;
use super::format::ExportFormat;
use crate::diff::RowFilter;
use crate::rows::mask::MaskRules;
use crate::state::selection::Selection;

/// What is to be exported, and how.
pub struct ExportOptions {
    /// What the files are.
    pub format: ExportFormat,
    /// The program that is to load SQL; by the engine when not given.
    pub program: Option<Program>,
    /// How files are compressed.
    pub compression: Option<Compression>,
    /// The tables that are meant.
    pub selection: Selection,
    /// Of their rows, only these.
    pub rows: Option<Arc<dyn RowFilter>>,
    /// How rows are masked, and the keys of the repository that a mask without a key of its own takes.
    pub mask: Option<(MaskRules, ContentKeys)>,
    /// Whether SQL begins with the schema, where the state has it and all rows of all tables are meant.
    pub with_schema: bool,
    /// What a file with all tables is called in a folder, without extension, where its format does not say it.
    pub name: String,
    /// What tables are called in JSON, where not by their names.
    pub names: BTreeMap<String, String>,
    /// The full backup that an increment is called one of; by the time of the first state when not given.
    pub base: Option<String>,
    /// Whether nothing comes beside the files: no checksums, no folder of metadata.
    pub alone: bool,
    /// Whether files that are there are replaced.
    pub force: bool,
    /// How many bytes may be written at most.
    pub at_most: Option<u64>,
}

impl ExportOptions {
    /// What of a state is meant, where not all of it as it is, in the words that backups of Phone Range Nexus say it in.
    pub(super) fn part(&self) -> Option<&'static str> {
        match (&self.mask, &self.rows, self.selection.is_all()) {
            (Some(_), ..) => Some("masked"),
            (None, Some(_), _) => Some("some_rows"),
            (None, None, false) => Some("some_tables"),
            (None, None, true) => None,
        }
    }

    /// Whether the rows that are meant are whole tables as they were.
    pub(super) fn is_whole_tables(&self) -> bool {
        self.mask.is_none() && self.rows.is_none()
    }
}

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The files.
    pub files: Vec<ExportedFile>,
    /// The files beside them: checksums, metadata.
    pub beside: Vec<PathBuf>,
    /// All rows.
    pub rows: u64,
    /// All bytes.
    pub bytes: u64,
    /// Whether SQL begins with the schema.
    pub with_schema: bool,
    /// What people should know of it, in their words.
    pub notes: Vec<String>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Where it is; nothing for a stream.
    pub path: Option<PathBuf>,
    /// The tables in it.
    pub tables: Vec<String>,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of it, in hexadecimal digits.
    #[serde(default)]
    pub sha256: String,
}
