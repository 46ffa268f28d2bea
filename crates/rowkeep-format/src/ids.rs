//! Names of things: chunks and snapshots, and the keys that make them.

use std::fmt;

use crate::FormatError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes; as text it is twice as many hexadecimal digits.
            pub const LEN: usize = $len;

            /// Reads the lower-case hexadecimal form.
            pub fn from_hex(text: &str) -> Result<Self, FormatError> {
                let malformed = || FormatError::Malformed(concat!("the id (", stringify!($name), ")"));
                let mut id = [0; $len];
                crate::lower_hex::decode(text.as_bytes(), &mut id).ok_or_else(malformed)?;
                Ok(Self(id))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::from_hex(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// Name of a chunk: the keyed BLAKE3 hash of its plain bytes.
    ///
    /// Equal ids mean equal bytes; without the repository's key an id tells nothing about them.
    ChunkId, 32
}
id! {
    /// Name of a snapshot: the first half of the BLAKE3 hash of its object in the repository.
    SnapshotId, 16
}
id! {
    /// Name of a plan: the first half of the BLAKE3 hash of its object in the repository.
    PlanId, 16
}
id! {
    /// Name of a hold: the first half of the BLAKE3 hash of its object in the repository.
    HoldId, 16
}
id! {
    /// Name of a repository: random, made once.
    RepositoryId, 16
}
id! {
    /// Name of a pack: the BLAKE3 hash of its whole file.
    PackId, 32
}
id! {
    /// Name of an index object: the BLAKE3 hash of the whole object.
    IndexId, 32
}
id! {
    /// Name of a summary object: the first half of the BLAKE3 hash of the object.
    SummaryId, 16
}
id! {
    /// What an engine keeps a table's rows in, as a hash: see [`crate::TableEntry::pages`].
    PagesHash, 16
}
id! {
    /// How many rows the tables of a snapshot have, as a hash: see [`crate::Summary::row_counts`].
    RowCountsHash, 16
}
id! {
    /// Name of a record of a prune: the first half of the BLAKE3 hash of its object in the repository.
    PruneRecordId, 16
}
id! {
    /// Name of a key slot: the first half of the BLAKE3 hash of its object.
    KeySlotId, 16
}

/// The two secrets that decide names and places of chunks in one repository.
///
/// Both follow from the repository's master key, so that every machine names and cuts alike.
#[derive(Clone)]
pub struct ContentKeys {
    name: [u8; 32],
    cut: [u8; 16],
}

impl ContentKeys {
    /// Derives the keys from a master key of 32 bytes.
    pub fn derive(master: &[u8; 32]) -> Self {
        let mut cut = [0; 16];
        cut.copy_from_slice(&blake3::derive_key("rowkeep v1 2026 chunk boundaries", master)[..16]);
        Self { name: blake3::derive_key("rowkeep v1 2026 chunk names", master), cut }
    }

    /// Names a chunk by its plain bytes.
    pub fn chunk_id(&self, plain: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.name, plain).as_bytes())
    }

    /// The SipHash key under which keys of rows decide where a chunk ends.
    pub fn cut_key(&self) -> &[u8; 16] {
        &self.cut
    }
}

impl fmt::Debug for ContentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways_and_refuses_the_rest() {
        let id = SnapshotId([0x0f; 16]);
        assert_eq!(SnapshotId::from_hex(&id.to_string()), Ok(id));
        for bad in [
            "",
            "0f",
            "zz0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
            "0F0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
            "é0f0f0f0f0f0f0f0f0f0f0f0f0f0f0",
        ] {
            assert!(SnapshotId::from_hex(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_pinned() {
        let keys = ContentKeys::derive(&[7; 32]);
        assert_eq!(
            keys.chunk_id(b"rows").to_string(),
            "1e1c6ed3ed1e465982c215be4811d2b78f149ef55950db21cee6b142f6681830"
        );
    }
}
