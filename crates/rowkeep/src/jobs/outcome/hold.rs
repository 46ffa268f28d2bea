//! A hold on a snapshot.

use jiff::Timestamp;
use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

/// The newest version of [`Hold`] that this program reads, and the one it writes.
pub const HOLD_VERSION: u32 = 1;

/// A hold as a repository keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Version of this form.
    pub version: u32,
    /// What it says.
    pub kind: HoldKind,
    /// The snapshot that it is about.
    pub snapshot: SnapshotId,
    /// When it was made.
    pub time: Timestamp,
    /// When a hold ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why the snapshot is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The program that made it.
    pub program: String,
}

/// What a hold says of its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// It stays.
    Hold,
    /// It is suspicious, and somebody has looked at it: what is gone in it is meant to be.
    LookedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_pinned() {
        let hold = Hold {
            version: HOLD_VERSION,
            kind: HoldKind::Hold,
            snapshot: SnapshotId([1; 16]),
            time: "2026-11-28T09:30:00Z".parse().expect("a time"),
            until: Some("2027-01-31T00:00:00Z".parse().expect("a time")),
            reason: Some("audit".to_owned()),
            program: "rowkeep 0.1.0".to_owned(),
        };
        let json = serde_json::to_string(&hold).expect("it has a JSON form");
        assert_eq!(
            json,
            concat!(
                r#"{"version":1,"kind":"hold","snapshot":"01010101010101010101010101010101","#,
                r#""time":"2026-11-28T09:30:00Z","until":"2027-01-31T00:00:00Z","reason":"audit","#,
                r#""program":"rowkeep 0.1.0"}"#
            )
        );
        assert_eq!(serde_json::from_str::<Hold>(&json).ok(), Some(hold.clone()));
        let looked = Hold { kind: HoldKind::LookedAt, until: None, reason: None, ..hold };
        let json = serde_json::to_string(&looked).expect("it has a JSON form");
        assert!(
            json.contains(r#""kind":"looked_at""#) && !json.contains("until") && !json.contains("reason")
        );
        for len in 0..json.len() {
            assert!(serde_json::from_str::<Hold>(&json[..len]).is_err(), "{len}");
        }
    }
}
