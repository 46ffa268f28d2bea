//! The manifest of a snapshot: what it holds, and how it came to be.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::RepositoryId;
use crate::tree::TableRoot;
use crate::{ChunkId, FormatError, Identity, PagesHash, SnapshotId, TableKind, TableName};

/// The newest version of manifests that this program reads, and the one it writes.
pub const VERSION: u32 = 1;

/// What a snapshot holds: complete by itself, a few kilobytes whatever the size of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub version: u32,
    /// The name of the database.
    pub database: String,
    /// The engine it was read by.
    pub engine: String,
    /// Where the database was: its URL without secrets, or its path.
    pub source: String,
    /// What the database is, whatever it is called. None in manifests of programs that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// A name that somebody gave the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the state was, by the clock of the machine that read it. Which of two snapshots is the later one, `sequence` says.
    pub time: Timestamp,
    /// Where in the database's own history the state lies, such as an LSN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// What the engine needs to tell later which rows were written after the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instant: Option<String>,
    /// The snapshot of the same database before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SnapshotId>,
    /// One more than the highest of all snapshots that the writer knew, whatever their database, so that the order of
    /// snapshots needs no clock. None in manifests of programs that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What was asked for.
    pub scope: Scope,
    /// The chunk that holds the schema as JSON text.
    pub schema: ChunkId,
    /// The tables whose rows are held, by name.
    pub tables: Vec<TableEntry>,
    /// What could not be read, so that the snapshot says nothing of its rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Labels that somebody gave it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Facts about the database and its server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What was about to be done to the database when this snapshot was taken to make it undoable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// What it is a copy of; none where it was made of a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What is gone in it that was in the snapshot before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicion: Option<Suspicion>,
    /// What it cost.
    pub cost: Cost,
    /// The program that wrote it.
    pub program: String,
}

/// Which part of a database a snapshot was asked to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Schema and the rows of all tables.
    Full,
    /// Schema, and the rows of some tables.
    SomeTables,
    /// Schema alone.
    SchemaOnly,
    /// Rows alone.
    DataOnly,
}

/// One table of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Its name.
    #[serde(flatten)]
    pub name: TableName,
    /// What its rows are.
    pub kind: TableKind,
    /// Its hash and sizes.
    #[serde(flatten)]
    pub root: TableRoot,
    /// When its rows were read, where that was for an earlier snapshot: the database told that none was written since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Timestamp>,
    /// What the database kept its rows in, as a hash of the engine's own: while it is the same, so are all rows. None where that
    /// was not asked, or the engine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<PagesHash>,
    /// Its hash in the repository where the snapshot was made, if this is a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<ChunkId>,
}

/// A snapshot in the repository where it was made of a database.
///
/// It is the same for all copies of a snapshot, and copies of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The repository.
    pub repository: RepositoryId,
    /// The snapshot's id there.
    pub snapshot: SnapshotId,
}

/// Something of a database whose rows could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    /// Its name.
    #[serde(flatten)]
    pub name: TableName,
    /// Why they could not be.
    pub why: Why,
}

/// Why rows could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// An unlogged table, read on a standby, which does not have its rows.
    Unlogged,
    /// The same of a sequence, which has no value there.
    UnloggedSequence,
    /// A foreign table: its rows are on another server.
    Foreign,
    /// The role may not read it, and it was not wanted; its definition could not be read either.
    Denied,
    /// The same of a sequence, whose value could not be read.
    DeniedSequence,
    /// The file that the state was read from does not have all of its rows: they were left out, or it is damaged.
    NotInFile,
}

impl Unread {
    /// It and the reason, in words.
    pub fn told(&self) -> String {
        let name = &self.name;
        match self.why {
            Why::Unlogged => format!("rows of {name}: it is unlogged, and a standby does not have them"),
            Why::UnloggedSequence => {
                format!("value of sequence {name}: it is unlogged, and a standby does not have it")
            }
            Why::Foreign => format!("rows of {name}: they are on another server"),
            Why::Denied => format!("rows and definition of {name}: permission denied"),
            Why::DeniedSequence => format!("value of sequence {name}: permission denied"),
            Why::NotInFile => format!("rows of {name}: the file does not have all of them"),
        }
    }
}

/// Why a safety snapshot was taken: what was then done to the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// What was done: `restore`, `undo`, `migrate`.
    pub operation: String,
    /// The state that rows were taken from, in words: a snapshot's id.
    pub from: String,
    /// The text chunk with the [`Changeset`](crate::changeset::Changeset) that was applied. None when the whole database
    /// was replaced, schema included; the snapshot then holds all that there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChunkId>,
    /// Whether the ledger of the repository gets an entry once it is done, so that one without was perhaps never done. Not
    /// in manifests of programs that did not write the entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub entered: bool,
    /// References that dangled when the snapshot was taken and do no more once it is done: undoing it may leave them dangling
    /// again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangled: Vec<Dangled>,
}

/// Rows of a table that refer to rows that are not there, by one foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dangled {
    /// The referring table.
    pub table: TableName,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references: TableName,
    /// How many rows.
    pub rows: u64,
}

/// So much is gone in a snapshot that somebody should look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// The snapshot that it was compared with: the last of its database and kind.
    pub after: SnapshotId,
    /// Tables that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables_gone: Vec<TableName>,
    /// Tables that have far fewer rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows_gone: Vec<RowsGone>,
}

/// A table that has far fewer rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsGone {
    /// The table.
    #[serde(flatten)]
    pub name: TableName,
    /// The rows that it had.
    pub before: u64,
    /// The rows that it has.
    pub now: u64,
}

/// What making a snapshot cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Milliseconds from connecting to the last table's end.
    pub duration_ms: u64,
    /// Bytes of values that were read.
    pub read_bytes: u64,
    /// Chunks that were not in the repository before.
    pub new_chunks: u64,
    /// Bytes that were added to the repository.
    pub new_bytes: u64,
}

impl Manifest {
    /// The JSON that is stored.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has no map with keys that are not text")
    }

    /// Reads the stored JSON; a newer version is told apart from damage.
    pub fn from_json(json: &[u8]) -> Result<Self, FormatError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |_| FormatError::Malformed("the manifest");
        let Versioned { version } = serde_json::from_slice(json).map_err(malformed)?;
        if version > VERSION {
            return Err(FormatError::NewerVersion {
                what: "the manifest",
                found: version,
                supported: VERSION,
            });
        }
        serde_json::from_slice(json).map_err(malformed)
    }

    /// The entry of a table. Looks through all of them; who asks for many builds [`by_name`](Self::by_name) once.
    pub fn table(&self, name: &TableName) -> Option<&TableEntry> {
        self.tables.iter().find(|table| &table.name == name)
    }

    /// The entries of all tables by their names.
    pub fn by_name(&self) -> HashMap<&TableName, &TableEntry> {
        // Of two of one name the first counts, as in `table`.
        self.tables.iter().rev().map(|table| (&table.name, table)).collect()
    }

    /// Whether its rows were masked.
    pub fn is_masked(&self) -> bool {
        self.environment.get("masked").is_some_and(|masked| masked == "true")
    }

    /// Plain bytes of the rows of all tables.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.root.bytes).sum()
    }

    /// Number of tables that people know as theirs.
    pub fn user_tables(&self) -> u64 {
        self.tables.iter().filter(|table| table.kind.is_user_table()).count() as u64
    }

    /// Number of rows in all tables that people know as theirs.
    pub fn rows(&self) -> u64 {
        self.tables.iter().filter(|table| table.kind.is_user_table()).map(|table| table.root.rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_pinned_and_what_is_not_known_is_ignored() {
        let json = concat!(
            r#"{"version":1,"database":"shop","engine":"sqlite","source":"shop.db","#,
            r#""time":"2026-11-28T09:30:00Z","scope":"full","#,
            r#""schema":"0303030303030303030303030303030303030303030303030303030303030303","tables":[],"#,
            r#""suspicion":{"after":"01010101010101010101010101010101","tables_gone":[{"name":"colours"}],"#,
            r#""rows_gone":[{"schema":"public","name":"orders","before":2000,"now":1}]},"#,
            r#""cost":{"duration_ms":1,"read_bytes":2,"new_chunks":3,"new_bytes":4},"program":"rowkeep 0.1.0"}"#
        );
        let manifest = Manifest::from_json(json.as_bytes()).expect("it is well formed");
        let suspicion = manifest.suspicion.clone().expect("it is there");
        assert_eq!((suspicion.tables_gone.len(), suspicion.rows_gone[0].before), (1, 2000));
        assert_eq!(String::from_utf8(manifest.to_json()).as_deref(), Ok(json));
        let of_a_newer_program = json.replacen("\"database\"", "\"from_tomorrow\":{\"a\":1},\"database\"", 1);
        assert_eq!(Manifest::from_json(of_a_newer_program.as_bytes()), Ok(manifest));
    }

    #[test]
    fn what_a_copy_is_of_is_pinned() {
        let json = concat!(
            r#"{"version":1,"database":"shop","engine":"sqlite","source":"shop.db","#,
            r#""time":"2026-11-28T09:30:00Z","sequence":3,"scope":"full","#,
            r#""schema":"0303030303030303030303030303030303030303030303030303030303030303","#,
            r#""tables":[{"name":"orders","kind":"table","#,
            r#""hash":"0404040404040404040404040404040404040404040404040404040404040404","levels":1,"rows":2,"#,
            r#""bytes":30,"chunks":1,"original":"0505050505050505050505050505050505050505050505050505050505050505"}],"#,
            r#""origin":{"repository":"06060606060606060606060606060606","#,
            r#""snapshot":"01010101010101010101010101010101"},"#,
            r#""cost":{"duration_ms":1,"read_bytes":2,"new_chunks":3,"new_bytes":4},"program":"rowkeep 0.1.0"}"#
        );
        let manifest = Manifest::from_json(json.as_bytes()).expect("it is well formed");
        assert_eq!(manifest.origin.map(|origin| origin.snapshot), Some(SnapshotId([1; 16])));
        assert_eq!(manifest.tables[0].original, Some(ChunkId([5; 32])));
        assert_eq!(String::from_utf8(manifest.to_json()).as_deref(), Ok(json));
    }

    #[test]
    fn a_newer_manifest_is_no_damage() {
        let error = Manifest::from_json(br#"{"version":2,"what":"ever"}"#).expect_err("too new");
        assert_eq!(error, FormatError::NewerVersion { what: "the manifest", found: 2, supported: 1 });
        assert_eq!(Manifest::from_json(b"{}"), Err(FormatError::Malformed("the manifest")));
    }
}
