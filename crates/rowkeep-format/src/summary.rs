//! Summaries of snapshots: what a listing needs of many manifests, in one object.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::{RepositoryId, RowCountsHash};
use crate::manifest::{Before, Origin, Scope};
use crate::shared::{self, Shared};
use crate::{FormatError, Identity, Manifest, SnapshotId, TableEntry};

/// The newest version of summary objects that this program reads, and the one it writes.
pub const VERSION: u32 = 1;

/// The label of a snapshot that was made by replaying a log, with the time until which that was done.
pub const REPLAYED: &str = "replayed";

/// What a listing needs of a snapshot: its manifest without tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The snapshot.
    pub id: SnapshotId,
    /// The name of the database. This and what follows is there once for all summaries that were read together and say the same.
    #[serde(with = "shared::text")]
    pub database: Arc<str>,
    /// The engine it was read by.
    #[serde(with = "shared::text")]
    pub engine: Arc<str>,
    /// Where the database was: its URL without secrets, or its path.
    #[serde(with = "shared::text")]
    pub source: Arc<str>,
    /// What the database is, whatever it is called.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "shared::identity")]
    pub identity: Option<Arc<Identity>>,
    /// A name that somebody gave the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the state was.
    pub time: Timestamp,
    /// The snapshot of the same database before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SnapshotId>,
    /// One more than the highest of all snapshots that its writer knew of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What was asked for.
    pub scope: Scope,
    /// Labels that somebody gave it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What was about to be done when it was taken to make that undoable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Before>>,
    /// What it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whether its rows were masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// The snapshot before it, of which so much is gone in it that somebody should look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious_after: Option<SnapshotId>,
    /// Tables whose rows it holds, those included that people do not know as theirs.
    pub all_tables: u64,
    /// Tables whose rows it holds that people know as theirs.
    pub tables: u64,
    /// Rows in these.
    pub rows: u64,
    /// Plain bytes of all rows.
    pub bytes: u64,
    /// The names of all these tables and how many rows each has, as a hash, so that two snapshots can be compared without their
    /// manifests; none where an older program wrote the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_counts: Option<RowCountsHash>,
    /// Bytes that it added to the repository.
    pub new_bytes: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

impl Summary {
    /// The summary of a snapshot.
    pub fn of(id: SnapshotId, manifest: &Manifest) -> Self {
        Self {
            id,
            database: manifest.database.as_str().into(),
            engine: manifest.engine.as_str().into(),
            source: manifest.source.as_str().into(),
            identity: manifest.identity.clone().map(Arc::new),
            name: manifest.name.clone(),
            time: manifest.time,
            parent: manifest.parent,
            sequence: manifest.sequence,
            scope: manifest.scope,
            tags: manifest.tags.clone(),
            before: manifest.before.clone().map(Box::new),
            origin: manifest.origin,
            masked: manifest.is_masked(),
            suspicious_after: manifest.suspicion.as_ref().map(|suspicion| suspicion.after),
            all_tables: manifest.tables.len() as u64,
            tables: manifest.user_tables(),
            rows: manifest.rows(),
            bytes: manifest.bytes(),
            row_counts: Some(row_counts(&manifest.tables)),
            new_bytes: manifest.cost.new_bytes,
            duration_ms: manifest.cost.duration_ms,
        }
    }

    /// The snapshot where it was made, if it is in this repository.
    pub fn origin_in(&self, repository: RepositoryId) -> Origin {
        self.origin.unwrap_or(Origin { repository, snapshot: self.id })
    }

    /// Whether it is a safety snapshot: taken to make undoable what was then done to the database.
    pub fn is_safety(&self) -> bool {
        self.before.is_some()
    }

    /// Whether it stands beside the states that the database had by itself: a safety snapshot, or a state of before that was made of a
    /// log. Nobody means such a one who asks for the newest.
    pub fn is_aside(&self) -> bool {
        self.is_safety() || self.tags.contains_key(REPLAYED)
    }

    /// Whether it holds nothing but the changes that were then made, by which they can be undone.
    pub fn is_changes_alone(&self) -> bool {
        self.all_tables == 0 && self.before.as_ref().is_some_and(|before| before.changes.is_some())
    }
}

/// The names of tables and how many rows each has, as a hash: the first 16 bytes of the BLAKE3 of, for each table in the order
/// of the manifest, its schema's name, its name, each followed by a zero byte, and the number of its rows, 8 bytes, little endian.
pub fn row_counts(tables: &[TableEntry]) -> RowCountsHash {
    let mut hasher = blake3::Hasher::new();
    for entry in tables {
        for name in [entry.name.schema.as_deref().unwrap_or_default(), &entry.name.name] {
            hasher.update(name.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(&entry.root.rows.to_le_bytes());
    }
    let mut hash = [0; RowCountsHash::LEN];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..RowCountsHash::LEN]);
    RowCountsHash(hash)
}

#[derive(Serialize)]
struct Encoded<'a, S> {
    version: u32,
    snapshots: &'a [S],
}

#[derive(Deserialize)]
struct Decoded {
    version: u32,
    #[serde(deserialize_with = "sharing")]
    snapshots: Vec<Summary>,
}

/// Reads summaries one by one, so that those of one database never have their own copies of what it is.
fn sharing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Summary>, D::Error> {
    struct Sharing;

    impl<'de> Visitor<'de> for Sharing {
        type Value = Vec<Summary>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of summaries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Summary>, A::Error> {
            let (mut texts, mut identities) = (Shared::<str>::default(), Shared::default());
            let mut summaries = Vec::new();
            while let Some(mut summary) = sequence.next_element::<Summary>()? {
                for text in [&mut summary.database, &mut summary.engine, &mut summary.source] {
                    texts.share(text);
                }
                if let Some(identity) = &mut summary.identity {
                    identities.share(identity);
                }
                summaries.push(summary);
            }
            Ok(summaries)
        }
    }

    deserializer.deserialize_seq(Sharing)
}

/// The JSON of a summary object.
pub fn to_json<S: AsRef<Summary>>(summaries: &[S]) -> Vec<u8> {
    let snapshots: Vec<&Summary> = summaries.iter().map(AsRef::as_ref).collect();
    serde_json::to_vec(&Encoded { version: VERSION, snapshots: &snapshots })
        .expect("a summary has no map with keys that are not text")
}

/// Reads the JSON of a summary object; a newer version is told apart from damage.
pub fn from_json(json: &[u8]) -> Result<Vec<Summary>, FormatError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    const WHAT: &str = "the summaries";
    let malformed = |_| FormatError::Malformed(WHAT);
    match serde_json::from_slice::<Decoded>(json) {
        Ok(Decoded { version: VERSION, snapshots }) => Ok(snapshots),
        _ => match serde_json::from_slice::<Versioned>(json).map_err(malformed)? {
            Versioned { version } if version > VERSION => {
                Err(FormatError::NewerVersion { what: WHAT, found: version, supported: VERSION })
            }
            _ => Err(FormatError::Malformed(WHAT)),
        },
    }
}

impl AsRef<Summary> for Summary {
    fn as_ref(&self) -> &Summary {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TableRoot;
    use crate::{ChunkId, TableKind, TableName};

    fn summary() -> Summary {
        Summary {
            id: SnapshotId([1; 16]),
            database: "shop".into(),
            engine: "sqlite".into(),
            source: "shop.db".into(),
            identity: Some(Arc::new(Identity::at("/data/shop.db"))),
            name: None,
            time: "2026-11-28T09:30:00.25Z".parse().expect("a time"),
            parent: Some(SnapshotId([2; 16])),
            sequence: Some(7),
            scope: Scope::Full,
            tags: BTreeMap::new(),
            before: None,
            origin: None,
            masked: false,
            suspicious_after: None,
            all_tables: 3,
            tables: 2,
            rows: 100,
            bytes: 4000,
            row_counts: Some(RowCountsHash([5; 16])),
            new_bytes: 500,
            duration_ms: 12,
        }
    }

    fn safety() -> Summary {
        let before = Before {
            operation: "restore".to_owned(),
            from: "snapshot 01010101".to_owned(),
            changes: Some(ChunkId([3; 32])),
            entered: true,
            dangled: Vec::new(),
        };
        let tags = BTreeMap::from([("by".to_owned(), "ann".to_owned())]);
        let name = Some("a name".to_owned());
        Summary {
            before: Some(Box::new(before)),
            origin: Some(Origin { repository: RepositoryId([6; 16]), snapshot: SnapshotId([7; 16]) }),
            tags,
            name,
            sequence: None,
            identity: None,
            masked: true,
            suspicious_after: Some(SnapshotId([4; 16])),
            all_tables: 0,
            row_counts: None,
            ..summary()
        }
    }

    #[test]
    fn bytes_are_pinned() {
        let json = String::from_utf8(to_json(&[summary(), safety()])).expect("text");
        assert_eq!(
            json,
            concat!(
                r#"{"version":1,"snapshots":[{"id":"01010101010101010101010101010101","database":"shop","#,
                r#""engine":"sqlite","source":"shop.db","identity":{"place":"/data/shop.db"},"#,
                r#""time":"2026-11-28T09:30:00.25Z","#,
                r#""parent":"02020202020202020202020202020202","sequence":7,"scope":"full","all_tables":3,"#,
                r#""tables":2,"rows":100,"bytes":4000,"row_counts":"05050505050505050505050505050505","#,
                r#""new_bytes":500,"duration_ms":12},"#,
                r#"{"id":"01010101010101010101010101010101","database":"shop","engine":"sqlite","#,
                r#""source":"shop.db","name":"a name","time":"2026-11-28T09:30:00.25Z","#,
                r#""parent":"02020202020202020202020202020202","scope":"full","tags":{"by":"ann"},"#,
                r#""before":{"operation":"restore","from":"snapshot 01010101","changes":"#,
                r#""0303030303030303030303030303030303030303030303030303030303030303","entered":true},"#,
                r#""origin":{"repository":"06060606060606060606060606060606","snapshot":"07070707070707070707070707070707"},"#,
                r#""masked":true,"suspicious_after":"04040404040404040404040404040404","all_tables":0,"#,
                r#""tables":2,"rows":100,"bytes":4000,"new_bytes":500,"duration_ms":12}]}"#,
            )
        );
        assert_eq!(from_json(json.as_bytes()), Ok(vec![summary(), safety()]));
    }

    #[test]
    fn what_a_database_is_is_there_once() {
        let other = Summary { identity: Some(Arc::new(Identity::at("/data/other.db"))), ..summary() };
        let all = [summary(), other, safety(), summary()];
        let read = from_json(&to_json(&all)).expect("it is well formed");
        assert_eq!(read, all);
        let is_one = |a: usize, b: usize| match (&read[a].identity, &read[b].identity) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        assert!(is_one(0, 3) && !is_one(0, 1));
        let texts = |at: usize| [&read[at].database, &read[at].engine, &read[at].source];
        for (one, other) in texts(0).into_iter().zip(texts(3)) {
            assert!(Arc::ptr_eq(one, other), "{one}");
        }
    }

    #[test]
    fn counts_of_rows_are_told_apart() {
        let entry = |schema: Option<&str>, name: &str, rows| TableEntry {
            name: TableName { schema: schema.map(str::to_owned), name: name.to_owned() },
            kind: TableKind::Table,
            root: TableRoot { hash: ChunkId([0; 32]), levels: 1, rows, bytes: 0, chunks: 0 },
            read: None,
            pages: None,
            original: None,
        };
        let hash = |name, rows| row_counts(&[entry(Some("s"), name, rows), entry(None, "t", 7)]).to_string();
        assert_eq!(hash("a", 1), "b698289f20e7c710f9649afb075451b8");
        let others = [hash("a", 2), hash("b", 1), row_counts(&[entry(Some("s"), "a", 1)]).to_string()];
        assert!(others.iter().all(|other| *other != hash("a", 1)), "{others:?}");
    }

    #[test]
    fn a_safety_snapshot_of_changes_alone_is_told() {
        assert!(safety().is_changes_alone() && safety().is_safety());
        assert!(!summary().is_changes_alone() && !summary().is_safety());
        assert!(!Summary { all_tables: 1, ..safety() }.is_changes_alone());
    }

    #[test]
    fn malformed_objects_are_refused_and_newer_ones_told() {
        let json = to_json(&[summary(), safety()]);
        for len in 0..json.len() {
            assert_eq!(from_json(&json[..len]), Err(FormatError::Malformed("the summaries")), "{len}");
        }
        let text = String::from_utf8(json).expect("text");
        for (from, to) in [
            ("\"version\":1", "\"version\":0"),
            ("0202", "02"),
            ("\"full\"", "\"half\""),
            ("\"rows\":100", "\"rows\":-1"),
            ("\"source\"", "\"sauce\""),
        ] {
            assert!(from_json(text.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
        }
        assert_eq!(
            from_json(br#"{"version":2,"what":"ever"}"#),
            Err(FormatError::NewerVersion { what: "the summaries", found: 2, supported: 1 })
        );
    }
}
