//! What a file says of its database in its first line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key_path::KeyPath;

/// The newest version of the form that is read.
const VERSION: u64 = 1;

/// How the first line of each such file begins.
const BEGINNING: &[u8] = br#"{"format":"rowkeep-indexeddb","#;

/// A store: how it is made, and the number that its key generator gives next, where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Store {
    pub(super) name: String,
    pub(super) key_path: Option<KeyPath>,
    pub(super) auto_increment: bool,
    pub(super) indexes: Vec<Index>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<i64>,
}

/// An index of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) key_path: KeyPath,
    pub(super) unique: bool,
    pub(super) multi_entry: bool,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) database: String,
    pub(super) database_version: u64,
    pub(super) time: Timestamp,
    pub(super) program: String,
    /// What of the database is in it, where not all is.
    pub(super) part: Option<String>,
    pub(super) stores: Vec<Store>,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// Why there is no first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// It is of a newer version of the form, this one.
    Newer(u64),
    /// It is none, for this reason.
    Wrong(String),
}

impl Header {
    /// Whether a file begins as such files do.
    pub(super) fn begins(file: &[u8]) -> bool {
        file.starts_with(BEGINNING)
    }

    /// Reads the first line.
    pub(super) fn read(line: &str) -> Result<Self, NoHeader> {
        let wrong =
            |error: serde_json::Error| NoHeader::Wrong(format!("its first line cannot be read: {error}"));
        let Version { version } = serde_json::from_str(line).map_err(wrong)?;
        if version > VERSION {
            return Err(NoHeader::Newer(version));
        }
        serde_json::from_str(line).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_say_what_files_are_of() {
        let line = concat!(
            r#"{"format":"rowkeep-indexeddb","version":1,"database":"prn","databaseVersion":4,"time":"2026-11-30T02:00:00.000Z","program":"p","#,
            r#""stores":[{"name":"people","keyPath":["a","b.c"],"autoIncrement":true,"indexes":[{"name":"email","keyPath":"email","unique":true,"#,
            r#""multiEntry":false}],"next":42},{"name":"log","keyPath":null,"autoIncrement":false,"indexes":[]}],"part":"some stores"}"#
        );
        assert!(Header::begins(line.as_bytes()));
        let header = Header::read(line).expect("it is one");
        assert_eq!((header.database.as_str(), header.part.as_deref()), ("prn", Some("some stores")));
        let stores: Vec<String> =
            header.stores.iter().map(|store| serde_json::to_string(store).expect("it is JSON")).collect();
        assert!(line.contains(&stores.join(",")), "{stores:?}");
        assert_eq!(Header::read(&line.replace("\"version\":1", "\"version\":2")), Err(NoHeader::Newer(2)));
        assert!(matches!(Header::read(&line.replace("\"time\"", "\"tim\"")), Err(NoHeader::Wrong(_))));
    }
}
