//! What a look at a file found.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use crate::jobs::Verdict;

/// What a file is, and whether it is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectOutcome {
    /// The file.
    pub file: PathBuf,
    /// What it is.
    pub what: String,
    /// The program that wrote it, with its version, where it says so.
    pub written_by: Option<String>,
    /// The database that it is of, where it says so.
    pub database: Option<String>,
    /// When it was written, where it says so.
    pub time: Option<Timestamp>,
    /// Its size.
    pub bytes: u64,
    /// The tables in it.
    pub tables: Vec<InspectedTable>,
    /// What the sum beside it says, where there is one.
    pub checksum: Option<Checksum>,
    /// What is wrong with it, in words for people.
    pub problems: Vec<String>,
    /// What of it cannot be known, in words for people.
    pub notes: Vec<String>,
}

/// A table in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has; none where not all can be read, or the file was made without them.
    pub rows: Option<u64>,
    /// Whether the file was made without its rows: it is whole nevertheless.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

impl InspectOutcome {
    /// A file of which nothing is known yet but what it is.
    pub(super) fn new(file: &Path, what: String) -> Self {
        Self {
            file: file.to_owned(),
            what,
            written_by: None,
            database: None,
            time: None,
            bytes: size(file),
            tables: Vec::new(),
            checksum: None,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether all of it can be read, and no sum beside it says otherwise.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.checksum.as_ref().is_none_or(|checksum| checksum.holds)
    }

    /// All rows that can be read.
    pub fn rows(&self) -> u64 {
        self.tables.iter().filter_map(|table| table.rows).sum()
    }

    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.is_whole() { Verdict::Done } else { Verdict::Failed }
    }
}

/// How many bytes a file has, or the files of a folder.
fn size(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => {
            let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
            sizes.map(|metadata| metadata.len()).sum()
        }
        Err(_) => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
    }
}
